use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body::Body;
use tower_service::Service;

use super::{
    Require,
    decision::Outcome,
    evaluation::{self, Evaluation},
    layer::Config,
};
use crate::{
    Rejection, ResponseBody, ResponseFuture, challenge::Realm, gate::Verdict, inquiry::Inquiry,
    principal::Authentication,
};

/// See [`RequireLayer`](crate::RequireLayer).
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> RequireService<S> {
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

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequireService<S>
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
        let access = ask(&parts, &self.config);
        let request = Request::from_parts(parts, body);
        match access {
            Access::Allowed => ResponseFuture::running(self.inner.call(request)),
            Access::Refused(rejection) => {
                ResponseFuture::refused(rejection, self.config.responder.clone())
            }
            Access::Asking(verdict) => {
                // The service that was polled ready is the one that is called; its clone, which was not, takes its
                // place here.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::asking(verdict, ready, request, self.config.responder.clone())
            }
        }
    }
}

enum Access {
    Allowed,
    Refused(Rejection),
    Asking(Verdict),
}

fn ask(parts: &Parts, config: &Config) -> Access {
    let Some(authentication) = Authentication::in_extensions(&parts.extensions) else {
        if let Some(left_out) = config.unprotected.left_out() {
            tracing::error!(
                require = %config.require,
                left_out,
                "a request came to a RequireLayer without any authentication in front of it, and was refused: put the \
                 RequireLayer inside of a BearerLayer"
            );
        }
        if let Some(inquiry) = Inquiry::in_extensions(&parts.extensions) {
            inquiry.note(&Require::any([]));
        }
        return Access::Refused(Rejection::misconfigured());
    };
    if let Some(inquiry) = Inquiry::in_extensions(&parts.extensions) {
        inquiry.note(&config.require);
        return Access::Refused(Rejection::unauthenticated());
    }
    let realm = authentication.realm.clone();
    let Some(principal) = &authentication.principal else {
        return Access::Refused(Rejection::unauthenticated().with_realm(realm));
    };
    match evaluation::begin(&config.require, principal, parts) {
        Evaluation::Done(Outcome::Allow) => Access::Allowed,
        Evaluation::Done(Outcome::Deny(missing)) => {
            Access::Refused(Rejection::denied(missing).with_realm(realm))
        }
        waiting @ Evaluation::Waiting(_) => Access::Asking(wait(waiting, realm, config)),
    }
}

/// The verdict, when the checks have answered.
fn wait(waiting: Evaluation, realm: Realm, config: &Config) -> Verdict {
    let (limit, failures) = (config.limit, config.failures.clone());
    Box::pin(async move {
        match limit.wait(evaluation::finish(waiting)).await {
            Ok(Outcome::Allow) => Ok(None),
            Ok(Outcome::Deny(missing)) => Err(Rejection::denied(missing).with_realm(realm)),
            Err(error) => {
                if let Some(left_out) = failures.left_out() {
                    tracing::error!(
                        error = &*error as &dyn std::error::Error,
                        left_out,
                        "a check of what is required failed"
                    );
                }
                Err(Rejection::unavailable())
            }
        }
    })
}
