//! Costs that are known later.

use std::{
    convert::Infallible,
    future::pending,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use ::http::{Request, Response, StatusCode};
use buttress_ratelimit::{Key, OnStoreError, Quota, RateLimiter, Settle, SharedStore};
use buttress_testkit::http;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::{
    support::{Elsewhere, shared},
    time::Time,
};

const SECOND: Duration = Duration::from_secs(1);

async fn left(limiter: &RateLimiter) -> u32 {
    let decision = limiter.peek(&Key::global()).await.expect("a decision");
    decision.states().next().expect("a decision").remaining
}

async fn wait(limiter: &RateLimiter) -> Option<Duration> {
    limiter
        .check(&Key::global(), 1)
        .await
        .expect("a decision")
        .retry_after()
}

/// Logs in with the password in the path.
fn login()
-> impl Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible> + Clone
{
    service_fn(|request: Request<Full<Bytes>>| async move {
        let mut response = Response::new(Full::default());
        if request.uri().path() != "/right" {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        Ok(response)
    })
}

fn failures() -> Settle {
    Settle::by_answer(|parts| u32::from(parts.status == StatusCode::UNAUTHORIZED))
}

/// Test 25 of the specification.
#[tokio::test]
async fn only_failures_count() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per(5, 900 * SECOND).named("failed-logins")]);
    let service = shared(&limiter).with_settle(failures()).layer(login());
    for _ in 0..10_000 {
        http::get("/right")
            .call(service.clone())
            .await
            .expect_status(200);
    }
    assert_eq!(left(&limiter).await, 5);
    for _ in 0..5 {
        http::get("/wrong")
            .call(service.clone())
            .await
            .expect_status(401);
    }
    // Also who knows the password has to wait now.
    let refused = http::get("/right")
        .call(service.clone())
        .await
        .expect_status(429);
    assert_eq!(refused.header("retry-after"), Some("180"));
    time.pass(180 * SECOND);
    http::get("/right").call(service).await.expect_status(200);
}

/// Test 25 of the specification: what exceeds the estimate is owed, what falls short of it is put back.
#[tokio::test]
async fn bytes_are_charged_when_they_have_been_sent() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10).debt(50).named("bytes")]);
    let sized = |size: usize| {
        let layer = shared(&limiter).with_cost(|_| 4);
        layer
            .with_settle(Settle::by_body(|bytes| u32::try_from(bytes).unwrap()))
            .layer(service_fn(move |_: Request<Full<Bytes>>| async move {
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; size]))))
            }))
    };
    http::get("/").call(sized(1)).await.expect_status(200);
    assert_eq!(left(&limiter).await, 9);
    http::get("/").call(sized(0)).await.expect_status(200);
    assert_eq!(left(&limiter).await, 9);
    // 9 are left, and 29 are sent: 20 are owed.
    http::get("/").call(sized(29)).await.expect_status(200);
    assert_eq!(left(&limiter).await, 0);
    assert_eq!(wait(&limiter).await, Some(2_100 * SECOND / 1_000));
    http::get("/").call(sized(1)).await.expect_status(429);
    time.pass(2_400 * SECOND / 1_000);
    // Far more than may be owed.
    http::get("/").call(sized(1_000)).await.expect_status(200);
    assert_eq!(wait(&limiter).await, Some(5_100 * SECOND / 1_000));
    time.pass(3_600 * SECOND);
    assert_eq!(left(&limiter).await, 10);
}

#[tokio::test]
async fn without_debt_the_rest_is_forgiven() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10)]);
    limiter
        .reserve(&Key::global(), 1)
        .await
        .unwrap()
        .settle(1_000)
        .await
        .unwrap();
    assert_eq!(wait(&limiter).await, Some(SECOND / 10));
}

/// A body that sends a few bytes and then nothing for ever.
struct Stalled(bool);

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match std::mem::replace(&mut self.0, false) {
            true => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"abc"))))),
            false => Poll::Pending,
        }
    }
}

