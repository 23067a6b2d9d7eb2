//! `ProblemLayer` and answers that are problems already.

use axum::{Router, body::Body, routing::get};
use buttress_problem::{Occurrence, PreparedProblem, Problem, ProblemLayer, UriReference};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, util::MapResponseLayer};

use crate::support::{Log, SECRET, Secret};

fn answering(problem: fn() -> Problem) -> Router {
    Router::new().route("/at", get(async move || Response::<Body>::from(problem())))
}

async fn ask(router: Router, method: Method) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri("/at")
        .header("x-request-id", "id-9");
    let request = request.body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap()
}

async fn document(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_problem_gets_what_it_lacks_and_keeps_what_it_has() {
    let bare = answering(|| Problem::new(StatusCode::CONFLICT)).layer(ProblemLayer::new());
    let expected = json!({
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "instance": "/at",
        "code": "CONFLICT",
        "requestId": "id-9",
    });
    assert_eq!(document(ask(bare, Method::GET).await).await, expected);

    let full = || {
        Problem::new(StatusCode::CONFLICT)
            .with_instance(UriReference::from_static("urn:uuid:7"))
            .with_extension("requestId", "own")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    };
    let response = ask(answering(full).layer(ProblemLayer::new()), Method::GET).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    let document = document(response).await;
    assert_eq!(document["instance"], "urn:uuid:7");
    assert_eq!(document["requestId"], "own");
}

/// RFC 9457, section 3 lets titles and details be translated.
#[tokio::test]
async fn a_problem_keeps_the_language_of_its_texts() {
    let translated = || {
        Problem::new(StatusCode::CONFLICT)
            .with_title("Em falta")
            .with_header(header::CONTENT_LANGUAGE, HeaderValue::from_static("pt"))
            .with_header(header::ETAG, HeaderValue::from_static("\"1\""))
    };
    let response = ask(
        answering(translated).layer(ProblemLayer::new()),
        Method::GET,
    )
    .await;
    let languages = response.headers().get_all(header::CONTENT_LANGUAGE).iter();
    assert_eq!(languages.collect::<Vec<_>>(), ["pt"]);
    assert_eq!(response.headers().get(header::ETAG), None);
}

#[tokio::test]
async fn a_412_keeps_the_validators_of_the_resource() {
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    fn with_validators(status: StatusCode) -> Problem {
        Problem::new(status)
            .with_header(header::ETAG, HeaderValue::from_static("\"8\""))
            .with_header(header::LAST_MODIFIED, HeaderValue::from_static(MODIFIED))
    }
    let failed = || with_validators(StatusCode::PRECONDITION_FAILED);
    let conflict = || with_validators(StatusCode::CONFLICT);
    for (problem, kept) in [(failed as fn() -> Problem, true), (conflict, false)] {
        let router = answering(problem)
            .layer(ProblemLayer::new())
            .layer(ProblemLayer::new());
        let response = ask(router, Method::GET).await;
        let tags = response.headers().get_all(header::ETAG).iter();
        assert_eq!(tags.collect::<Vec<_>>(), ["\"8\""][..usize::from(kept)]);
        let dates = response.headers().get_all(header::LAST_MODIFIED).iter();
        assert_eq!(dates.collect::<Vec<_>>(), [MODIFIED][..usize::from(kept)]);
        assert_eq!(document(response).await["instance"], "/at");
    }
    // So does one without a body, which somebody else has made.
    let empty = async || (StatusCode::PRECONDITION_FAILED, [(header::ETAG, "\"8\"")]);
    let router = Router::new().route("/at", get(empty));
    let response = ask(router.layer(ProblemLayer::new()), Method::GET).await;
    assert_eq!(response.headers()[header::ETAG], "\"8\"");
    assert_eq!(document(response).await["code"], "PRECONDITION_FAILED");
}

#[tokio::test]
async fn the_cause_is_logged_once_with_the_id_however_many_layers_there_are() {
    let failed = || Problem::new(StatusCode::BAD_GATEWAY).with_source(Secret);
    for method in [Method::GET, Method::HEAD] {
        let log = Log::capture();
        let router = answering(failed)
            .layer(ProblemLayer::new())
            .layer(ProblemLayer::new());
        let response = ask(router, method.clone()).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        assert_eq!(body.is_empty(), method == Method::HEAD);
        assert_eq!(log.count(SECRET), 1, "{}", log.text());
        assert_eq!(log.count("id-9"), 1, "{}", log.text());
    }
}

#[tokio::test]
async fn a_prepared_problem_is_answered_and_completed_like_any_other_each_time() {
    let problem = || {
        Problem::new(StatusCode::TOO_MANY_REQUESTS)
            .with_detail("slow down")
            .with_extension("violated-policies", ["minute"])
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("7"))
            .with_header(header::VARY, HeaderValue::from_static("a"))
            .with_header(header::VARY, HeaderValue::from_static("b"))
            .with_header(header::CONTENT_LENGTH, HeaderValue::from_static("1"))
    };
    let prepared = PreparedProblem::new(problem());
    for _ in 0..2 {
        let plain: Response<Bytes> = problem().into();
        let response: Response<Bytes> = prepared.to_response();
        assert_eq!(response.status(), plain.status());
        assert_eq!(response.headers(), plain.headers());
        assert_eq!(response.body(), plain.body());
        let carried = Problem::in_extensions(response.extensions()).unwrap();
        assert_eq!(carried.detail(), prepared.problem().detail());

        let prepared = prepared.clone();
        let handler = get(async move || prepared.to_response::<Body>());
        let router = Router::new()
            .route("/at", handler)
            .layer(ProblemLayer::new());
        let completed = document(ask(router, Method::GET).await).await;
        let same = Router::new().route("/at", get(async move || Response::<Body>::from(problem())));
        let same = ask(same.layer(ProblemLayer::new()), Method::GET).await;
        assert_eq!(same.headers()["retry-after"], "7");
        assert_eq!(completed, document(same).await);
        assert_eq!(completed["instance"], "/at");
    }
}

