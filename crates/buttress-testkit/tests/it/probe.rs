//! The probe passes the right forms and names each wrong one.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_testkit::probe::{self, Inner, InnerError};
use http::Request;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

type Ready = Poll<Result<(), InnerError>>;
type Answer = Pin<Box<dyn Future<Output = Result<(), InnerError>> + Send + Sync>>;

/// A layered service put together from a `poll_ready` and a `call`, so that each test shows only
/// what it gets wrong.
#[derive(Clone)]
struct Layered {
    inner: Inner,
    poll_ready: fn(&mut Inner, &mut Context<'_>) -> Ready,
    call: fn(&mut Inner, Request<()>) -> Answer,
}

impl Service<Request<()>> for Layered {
    type Response = ();
    type Error = InnerError;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Ready {
        (self.poll_ready)(&mut self.inner, context)
    }

    fn call(&mut self, request: Request<()>) -> Answer {
        (self.call)(&mut self.inner, request)
    }
}

fn request() -> Request<()> {
    Request::new(())
}

fn forward(inner: &mut Inner, context: &mut Context<'_>) -> Ready {
    Service::<Request<()>>::poll_ready(inner, context)
}

fn take_the_ready_one(inner: &mut Inner, request: Request<()>) -> Answer {
    let clone = inner.clone();
    let mut ready = mem::replace(inner, clone);
    Box::pin(async move { ready.call(request).await.map(drop) })
}

fn probe(
    poll_ready: fn(&mut Inner, &mut Context<'_>) -> Ready,
    call: fn(&mut Inner, Request<()>) -> Answer,
) {
    probe::layer(
        |inner| Layered {
            inner,
            poll_ready,
            call,
        },
        request,
    );
}

#[test]
fn the_ready_one_taken_and_a_clone_left_is_right() {
    probe(forward, take_the_ready_one);
}

#[test]
fn towers_own_layers_are_right() {
    probe::layer(|inner| inner, request);
    probe::layer(|inner| ConcurrencyLimitLayer::new(1).layer(inner), request);
    probe::layer(
        |inner| {
            ServiceBuilder::new()
                .map_response(|_| "mapped")
                .service(inner)
        },
        request,
    );
}

#[test]
#[should_panic(expected = "Clone + call: ")]
fn clone_and_call_is_wrong() {
    probe(forward, |inner, request| {
        let mut clone = inner.clone();
        Box::pin(async move { clone.call(request).await.map(drop) })
    });
}

#[test]
#[should_panic(expected = "Clone + call: ")]
fn clone_and_call_is_found_in_a_task_too() {
    probe(forward, |inner, request| {
        let mut clone = inner.clone();
        Box::pin(async move {
            let task = tokio::spawn(async move { clone.call(request).await.map(drop) });
            task.await.unwrap_or(Ok(()))
        })
    });
}

#[test]
#[should_panic(expected = "a request after another: hangs for ever. Clone + oneshot: ")]
fn clone_and_oneshot_is_wrong() {
    probe(forward, |inner, request| {
        let response = inner.clone().oneshot(request);
        Box::pin(async move { response.await.map(drop) })
    });
}

#[test]
#[should_panic(expected = "`poll_ready` does not forward: it said that it was ready (or failed)")]
fn always_ready_and_oneshot_is_wrong() {
    probe(
        |_, _| Poll::Ready(Ok(())),
        |inner, request| {
            let response = inner.clone().oneshot(request);
            Box::pin(async move { response.await.map(drop) })
        },
    );
}

#[test]
#[should_panic(expected = "hangs for ever, never woken though the inner service became ready")]
fn a_lost_waker_is_wrong() {
    probe(
        |inner, _| forward(inner, &mut Context::from_waker(std::task::Waker::noop())),
        take_the_ready_one,
    );
}

#[test]
#[should_panic(
    expected = "`poll_ready` does not forward: the inner service failed with InnerError(17)"
)]
fn a_swallowed_readiness_error_is_wrong() {
    probe(
        |inner, context| match forward(inner, context) {
            Poll::Ready(Err(_)) => Poll::Ready(Ok(())),
            poll => poll,
        },
        take_the_ready_one,
    );
}

