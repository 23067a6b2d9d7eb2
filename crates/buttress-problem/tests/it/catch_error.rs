//! The errors of tower's own middleware become problems.

use std::{future::pending, time::Duration};

use buttress_problem::{CatchErrorLayer, Problem, ProblemLayer};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::{
    BoxError, Service, ServiceBuilder, ServiceExt,
    load_shed::error::Overloaded,
    timeout::{TimeoutLayer, error::Elapsed},
};

use crate::support::Log;

fn to_problem(error: BoxError) -> Problem {
    let status = if error.is::<Elapsed>() {
        StatusCode::GATEWAY_TIMEOUT
    } else if error.is::<Overloaded>() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    Problem::new(status).with_source(error)
}

async fn document(body: impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>) -> Value {
    serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_the_problem_that_the_user_says() {
    let log = Log::capture();
    let service = ServiceBuilder::new()
        .layer(ProblemLayer::new())
        .layer(CatchErrorLayer::new(to_problem))
        .layer(TimeoutLayer::new(Duration::from_secs(10)))
        .service_fn(async |_: Request<()>| {
            pending::<()>().await;
            Ok::<_, BoxError>(Response::new(Full::new(Bytes::new())))
        });
    let request = Request::get("/slow").body(()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    let document = document(response.into_body()).await;
    assert_eq!(document["code"], "GATEWAY_TIMEOUT");
    assert_eq!(document["instance"], "/slow");
    assert_eq!(log.count("request timed out"), 1, "{}", log.text());
}

#[tokio::test]
async fn a_service_that_cannot_be_ready_has_an_answer_too() {
    /// Fails its readiness once, then works.
    #[derive(Clone)]
    struct Flaky {
        failed: bool,
    }
    impl Service<Request<()>> for Flaky {
        type Response = Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), BoxError>> {
            if std::mem::replace(&mut self.failed, true) {
                return std::task::Poll::Ready(Ok(()));
            }
            std::task::Poll::Ready(Err(Box::new(Overloaded::new())))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            assert!(self.failed);
            std::future::ready(Ok(Response::new(Full::new(Bytes::from_static(b"fine")))))
        }
    }

    let mut service = ServiceBuilder::new()
        .layer(CatchErrorLayer::new(to_problem))
        .service(Flaky { failed: false });
    let request = || Request::get("/").body(()).unwrap();
    // Asked twice, it does not ask the inner service again, which would be ready now.
    service.ready().await.unwrap();
    // A clone has its own readiness to ask for.
    let mut clone = {
        service.ready().await.unwrap();
        service.clone()
    };
    let response = clone.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(document(response.into_body()).await["status"], 503);
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request())
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "fine");
}