#[tokio::test]
async fn the_cause_of_a_prepared_problem_is_logged_each_time() {
    let prepared = PreparedProblem::new(Problem::new(StatusCode::BAD_GATEWAY).with_source(Secret));
    let log = Log::capture();
    for count in 1..=2 {
        drop(prepared.to_response::<Bytes>());
        assert_eq!(log.count(SECRET), count);
    }
}

#[tokio::test]
async fn the_status_member_follows_a_status_line_that_was_changed_further_in() {
    let router = answering(|| Problem::new(StatusCode::BAD_REQUEST))
        .layer(MapResponseLayer::new(|mut response: Response<Body>| {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }))
        .layer(ProblemLayer::new());
    let response = ask(router, Method::GET).await;
    assert_eq!(response.status(), 422);
    let document = document(response).await;
    assert_eq!(document["status"], 422);
    assert_eq!(document["title"], "Unprocessable Content");
    assert_eq!(document["code"], "UNPROCESSABLE_CONTENT");
}

#[tokio::test]
async fn the_status_member_follows_even_a_status_line_that_is_no_error() {
    let router = Router::new()
        .route(
            "/at",
            get(async || {
                let mut response = Response::<Body>::from(Problem::new(StatusCode::NOT_FOUND));
                *response.status_mut() = StatusCode::OK;
                response
            }),
        )
        .layer(ProblemLayer::new());
    let response = ask(router, Method::GET).await;
    assert_eq!(response.status(), 200);
    assert_eq!(document(response).await["status"], 200);
}

