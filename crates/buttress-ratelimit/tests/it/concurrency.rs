//! No more than so many at once.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use ::http::{Request, Response};
use axum::{Router, routing::get};
use buttress_ratelimit::{ConcurrencyLayer, ErrorKind, Rejection, RejectionKind};
use buttress_testkit::http;
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::hello;

fn layer(requests: usize) -> ConcurrencyLayer {
    ConcurrencyLayer::new(requests).expect("a bound")
}

fn ask<S, B>(service: &S) -> impl Future<Output = Response<B>> + use<S, B>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    let service = service.clone();
    async move {
        match service.oneshot(Request::new(())).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

#[tokio::test]
async fn a_permit_is_held_to_the_end_of_the_body() {
    let service = layer(1).layer(hello());
    let first = ask(&service).await;
    assert_eq!(first.status(), 200);
    // The service has answered, and the client has not got it yet.
    assert_eq!(ask(&service).await.status(), 503);
    let mut body = first.into_body();
    let context = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut body).poll_frame(context).is_ready());
    assert_eq!(ask(&service).await.status(), 503);
    // The end itself, though the body is still there.
    assert!(matches!(
        Pin::new(&mut body).poll_frame(context),
        Poll::Ready(None)
    ));
    assert_eq!(ask(&service).await.status(), 200);
    drop(body);
    assert_eq!(ask(&service).await.status(), 200);
}

/// Test 21 of the specification.
#[tokio::test]
async fn who_hangs_up_gives_the_permit_back_once() {
    let notify = Arc::new(Notify::new());
    let waiting = Arc::clone(&notify);
    let inner = service_fn(move |_: Request<()>| {
        let notify = Arc::clone(&waiting);
        async move {
            notify.notified().await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
        }
    });
    let service = layer(2).layer(inner);
    let context = &mut Context::from_waker(Waker::noop());
    // Before the answer.
    for _ in 0..5 {
        let mut first = Box::pin(ask(&service));
        assert!(first.as_mut().poll(context).is_pending());
        drop(first);
    }
    let mut first = Box::pin(ask(&service));
    let mut second = Box::pin(ask(&service));
    assert!(
        first.as_mut().poll(context).is_pending() && second.as_mut().poll(context).is_pending()
    );
    assert_eq!(ask(&service).await.status(), 503);
    // Before the body.
    notify.notify_waiters();
    let answer = first.await;
    assert_eq!(ask(&service).await.status(), 503);
    drop(answer);
    // One is free, and one alone.
    let mut third = Box::pin(ask(&service));
    assert!(third.as_mut().poll(context).is_pending());
    assert_eq!(ask(&service).await.status(), 503);
}

#[tokio::test]
async fn an_error_gives_the_permit_back_while_its_future_is_still_there() {
    let service = layer(1).layer(service_fn(|_: Request<()>| async {
        Err::<Response<Full<Bytes>>, _>("broken")
    }));
    let mut first = service.clone();
    let mut failed = Box::pin(first.ready().await.unwrap().call(Request::new(())));
    let context = &mut Context::from_waker(Waker::noop());
    assert!(matches!(
        failed.as_mut().poll(context),
        Poll::Ready(Err("broken"))
    ));
    assert_eq!(
        service.oneshot(Request::new(())).await.err(),
        Some("broken")
    );
}

