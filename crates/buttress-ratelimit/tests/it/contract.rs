//! What tower asks of the layers, whatever bodies there are, and what the allowed path may cost.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use ::http::{Request, Response};
use buttress_ratelimit::{
    ConcurrencyLayer, Global, HeaderFormat, Quota, RateLimitLayer, RateLimiter, Settle,
};
use buttress_testkit::{alloc, http, probe};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};

use crate::{
    support::{Elsewhere, hello, shared},
    time::Time,
};

fn wide(time: &Time) -> RateLimitLayer {
    shared(&time.limiter([Quota::per_second(1_000_000).named("wide")]))
}

/// Test 18 of the specification.
#[test]
fn the_layers_keep_the_contract_of_tower() {
    let time = Time::new();
    probe::layer(|inner| wide(&time).layer(inner), || Request::new(()));
    probe::layer(
        |inner| wide(&time).with_settle(Settle::by_body(|_| 1)).layer(inner),
        || Request::new(()),
    );
    probe::layer(
        |inner| {
            let elsewhere = Elsewhere::default();
            let limiter =
                RateLimiter::with_store(elsewhere.shared(), [Quota::per_second(1_000)]).unwrap();
            shared(&limiter).layer(inner)
        },
        || Request::new(()),
    );
    probe::layer(
        |inner| ConcurrencyLayer::new(100).unwrap().layer(inner),
        || Request::new(()),
    );
    probe::layer(
        |inner| {
            let layer = ConcurrencyLayer::new(1).unwrap();
            layer
                .with_waiting(100, Duration::from_secs(3600))
                .layer(inner)
        },
        || Request::new(()),
    );
}

/// Test 18 of the specification.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_at_once_admit_the_burst_exactly_and_lose_no_permit() {
    let limiter = Time::new().limiter([Quota::per_day(7_000)]);
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    let service = ServiceBuilder::new()
        .layer(shared(&limiter))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(service_fn(move |_: Request<()>| {
            counting.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        }));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let service = service.clone();
        tasks.spawn(async move {
            service
                .oneshot(Request::new(()))
                .await
                .unwrap()
                .status()
                .as_u16()
        });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        7_000
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 429).count(),
        3_000
    );
    assert_eq!(calls.load(Ordering::Relaxed), 7_000);
    // The only permit of the inner service is there again.
    let mut service = service;
    service.ready().await.unwrap();
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

async fn allocations(layer: &RateLimitLayer) -> (u16, u64) {
    let mut service = layer.layer(Bare);
    let (answer, counted) =
        alloc::count_future(async { service.call(Request::new(())).await }).await;
    (answer.unwrap().status().as_u16(), counted.count)
}

/// Test 13 of the specification, of what is allocated.
#[tokio::test]
async fn what_passes_costs_no_allocation_without_headers() {
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per_minute(2).named("minute"),
        Quota::per_hour(1_000).named("hour"),
        Quota::per_day(1).named("idea").shadow(),
    ]);
    let layer = shared(&limiter).with_headers(HeaderFormat::None);
    // What is prepared once.
    assert_eq!(allocations(&layer).await.0, 200);
    assert_eq!(allocations(&layer).await, (200, 0));
    // The counter does count, and a refusal is an answer with fields and a body: no more than these and the two
    // things in its extensions.
    assert_eq!(allocations(&layer).await.0, 429);
    let (status, refused) = allocations(&layer).await;
    assert_eq!(status, 429);
    assert!((1..=16).contains(&refused), "{refused}");
    // Two fields more, and the room for them.
    let (_, told) = allocations(&layer.with_headers(HeaderFormat::Draft11)).await;
    assert!((refused..=refused + 3).contains(&told), "{told}");
}

/// Test 20 of the specification. Tonic is in a test of its own.
#[tokio::test]
async fn bodies_of_all_kinds_pass_and_errors_stay_what_they_are() {
    async fn check<B>(make: impl Fn() -> B + Clone)
    where
        B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
    {
        let time = Time::new();
        let service = ServiceBuilder::new()
            .layer(ConcurrencyLayer::new(1).unwrap())
            .layer(shared(&time.limiter([Quota::per_day(1)])).with_settle(Settle::by_body(|_| 1)))
            .service(service_fn(move |_: Request<()>| {
                ready(Ok::<_, Infallible>(Response::new(make())))
            }));
        let expected = {
            let answer = service.clone().oneshot(Request::new(())).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap()
        };
        assert!(expected.to_bytes().len() < 6);
        let answer = service.oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.status(), 429);
        assert!(
            !answer
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
    check(|| Full::new(Bytes::from_static(b"hello"))).await;
    check(Empty::<Bytes>::new).await;
    check(String::new).await;
    check(|| UnsyncBoxBody::new(Full::new(Bytes::from_static(b"hello")))).await;
    check(|| -> UnsyncBoxBody<Bytes, std::io::Error> {
        let body = Full::new(Bytes::from_static(b"hello"));
        body.map_err(|never| match never {}).boxed_unsync()
    })
    .await;
    check(|| axum::body::Body::from("hello")).await;

    #[derive(Debug, PartialEq)]
    struct Own(Rc<u8>);
    let time = Time::new();
    let failing =
        service_fn(|_: Request<()>| async { Err::<Response<Full<Bytes>>, _>(Own(Rc::new(7))) });
    let error = wide(&time).layer(failing).oneshot(Request::new(())).await;
    assert_eq!(error.err(), Some(Own(Rc::new(7))));
}

/// Test 20 of the specification: a future that cannot be shared between threads, nor moved between them.
#[tokio::test]
async fn futures_need_be_neither_send_nor_sync() {
    let layer = wide(&Time::new());
    let service = layer.layer(service_fn(|_: Request<()>| {
        let local = Rc::new(());
        let future: Pin<Box<dyn Future<Output = _>>> = Box::pin(async move {
            drop(local);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        future
    }));
    assert_eq!(
        service.oneshot(Request::new(())).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn what_the_inner_service_never_saw_charged_nothing_elsewhere() {
    let elsewhere = Elsewhere::default();
    let gate = elsewhere.hold();
    let limiter = RateLimiter::with_store(elsewhere.shared(), [Quota::per_day(1)]).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    let service = RateLimitLayer::new(limiter)
        .with_key(Global)
        .layer(service_fn(move |request: Request<Full<Bytes>>| {
            counting.fetch_add(1, Ordering::Relaxed);
            hello().oneshot(request)
        }));
    // Gone while the store is asked.
    let mut asked = Box::pin(service.clone().oneshot(http::get("/").into_http()));
    assert!(futures_poll(asked.as_mut()).is_none());
    drop(asked);
    gate.add_permits(9);
    http::get("/").call(service).await.expect_status(200);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

fn futures_poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
