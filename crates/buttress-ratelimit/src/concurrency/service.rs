use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::layer::Config;
use crate::{ResponseBody, ResponseFuture, future::Verdict};

/// See [`ConcurrencyLayer`](crate::ConcurrencyLayer).
#[derive(Clone, Debug)]
#[must_use]
pub struct ConcurrencyService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> ConcurrencyService<S> {
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

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ConcurrencyService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let exempt = self.config.is_exempt(&parts);
        let request = Request::from_parts(parts, body);
        if exempt {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let permit = self.config.permits().take();
        if permit.is_none()
            && let Some(queued) = self.config.permits().queue()
        {
            let config = Arc::clone(&self.config);
            let asking = Box::pin(async move { config.verdict(queued.permit().await) });
            // The service that was polled ready is the one that is called; its clone, which was not, takes its place here.
            let clone = self.inner.clone();
            let ready = mem::replace(&mut self.inner, clone);
            return ResponseFuture::asking(asking, ready, request);
        }
        match self.config.verdict(permit) {
            Verdict::Pass(answer) => ResponseFuture::running(self.inner.call(request), answer),
            Verdict::Refuse(response) => ResponseFuture::refused(response),
        }
    }
}
