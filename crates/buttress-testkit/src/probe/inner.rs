use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use tower_service::Service;

use super::state::Shared;

pub(super) const CLONE_AND_CALL: &str = "Clone + call: the inner service was called on a value \
    that was not polled ready, most likely a fresh clone. Take the ready service and leave the \
    clone in its place: `let clone = self.inner.clone(); let ready = mem::replace(&mut \
    self.inner, clone);`";

/// The service that the probe puts under a layer. It takes any request body, and one request at a
/// time.
#[derive(Debug)]
pub struct Inner {
    shared: Shared,
    readied: bool,
}

/// The response future of [`Inner`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct InnerFuture {
    shared: Shared,
    yielded: bool,
    finished: bool,
}

/// The error of [`Inner`]. The probe recognises its own by the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InnerError(pub(super) u32);

impl Inner {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared,
            readied: false,
        }
    }

    fn give_back(&mut self) {
        if std::mem::take(&mut self.readied) {
            self.shared.change(|state| {
                state.permits += 1;
                state.reserved -= 1;
            });
        }
    }
}

/// Readiness is of the value that was polled, never of its clones.
impl Clone for Inner {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<B> Service<http::Request<B>> for Inner {
    type Response = http::Response<Full<Bytes>>;
    type Error = InnerError;
    type Future = InnerFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), InnerError>> {
        let mut state = self.shared.get();
        if let Some(error) = state.unready {
            return Poll::Ready(Err(error));
        }
        if !self.readied {
            if state.permits == 0 {
                state.wait(context.waker());
                return Poll::Pending;
            }
            state.permits -= 1;
            state.reserved += 1;
            drop(state);
            self.readied = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: http::Request<B>) -> InnerFuture {
        let readied = std::mem::take(&mut self.readied);
        self.shared.change(|state| {
            if readied {
                state.reserved -= 1;
                state.in_flight += 1;
                state.calls += 1;
            } else {
                state.called_unready = true;
            }
        });
        assert!(readied, "{CLONE_AND_CALL}");
        InnerFuture {
            shared: self.shared.clone(),
            yielded: false,
            finished: false,
        }
    }
}

impl Future for InnerFuture {
    type Output = Result<http::Response<Full<Bytes>>, InnerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // One turn of waiting lets concurrent requests overlap.
        if !self.yielded {
            self.yielded = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let failing = {
            let mut state = self.shared.get();
            if state.held {
                state.wait(context.waker());
                return Poll::Pending;
            }
            state.failing
        };
        self.finished = true;
        Poll::Ready(match failing {
            Some(error) => Err(error),
            None => Ok(http::Response::new(Full::new(Bytes::from_static(b"inner")))),
        })
    }
}

impl Drop for InnerFuture {
    fn drop(&mut self) {
        let finished = self.finished;
        self.shared.change(|state| {
            state.permits += 1;
            state.in_flight -= 1;
            state.finished += usize::from(finished);
        });
    }
}

impl fmt::Display for InnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the probe's error number {}", self.0)
    }
}

impl Error for InnerError {}
