use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::inner::CLONE_AND_CALL;
use super::state::{Shared, State};
use super::{Inner, InnerError};

/// Longer than any time-out or interval that a layer would have. It costs nothing, since time is
/// paused.
pub(super) const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

const CLONE_AND_ONESHOT: &str = "Clone + oneshot: `poll_ready` took the inner service's only \
    permit, and the request waits for a second one, on a clone. Take the ready service and leave \
    the clone in its place: `let clone = self.inner.clone(); let ready = mem::replace(&mut \
    self.inner, clone);`";

/// A layered service over a fresh inner one, with what a case needs to know of both.
pub(super) struct Case<'a, S, B> {
    pub(super) shared: Shared,
    wrap: &'a dyn Fn(Inner) -> S,
    pub(super) request: &'a dyn Fn() -> http::Request<B>,
}

impl<'a, S, B> Case<'a, S, B>
where
    S: Service<http::Request<B>, Error = InnerError> + Clone,
{
    pub(super) fn new(
        wrap: &'a dyn Fn(Inner) -> S,
        request: &'a dyn Fn() -> http::Request<B>,
    ) -> Self {
        Self {
            shared: Shared::new(),
            wrap,
            request,
        }
    }

    pub(super) fn service(&self) -> S {
        (self.wrap)(Inner::new(self.shared.clone()))
    }

    pub(super) async fn ready(&self, service: &mut S, what: &str) {
        let ready = self
            .within(what, poll_fn(|context| service.poll_ready(context)))
            .await;
        self.succeeded(ready, what);
    }

    pub(super) async fn complete(&self, service: &mut S, what: &str) {
        let response = service.call((self.request)());
        let response = self.within(what, response).await;
        self.succeeded(response.map(drop), what);
    }

    /// Waits until every permit is back.
    pub(super) async fn idle(&self, when: &str) {
        let kept = format!(
            "{when}, the layer keeps a permit of the inner service: readied and not called, or not dropped"
        );
        self.until(DEADLINE, &kept, |state| state.permits == 1)
            .await;
    }

    /// All requests so far must have got to the inner service, or the case has shown nothing.
    pub(super) fn reached(&self, requests: usize) {
        let state = self.shared.get();
        assert!(!state.called_unready, "{CLONE_AND_CALL}");
        let calls = state.calls;
        assert!(
            calls >= requests,
            "of {requests} requests only {calls} reached the inner service: the probe needs requests that the layer passes on, \
             each with a key of its own where the layer knows keys"
        );
    }

    pub(super) fn succeeded(&self, result: Result<(), InnerError>, what: &str) {
        assert!(!self.shared.get().called_unready, "{CLONE_AND_CALL}");
        if let Err(error) = result {
            panic!("{what}: failed with {error:?}, which the inner service did not");
        }
    }

    /// Drives `future` until it would wait for ever.
    pub(super) async fn within<F: Future>(&self, what: &str, future: F) -> F::Output {
        // Not `timeout`, which polls the future once more at its end: that would make up for a lost
        // wake-up, and take permits that the message should speak of.
        tokio::select! {
            biased;
            () = sleep(DEADLINE) => self.hangs(what),
            output = future => output,
        }
    }

    fn hangs(&self, what: &str) -> ! {
        let (called_unready, permits, reserved, in_flight) = {
            let state = self.shared.get();
            (
                state.called_unready,
                state.permits,
                state.reserved,
                state.in_flight,
            )
        };
        assert!(!called_unready, "{CLONE_AND_CALL}");
        assert!(
            permits == 0,
            "{what}: hangs for ever, never woken though the inner service became ready"
        );
        assert!(
            reserved == 0 || in_flight > 0,
            "{what}: hangs for ever. {CLONE_AND_ONESHOT}"
        );
        panic!("{what}: hangs for ever, with {in_flight} futures of the inner service alive");
    }

    pub(super) async fn until(
        &self,
        limit: Duration,
        otherwise: &str,
        condition: impl Fn(&State) -> bool,
    ) {
        let wait = poll_fn(|context: &mut Context<'_>| {
            let mut state = self.shared.get();
            if condition(&state) {
                return Poll::Ready(());
            }
            state.wait(context.waker());
            Poll::Pending
        });
        if timeout(limit, wait).await.is_err() {
            assert!(!self.shared.get().called_unready, "{CLONE_AND_CALL}");
            panic!("{otherwise}");
        }
    }
}