#[test]
#[should_panic(
    expected = "the inner service failed with InnerError(18), but the layer made of it Ok(())"
)]
fn a_swallowed_error_is_wrong() {
    probe(forward, |inner, request| {
        let response = take_the_ready_one(inner, request);
        Box::pin(async move { response.await.or(Ok(())) })
    });
}

#[test]
#[should_panic(expected = "of 5 requests only 0 reached the inner service")]
fn requests_that_do_not_reach_the_inner_service_prove_nothing() {
    probe(forward, |inner, _| {
        // The permit goes back, so nothing else is wrong with this one.
        *inner = inner.clone();
        Box::pin(async { Ok(()) })
    });
}

#[test]
#[should_panic(expected = "after a request, the layer keeps a permit of the inner service")]
fn a_permit_kept_is_wrong() {
    probe(forward, |inner, request| {
        let response = take_the_ready_one(inner, request);
        let mut another = inner.clone();
        Box::pin(async move {
            response.await?;
            std::future::poll_fn(|context| forward(&mut another, context)).await?;
            // For ever, so that not even the end of the case gives it back.
            mem::forget(another);
            Ok(())
        })
    });
}

/// Remembers that it was ready, and lets its clones believe it.
#[derive(Clone)]
struct Remembering {
    inner: Inner,
    ready: bool,
}

impl Service<Request<()>> for Remembering {
    type Response = ();
    type Error = InnerError;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Ready {
        if !self.ready {
            std::task::ready!(forward(&mut self.inner, context))?;
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Answer {
        self.ready = false;
        take_the_ready_one(&mut self.inner, request)
    }
}

#[test]
#[should_panic(expected = "a clone took its original's readiness for its own")]
fn a_clone_that_inherits_readiness_is_wrong() {
    probe::layer(
        |inner| Remembering {
            inner,
            ready: false,
        },
        request,
    );
}

fn in_a_task(inner: &mut Inner, request: Request<()>) -> Answer {
    let response = take_the_ready_one(inner, request);
    Box::pin(async move { tokio::spawn(response).await.unwrap() })
}

fn detached(call: fn(&mut Inner, Request<()>) -> Answer) {
    let poll_ready = forward;
    probe::detached_layer(
        |inner| Layered {
            inner,
            poll_ready,
            call,
        },
        request,
    );
}

#[test]
#[should_panic(expected = "the response future was dropped midway, but the inner future lives on")]
fn work_that_outlives_the_client_is_wrong_unless_promised() {
    probe(forward, in_a_task);
}

#[test]
fn work_that_outlives_the_client_is_right_when_promised() {
    detached(in_a_task);
}

#[test]
#[should_panic(expected = "and the inner future with it, though it was to be finished")]
fn work_that_dies_with_the_client_is_wrong_when_more_was_promised() {
    detached(take_the_ready_one);
}

#[test]
#[should_panic(expected = "the inner future was not finished")]
fn work_that_nobody_goes_on_with_is_wrong_when_more_was_promised() {
    /// Keeps what it was waiting for alive when it is dropped, but polls it no more.
    struct Forgetting(Option<Answer>);

    impl Drop for Forgetting {
        fn drop(&mut self) {
            mem::forget(self.0.take());
        }
    }

    detached(|inner, request| {
        let response = take_the_ready_one(inner, request);
        Box::pin(async move {
            let mut response = Forgetting(Some(response));
            let answer = response.0.as_mut().unwrap().await;
            response.0 = None;
            answer
        })
    });
}

#[tokio::test]
#[should_panic(expected = "the probe brings its own runtime")]
async fn inside_of_a_runtime_the_probe_refuses_to_run() {
    probe(forward, take_the_ready_one);
}
