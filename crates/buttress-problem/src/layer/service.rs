use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    ResponseBody, ResponseFuture, future::panic_text, occurrence::Seen, problem_layer::Config,
};

/// See [`ProblemLayer`](crate::ProblemLayer).
#[derive(Clone, Debug)]
#[must_use]
pub struct ProblemService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> ProblemService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ProblemService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let seen = Seen::of(&request, &self.config);
        let config = Arc::clone(&self.config);
        if !config.catch_panics {
            return ResponseFuture::running(self.inner.call(request), seen, config);
        }
        // A service that panicked is as usable as it says it is: `poll_ready` is asked again
        // before the next call, and we hold no state of our own that could be half changed.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(future) => ResponseFuture::running(future, seen, config),
            Err(payload) => ResponseFuture::panicked(panic_text(&*payload), seen, config),
        }
    }
}
