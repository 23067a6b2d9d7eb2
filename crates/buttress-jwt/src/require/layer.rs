use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

use super::{Require, RequireService};
use crate::{
    Error, Rejection,
    gate::{Limit, Repeats, Responder},
};

/// Lets those pass who have what is required.
///
/// 1. **Nothing behind it is called** before the verdict.
/// 2. **Who is not known**, which happens behind an [optional](crate::BearerLayer::optional) layer, gets 401 with a
///    challenge.
/// 3. **Who may not** gets 403: `INSUFFICIENT_SCOPE`, with those that are missing in the challenge, if more scopes would
///    change it, and `FORBIDDEN` otherwise. The scopes are to be asked for in addition to those that the token has.
/// 4. **Without a layer in front that finds out who it is**, such as [`BearerLayer`](crate::BearerLayer), nobody passes:
///    every request is answered with 500, and an error event says why, once a minute.
/// 5. **A check that fails**, or does not answer [in time](Self::with_timeout), is 503, with an error event a minute that
///    counts those which were left out.
///
/// A request that waits for an async check has taken its place in the services inside of this layer: limits of how many are
/// served at a time belong outside of it.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use buttress_jwt::{BearerLayer, Require, RequireLayer, Verifier};
///
/// fn app(verifier: Verifier) -> Router {
///     Router::new()
///         .route("/v1/users", get(async || "users").layer(RequireLayer::new(Require::role("admin"))))
///         .layer(BearerLayer::<()>::new(verifier))
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireLayer {
    config: Arc<Config>,
}

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) require: Require,
    pub(super) limit: Limit,
    pub(super) responder: Responder,
    /// That a request came without any authentication in front.
    pub(super) unprotected: Repeats,
    /// That a check failed.
    pub(super) failures: Repeats,
}

impl RequireLayer {
    /// Requires this of every request.
    pub fn new(require: Require) -> Self {
        Self {
            config: Arc::new(Config {
                require,
                limit: Limit::default(),
                responder: Responder::default(),
                unprotected: Repeats::default(),
                failures: Repeats::default(),
            }),
        }
    }

    /// How long the async checks of one request may take together: 5 seconds by default. Beyond it the request is
    /// answered with 503, an error event says so, and what is still being asked is dropped.
    ///
    /// The time is that of Tokio, whose timer has to be enabled. Outside of a Tokio runtime every request that needs an
    /// async check is answered with 503.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when it is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, Error> {
        Arc::make_mut(&mut self.config).limit = Limit::new(timeout)?;
        Ok(self)
    }

    /// Makes the answers to requests that do not pass, in place of problem documents.
    ///
    /// The [`Rejection`] is put into the extensions of the answer either way, and the challenge into its headers if
    /// the answer has none.
    pub fn with_responder(
        mut self,
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.config).responder = Responder::new(responder);
        self
    }

    /// What is required.
    #[must_use]
    pub fn require(&self) -> &Require {
        &self.config.require
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService::new(inner, Arc::clone(&self.config))
    }
}
