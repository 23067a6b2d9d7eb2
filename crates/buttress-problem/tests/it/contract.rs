//! What tower asks of a layer, and what the allowed path may cost.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use buttress_problem::{CatchErrorLayer, Problem, ProblemLayer, ProblemType, UriReference};
use buttress_testkit::{alloc, probe};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

#[test]
fn the_problem_layer_keeps_the_contract_of_tower() {
    probe::layer(
        |inner| ProblemLayer::new().layer(inner),
        || Request::new(()),
    );
    probe::layer(
        |inner| ProblemLayer::new().with_catch_panics(false).layer(inner),
        || Request::new(()),
    );
}

/// `CatchError` swallows the inner service's errors, which the probe would miss; what is left of
/// the contract is that the ready service is the one that is called, and that permits come back.
#[tokio::test]
async fn the_error_layer_calls_the_service_that_was_ready() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut service = ServiceBuilder::new()
        .layer(CatchErrorLayer::new(|error: BoxError| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_source(error)
        }))
        .load_shed()
        .concurrency_limit(1)
        .service_fn(move |_: Request<()>| {
            counted.fetch_add(1, Ordering::Relaxed);
            ready(Ok::<_, BoxError>(Response::new(Empty::<Bytes>::new())))
        });
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(Request::new(())).await;
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);

    // While one request has the permit, the other is shed, and its answer is a problem.
    let first = service.ready().await.unwrap().call(Request::new(()));
    let second = service.ready().await.unwrap().call(Request::new(()));
    assert_eq!(second.await.unwrap().status(), 503);
    assert_eq!(first.await.unwrap().status(), 200);
}

/// The problem itself, the three texts that are only known at run time, and the document.
#[test]
fn a_problem_is_built_and_written_with_five_allocations() {
    const OUT_OF_CREDIT: ProblemType =
        ProblemType::new(StatusCode::FORBIDDEN, "OUT_OF_CREDIT").with_type("/out-of-credit");
    let write = || {
        Problem::of(OUT_OF_CREDIT)
            .with_detail("Your balance is 30.".to_owned())
            .with_instance(UriReference::parse("/account/7".to_owned()).unwrap())
            .with_extension("requestId", "01JD9Q5V7Z")
            .to_json()
    };
    assert_eq!(alloc::count(write).count, 5);
}

#[derive(Clone, Copy)]
struct Bare;

impl Service<Request<()>> for Bare {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

#[tokio::test]
async fn an_answer_that_is_fine_costs_no_allocation() {
    // Texts that are shared already, as those that hyper parses are.
    let request = || {
        Request::get("/v1/products?limit=20")
            .header("x-request-id", "id-1")
            .header("accept", "application/json")
            .header("accept", "*/*;q=0.1")
            .body(())
            .unwrap()
    };
    let mut layered = ProblemLayer::new().layer(Bare);
    let shared = request();
    let keep = (shared.uri().clone(), shared.headers().clone());
    let (answer, allocations) =
        alloc::count_future(async { layered.call(shared).await.map(drop) }).await;
    answer.unwrap();
    assert_eq!(allocations.count, 0, "{allocations:?}");
    drop(keep);

    // The counter does count: a refusal has a document to write.
    let refusing = tower::service_fn(async |_: Request<()>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, Infallible>(response)
    });
    let mut layered = ProblemLayer::new().layer(refusing);
    let request = request();
    let (answer, allocations) =
        alloc::count_future(async { layered.call(request).await.map(drop) }).await;
    answer.unwrap();
    assert!(allocations.count > 0);
}
