//! What the layers have in common: a verdict first, and the inner service only after it.

mod body;
mod future;
mod limit;
mod repeats;

use std::{fmt, sync::Arc};

use buttress_problem::ToProblem;
use bytes::Bytes;
use http::{Response, header::WWW_AUTHENTICATE};

pub use self::{body::ResponseBody, future::ResponseFuture};
pub(crate) use self::{
    future::{Tell, Verdict},
    limit::{Limit, check_timeout},
    repeats::Repeats,
};
use crate::{Rejection, metrics};

/// Makes the answers to requests that are refused.
#[derive(Clone)]
pub(crate) struct Responder(Arc<Respond>);

type Respond = dyn Fn(&Rejection) -> Response<Bytes> + Send + Sync;

impl Responder {
    pub(crate) fn new(
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(responder))
    }

    /// The answer, with the challenge that HTTP demands even if the responder has none, and with the reason in its
    /// extensions.
    fn respond(&self, rejection: Rejection) -> Response<Bytes> {
        metrics::request_refused(rejection.kind());
        let mut response = (self.0)(&rejection);
        if !response.headers().contains_key(WWW_AUTHENTICATE)
            && let Some(challenge) = rejection.challenge()
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(rejection);
        response
    }
}

impl Default for Responder {
    fn default() -> Self {
        Self::new(|rejection| rejection.to_problem().into())
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}