#[tokio::test]
async fn a_refusal_is_a_problem_that_says_when_to_come_back() {
    let layer = layer(1)
        .with_name("exports")
        .unwrap()
        .with_retry_after(Duration::from_millis(2_500));
    let service = layer.layer(hello());
    let first = http::get("/").into_http().map(|_| ());
    let held = service.clone().oneshot(first).await.unwrap();
    assert_eq!(
        held.headers()["ratelimit-policy"],
        r#""exports";q=1;qu="concurrent-requests""#
    );
    assert_eq!(held.headers()["ratelimit"], r#""exports";r=0"#);
    let refused = http::get("/")
        .call(service.map_request(|request: Request<Full<Bytes>>| request.map(drop)))
        .await;
    let refused = refused.expect_status(503);
    assert_eq!(refused.header("retry-after"), Some("3"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(refused.header("ratelimit"), Some(r#""exports";r=0"#));
    let problem = refused.json();
    assert_eq!(
        problem["type"],
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    );
    assert_eq!(problem["code"], "AT_CAPACITY");
    assert_eq!(problem["violated-policies"][0], "exports");
    let rejection = refused.extension::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::AtCapacity);
}

/// What tower's own layer does not do (D29 of the specification).
#[tokio::test]
async fn one_bound_for_all_services_of_a_layer() {
    let layer = layer(1);
    let (one, other) = (
        layer.layer(hello::<()>()),
        layer.clone().layer(hello::<()>()),
    );
    let held = ask(&one).await;
    assert_eq!(ask(&other).await.status(), 503);
    drop(held);
    assert_eq!(ask(&other).await.status(), 200);

    let app = Router::new()
        .route("/a", get(async || "a").layer(layer.clone()))
        .route("/b", get(async || "b").layer(layer));
    let asked = |path: &str| {
        app.clone()
            .oneshot(Request::get(path).body(axum::body::Body::empty()).unwrap())
    };
    let held = asked("/a").await.unwrap();
    assert_eq!(asked("/b").await.unwrap().status(), 503);
    held.into_body().collect().await.unwrap();
    assert_eq!(asked("/b").await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn some_may_wait_for_a_moment() {
    let time = Duration::from_millis(200);
    let service = layer(1).with_waiting(1, time).layer(hello());
    let held = ask(&service).await;
    let waiting = tokio::spawn(ask(&service));
    tokio::task::yield_now().await;
    // The only place to wait is taken.
    assert_eq!(ask(&service).await.status(), 503);
    drop(held);
    let second = waiting.await.unwrap();
    assert_eq!(second.status(), 200);

    let began = tokio::time::Instant::now();
    assert_eq!(ask(&service).await.status(), 503);
    assert!(began.elapsed() >= time, "it has waited");
    // Who gives up leaves the place and takes nothing along.
    let context = &mut Context::from_waker(Waker::noop());
    let mut impatient = Box::pin(ask(&service));
    assert!(impatient.as_mut().poll(context).is_pending());
    drop(second);
    drop(impatient);
    assert_eq!(ask(&service).await.status(), 200);
}

#[tokio::test]
async fn who_is_exempt_takes_no_room() {
    let service = layer(1)
        .with_exempt(|parts| parts.uri.path() == "/health")
        .without_headers()
        .layer(hello());
    let health = || {
        service
            .clone()
            .oneshot(Request::get("/health").body(()).unwrap())
    };
    let (one, other) = (health().await.unwrap(), health().await.unwrap());
    let held = ask(&service).await;
    assert_eq!((held.status().as_u16(), held.headers().len()), (200, 0));
    assert_eq!(health().await.unwrap().status(), 200);
    assert_eq!(ask(&service).await.status(), 503);
    drop((one, other));
}

#[test]
fn bounds_that_are_none_are_refused() {
    for requests in [0, usize::MAX] {
        let error = ConcurrencyLayer::new(requests).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(error.to_string().contains("1 to "), "{error}");
    }
    for name in ["", "grün", "a\nb"] {
        let error = layer(1).with_name(name).unwrap_err();
        assert!(error.to_string().contains("1 to 64 printable"), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_is_never_asked_for_ends_when_it_is_dropped() {
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(layer(1));
    let server = http::serve(app).await;
    for _ in 0..20 {
        // Until the server has dropped the body, which may be a moment after the client has all of it.
        loop {
            let answer = http::get("/").send(server.address()).await;
            if answer.status() == 200 {
                break;
            }
        }
    }
}