/// Test 21 of the specification: once, wherever the client hangs up.
#[tokio::test]
async fn who_hangs_up_is_settled_once() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(100)]);
    let context = &mut Context::from_waker(Waker::noop());
    let bytes = || Settle::by_body(|bytes| u32::try_from(bytes).unwrap());
    let layer = shared(&limiter).with_cost(|_| 10);
    let never =
        || service_fn(|_: Request<()>| pending::<Result<Response<Full<Bytes>>, Infallible>>());

    // Before the answer: what was reserved, polled or not.
    for (polled, expected) in [(false, 90), (true, 80)] {
        let mut asked = Box::pin(
            layer
                .clone()
                .with_settle(failures())
                .layer(never())
                .oneshot(Request::new(())),
        );
        // `oneshot` calls the service when it is polled.
        assert!(asked.as_mut().poll(context).is_pending());
        if polled {
            assert!(asked.as_mut().poll(context).is_pending());
        }
        drop(asked);
        assert_eq!(left(&limiter).await, expected);
    }
    // Nothing, where that is chosen.
    let free = layer
        .clone()
        .with_settle(failures().with_cancelled(0))
        .layer(never());
    let mut asked = Box::pin(free.oneshot(Request::new(())));
    assert!(asked.as_mut().poll(context).is_pending());
    assert_eq!(left(&limiter).await, 70);
    drop(asked);
    assert_eq!(left(&limiter).await, 80);

    // In the middle of the body: what was sent.
    let stalled =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Stalled(true))) });
    let answer = layer
        .clone()
        .with_settle(bytes())
        .layer(stalled)
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert_eq!(left(&limiter).await, 70);
    let mut body = answer.into_body();
    assert!(Pin::new(&mut body).poll_frame(context).is_ready());
    assert!(Pin::new(&mut body).poll_frame(context).is_pending());
    assert_eq!(left(&limiter).await, 70);
    drop(body);
    assert_eq!(left(&limiter).await, 77);

    // At the end of the body, and not again when it is dropped.
    let full = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"abcd"))))
    });
    let answer = layer
        .with_settle(bytes())
        .layer(full)
        .oneshot(Request::new(()))
        .await
        .unwrap();
    let mut body = answer.into_body();
    while let Poll::Ready(Some(_)) = pin!(&mut body).poll_frame(context) {}
    assert_eq!(left(&limiter).await, 73);
    drop(body);
    assert_eq!(left(&limiter).await, 73);
}

#[tokio::test]
async fn a_service_that_fails_has_cost_what_was_reserved() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(100)]);
    let failing = service_fn(|_: Request<()>| async { Err::<Response<Full<Bytes>>, _>("broken") });
    let service = shared(&limiter).with_settle(failures()).layer(failing);
    assert_eq!(
        service.oneshot(Request::new(())).await.err(),
        Some("broken")
    );
    assert_eq!(left(&limiter).await, 99);
}

#[tokio::test]
async fn a_store_elsewhere_is_told_in_a_task() {
    let store = Elsewhere::default();
    let quota = Quota::per_day(10);
    let limiter = RateLimiter::with_store(store.shared(), [quota]).unwrap();
    let service = shared(&limiter).with_settle(failures()).layer(login());
    http::get("/wrong")
        .call(service.clone())
        .await
        .expect_status(401);
    let gate = store.hold();
    gate.add_permits(1);
    // The answer does not wait for the store to be told.
    http::get("/right").call(service).await.expect_status(200);
    let token = limiter.quotas().rates()[0].interval();
    assert_eq!(store.missing(&Key::global()), 2 * token);
    gate.add_permits(1);
    while store.missing(&Key::global()) != token {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reservations_are_settled_or_stay() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(10)]);
    let key = Key::global();
    let reservation = limiter.reserve(&key, 6).await.unwrap();
    assert!(reservation.decision().is_allowed());
    let refused = limiter.reserve(&key, 5).await.unwrap();
    assert!(!refused.decision().is_allowed());
    refused.settle(5).await.unwrap();
    assert_eq!(left(&limiter).await, 4);
    reservation.settle(2).await.unwrap();
    assert_eq!(left(&limiter).await, 8);
    drop(limiter.reserve(&key, 3).await.unwrap());
    assert_eq!(left(&limiter).await, 5);
    limiter
        .reserve(&key, 3)
        .await
        .unwrap()
        .settle(3)
        .await
        .unwrap();
    assert_eq!(left(&limiter).await, 2);
    limiter
        .reserve(&key, 1)
        .await
        .unwrap()
        .settle(0)
        .await
        .unwrap();
    assert_eq!(left(&limiter).await, 2);
    limiter
        .reserve(&key, 99)
        .await
        .expect_err("no bucket has so many");
}

#[tokio::test]
async fn what_was_never_taken_is_not_put_back() {
    let store = Elsewhere::default();
    let shared = SharedStore::new(store.clone()).with_on_store_error(OnStoreError::Allow);
    let limiter = RateLimiter::with_store(shared, [Quota::per_day(10)]).unwrap();
    let key = Key::global();
    drop(limiter.reserve(&key, 4).await.unwrap());
    store.fail();
    let reservation = limiter.reserve(&key, 3).await.unwrap();
    assert!(reservation.decision().is_allowed());
    store.recover();
    let token = limiter.quotas().rates()[0].interval();
    reservation.settle(0).await.unwrap();
    assert_eq!(store.missing(&key), 4 * token);
}
