use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    Key, ResponseBody, ResponseFuture,
    admission::{self, Asked, Decided},
    future::Verdict,
    layer::Config,
};

/// See [`RateLimitLayer`](crate::RateLimitLayer).
#[derive(Clone, Debug)]
#[must_use]
pub struct RateLimitService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> RateLimitService<S> {
    pub(crate) fn new(inner: S, config: Arc<Config>) -> Self {
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

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimitService<S>
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
        let asked = admission::ask(&self.config, &parts);
        let request = Request::from_parts(parts, body);
        match asked {
            Asked::Passed => ResponseFuture::passing(self.inner.call(request)),
            Asked::Of(key, cost) => self.decide(key, cost, request),
        }
    }
}

impl<S> RateLimitService<S> {
    fn decide<ReqBody>(
        &mut self,
        key: Key,
        cost: u32,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, S::Future>
    where
        S: Service<Request<ReqBody>> + Clone,
    {
        match admission::decide(&self.config, key, cost) {
            Decided::Now(Verdict::Pass(answer)) => {
                ResponseFuture::running(self.inner.call(request), answer)
            }
            Decided::Now(Verdict::Refuse(response)) => ResponseFuture::refused(response),
            Decided::Later(asking) => {
                // The service that was polled ready is the one that is called; its clone, which was not, takes its
                // place here.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::asking(asking, ready, request)
            }
        }
    }
}
