//! `#[problem(axum)]`, `#[problem(actix)]` and `#[problem(utoipa)]`.

use std::fmt;

use buttress_problem::ToProblem;

use crate::support::Secret;

/// Generic, borrowing and nested: what the impls must put up with.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[cfg_attr(feature = "axum", problem(axum))]
#[cfg_attr(feature = "actix", problem(actix))]
#[cfg_attr(feature = "utoipa", problem(utoipa))]
enum OrderError<'a, K: fmt::Debug> {
    /// No order has this number.
    #[error("{key:?} is not in {shop}")]
    #[problem(status = NOT_FOUND, type = "urn:example:order-not-found", header(AGE = "1", AGE = "2"))]
    NotFound {
        #[problem(extension)]
        key: K,
        shop: &'a str,
    },
    #[error("storing the order failed")]
    #[problem(status = 503, header(RETRY_AFTER = 5))]
    Store(#[from] Secret),
    #[error(transparent)]
    #[problem(transparent)]
    Limit(Limit),
}

/// All its problems are the client's doing, so it need not be `Send`.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("at most {0} at once")]
#[problem(status = CONFLICT, code = "LIMIT")]
struct Limit(u8);

/// The impls come on top of what every error has.
#[test]
fn a_framework_changes_nothing() {
    let shop = String::from("s");
    for (error, status) in [
        (
            OrderError::NotFound {
                key: 7,
                shop: &shop,
            },
            404,
        ),
        (OrderError::Store(Secret), 503),
        (OrderError::Limit(Limit(3)), 409),
    ] {
        assert_eq!(error.to_problem().status(), status);
    }
}

#[cfg(feature = "axum")]
mod axum {
    use axum::{
        Router,
        body::{Body, to_bytes},
        routing::get,
    };
    use http::{Request, Response};
    use tower::ServiceExt;

    use super::{Limit, OrderError};
    use crate::support::{Log, SECRET, Secret};

    async fn answer(path: &str) -> Response<Body> {
        type Outcome = Result<(), OrderError<'static, u8>>;
        let router = Router::new()
            .route(
                "/missing",
                get(async || -> Outcome { Err(OrderError::NotFound { key: 7, shop: "s" }) }),
            )
            .route("/broken", get(async || -> Outcome { Err(Secret)? }))
            .route(
                "/limited",
                get(async || -> Outcome { Err(OrderError::Limit(Limit(3))) }),
            );
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    async fn text(response: Response<Body>) -> String {
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn an_error_is_a_handlers_answer() {
        let response = answer("/missing").await;
        assert_eq!(response.status(), 404);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers.get_all("age").iter().count(), 2);
        assert_eq!(
            text(response).await,
            concat!(
                r#"{"type":"urn:example:order-not-found","title":"Not found","status":404,"#,
                r#""detail":"7 is not in s","code":"ORDER_NOT_FOUND","key":7}"#,
            )
        );
        assert_eq!(answer("/limited").await.status(), 409);
    }

    #[tokio::test]
    async fn a_5xx_is_logged_once_and_says_nothing() {
        let log = Log::capture();
        let response = answer("/broken").await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        let text = text(response).await;
        assert!(
            !text.contains("storing") && !text.contains(SECRET),
            "{text}"
        );
        assert_eq!(log.count(SECRET), 1, "{}", log.text());
        assert_eq!(log.count("storing the order failed"), 1, "{}", log.text());
    }
}

#[cfg(feature = "actix")]
mod actix {
    use actix_web::{App, body::to_bytes, rt, test, web};

    use super::{Limit, OrderError};
    use crate::support::{Log, SECRET, Secret};

    fn answer(fail: fn() -> OrderError<'static, u8>) -> (u16, Vec<(String, String)>, String) {
        rt::System::new().block_on(async {
            let handler = move || async move { Err::<String, _>(fail()) };
            let app = test::init_service(App::new().route("/", web::get().to(handler))).await;
            let request = test::TestRequest::get().to_request();
            let response = test::call_service(&app, request).await;
            let headers = response.headers().iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body()).await.unwrap();
            (status, headers, String::from_utf8(body.to_vec()).unwrap())
        })
    }

    #[core::prelude::v1::test]
    fn an_error_is_a_handlers_answer() {
        let (status, headers, body) = answer(|| OrderError::NotFound { key: 7, shop: "s" });
        assert_eq!(status, 404);
        assert_eq!(headers.iter().filter(|(name, _)| name == "age").count(), 2);
        assert!(headers.contains(&(
            "content-type".to_owned(),
            "application/problem+json".to_owned()
        )));
        assert!(body.contains("\"key\":7"), "{body}");
        assert!(body.contains("7 is not in s"), "{body}");
        assert_eq!(answer(|| OrderError::Limit(Limit(3))).0, 409);
    }

    /// The framework only lends the error, so what is logged is the text of the whole chain.
    #[core::prelude::v1::test]
    fn a_5xx_is_logged_once_and_says_nothing() {
        let log = Log::capture();
        let (status, headers, body) = answer(|| OrderError::Store(Secret));
        assert_eq!(status, 503);
        assert!(headers.contains(&("retry-after".to_owned(), "5".to_owned())));
        assert!(
            !body.contains("storing") && !body.contains(SECRET),
            "{body}"
        );
        assert_eq!(log.count(SECRET), 1, "{}", log.text());
        assert_eq!(log.count("storing the order failed"), 1, "{}", log.text());
    }
}

#[cfg(feature = "utoipa")]
mod utoipa {
    use utoipa::IntoResponses;

    use super::OrderError;

    #[test]
    fn the_responses_are_those_of_the_catalogue() {
        let responses = OrderError::<'static, u8>::responses();
        let statuses: Vec<_> = responses.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["404", "409", "503"]);
        let json = serde_json::to_string(&responses["404"]).unwrap();
        assert!(json.contains("application/problem+json"), "{json}");
        assert!(json.contains("No order has this number."), "{json}");
        assert!(json.contains("urn:example:order-not-found"), "{json}");
    }
}
