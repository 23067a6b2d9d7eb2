use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{
    Response,
    header::{CACHE_CONTROL, RETRY_AFTER},
};

use crate::{Rejection, rejection::NO_STORE};

/// Makes the answers to requests that are refused: problems, if nobody says otherwise.
#[derive(Clone, Default)]
pub(crate) struct Responder(Option<Arc<Respond>>);

type Respond = dyn Fn(&Rejection) -> Response<Bytes> + Send + Sync;

impl Responder {
    pub(crate) fn new(
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(responder)))
    }

    /// The answer, with the fields that HTTP wants even if the responder has none, and with the reason in its
    /// extensions.
    pub(crate) fn respond(&self, rejection: Rejection) -> Response<Bytes> {
        let mut response = match &self.0 {
            None => rejection.to_response(),
            Some(respond) => respond(&rejection),
        };
        let headers = response.headers_mut();
        if !headers.contains_key(RETRY_AFTER)
            && let Some(seconds) = rejection.retry_after_value()
        {
            headers.insert(RETRY_AFTER, seconds);
        }
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        response.extensions_mut().insert(rejection);
        response
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}
