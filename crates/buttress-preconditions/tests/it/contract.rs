//! What tower asks of a layer, and what the allowed path may cost.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use buttress_preconditions::{Current, ETag, PreconditionsLayer, Require, evaluate};
use buttress_testkit::{alloc, probe};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::Empty;
use tower::{Layer, Service};

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    probe::layer(
        |inner| PreconditionsLayer::new().layer(inner),
        || Request::new(()),
    );
    let layer = PreconditionsLayer::new().with_required(Require::all_unsafe());
    probe::layer(
        |inner| layer.layer(inner),
        || Request::put("/").header("if-match", "*").body(()).unwrap(),
    );
}

#[derive(Clone)]
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

async fn allocations(layer: &PreconditionsLayer, request: Request<()>) -> u64 {
    let mut service = layer.layer(Bare);
    // What a clone shares is made at the first clone.
    let keep = request.headers().clone();
    let (answer, counted) =
        alloc::count_future(async { service.call(request).await.map(drop) }).await;
    answer.unwrap();
    drop(keep);
    counted.count
}

#[tokio::test]
async fn what_has_no_condition_and_no_tag_costs_no_allocation() {
    let layer = PreconditionsLayer::new().with_max_content(0);
    let request = |method: Method| {
        let request = Request::builder()
            .method(method)
            .uri("/v1/products?limit=20");
        request.header("accept", "*/*").body(()).unwrap()
    };
    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        assert_eq!(
            allocations(&layer, request(method.clone())).await,
            0,
            "{method}"
        );
    }
    let required = layer.clone().with_required(Require::changes());
    let mut conditional = request(Method::DELETE);
    conditional
        .headers_mut()
        .insert(header::IF_MATCH, HeaderValue::from_static("\"7\""));
    assert_eq!(allocations(&required, conditional).await, 0);

    // The counter does count.
    assert!(allocations(&required, request(Method::DELETE)).await > 0);
}

#[test]
fn an_evaluation_costs_no_allocation() {
    let tag = ETag::from_version(7);
    let mut headers = HeaderMap::new();
    headers.append(
        header::IF_MATCH,
        HeaderValue::from_static("\"5\", \"6\", W/\"7\""),
    );
    headers.append(header::IF_MATCH, HeaderValue::from_static("\"7\""));
    headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"8\""));
    let counted = alloc::count(|| {
        let decision = evaluate(&Method::PUT, &headers, Current::of(&tag));
        assert!(decision.may_proceed());
    });
    assert_eq!(counted.count, 0);
}