#[tokio::test]
async fn what_others_have_made_of_a_problem_stays_theirs() {
    let router = answering(|| Problem::new(StatusCode::BAD_REQUEST).with_source(Secret))
        .layer(MapResponseLayer::new(|mut response: Response<Body>| {
            let html = HeaderValue::from_static("text/html");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            *response.body_mut() = Body::from("<p>theirs");
            response
        }))
        .layer(ProblemLayer::new());
    let log = Log::capture();
    let response = ask(router, Method::GET).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "<p>theirs");
    assert_eq!(log.count(SECRET), 1, "{}", log.text());
}

#[tokio::test]
async fn outer_middleware_sees_the_problem_without_parsing() {
    let response = ask(Router::new().layer(ProblemLayer::new()), Method::GET).await;
    let problem = Problem::in_extensions(response.extensions()).unwrap();
    assert_eq!(problem.code(), Some("NOT_FOUND"));
    assert_eq!(problem.extension::<String>("requestId").unwrap(), "id-9");
    let fine = Response::new(Bytes::new());
    assert!(Problem::in_extensions(fine.extensions()).is_none());
}

#[tokio::test]
async fn a_problem_with_a_status_that_has_no_content_has_none() {
    for status in [204, 205, 304] {
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response::<Bytes>::from(Problem::new(status));
        assert_eq!(response.status(), status);
        assert!(response.body().is_empty(), "{status}");
        assert!(response.headers().is_empty(), "{status}");

        // Not by way of a hook either (RFC 9110, section 8.6).
        let hook = move |problem: &mut Problem, _: &Occurrence<'_>| problem.set_status(status);
        let inner = tower::service_fn(async |_: Request<()>| {
            let problem = Problem::new(StatusCode::CONFLICT);
            Ok::<_, std::convert::Infallible>(Response::<Full<Bytes>>::from(problem))
        });
        let service = ProblemLayer::new().with_hook(hook).layer(inner);
        let response = service.oneshot(Request::new(())).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers().is_empty(), "{:?}", response.headers());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn the_pass_through_hands_on_the_inner_errors() {
    let inner = tower::service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, _>(std::io::Error::other("cut"))
    });
    let request = Request::get("/").body(Body::empty()).unwrap();
    let error = ProblemLayer::new().layer(inner).oneshot(request).await;
    assert_eq!(error.unwrap_err().to_string(), "cut");
}

#[tokio::test]
async fn a_problem_that_was_compressed_stays_compressed() {
    let router = answering(|| Problem::new(StatusCode::BAD_REQUEST))
        .layer(MapResponseLayer::new(|mut response: Response<Body>| {
            let gzip = HeaderValue::from_static("gzip");
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, gzip);
            *response.body_mut() = Body::from("zipped");
            response
        }))
        .layer(ProblemLayer::new());
    let response = ask(router, Method::GET).await;
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "zipped");
}

#[tokio::test]
async fn a_problem_that_answers_head_keeps_its_headers_and_can_be_seen_outside() {
    let inner = tower::service_fn(async |_: Request<()>| {
        let problem = Problem::new(StatusCode::BAD_REQUEST).with_detail("no");
        Ok::<_, std::convert::Infallible>(Response::<Full<Bytes>>::from(problem))
    });
    let request = Request::head("/").body(()).unwrap();
    let response = ProblemLayer::new()
        .layer(inner)
        .oneshot(request)
        .await
        .unwrap();
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
    let problem = Problem::in_extensions(response.extensions()).unwrap();
    assert_eq!(problem.detail(), Some("no"));
    assert_eq!(problem.instance(), None);
}

#[tokio::test]
async fn a_problem_is_known_by_its_media_type_in_any_spelling() {
    let router = answering(|| Problem::new(StatusCode::BAD_REQUEST))
        .layer(MapResponseLayer::new(|mut response: Response<Body>| {
            let loud = HeaderValue::from_static("Application/Problem+JSON ; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, loud);
            response
        }))
        .layer(ProblemLayer::new());
    let document = document(ask(router, Method::GET).await).await;
    assert_eq!(document["instance"], "/at");
}
