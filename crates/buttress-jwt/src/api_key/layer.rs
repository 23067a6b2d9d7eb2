use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Response;
use tower_layer::Layer;

use super::{ApiKeyService, ApiKeys};
use crate::{
    Rejection,
    challenge::Realm,
    gate::{Repeats, Responder},
};

/// Lets requests with an API key pass, and tells what is behind it whom the key speaks for.
///
/// 1. **The key** stands in `Authorization: Bearer`, where it is recognised by its prefix, or in `X-API-Key`. A request
///    with a bearer token and `X-API-Key` is 400, and so is one with two of either.
/// 2. **A key that is accepted** becomes an `Arc<ApiKey>` and a [`Principal`](crate::Principal) in the extensions of the
///    request, so that the same [`Require`](crate::Require) fits keys and tokens.
/// 3. **No key** is 401 with a challenge that has no error code, or passes if it is [optional](Self::optional). A key
///    that is not accepted never passes.
/// 4. **Every key that is not accepted** gets one and the same 401, `INVALID_TOKEN`. Why is in a debug event and in the
///    [`Rejection`] in the extensions of the answer, the key in neither. What has not the form of a key is refused
///    without asking the store.
/// 5. **A store that fails**, or does not answer in time, is 503 without a challenge, and an error event a minute that counts
///    those which were left out. Outside of a Tokio runtime, which the store needs, it is the same.
///
/// A request whose key the store is asked about has taken its place in the services inside of this layer, and anybody can
/// make up a key of that form: limits of how many requests are served at a time belong outside of it.
///
/// # Beside access tokens
///
/// A service that takes access tokens and API keys has both layers, the outer one optional. Which is the outer one does
/// not matter, except that a [`BearerLayer`](crate::BearerLayer) has to be told to
/// [leave keys alone](crate::BearerLayer::with_api_keys) that are not known yet. A request with a token and a key is
/// 400, wherever each of them stands.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use buttress_jwt::{ApiKeyLayer, ApiKeys, BearerLayer, Require, RequireLayer, Verifier};
///
/// fn app(verifier: Verifier, keys: ApiKeys) -> Router {
///     Router::new()
///         .route("/v1/orders", get(async || "orders").layer(RequireLayer::new(Require::scope("orders:read"))))
///         .layer(BearerLayer::<()>::new(verifier)) // 401 for who has neither
///         .layer(ApiKeyLayer::new(keys).optional())
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiKeyLayer {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) keys: ApiKeys,
    /// Those that other layers judge.
    pub(super) others: Vec<ApiKeys>,
    pub(super) optional: bool,
    pub(super) realm: Realm,
    pub(super) responder: Responder,
    /// That the store failed.
    pub(super) failures: Repeats,
}

impl Config {
    /// Whether it means to be a key that another layer judges.
    pub(super) fn is_anothers(&self, text: &[u8]) -> bool {
        !self.keys.is_ours(text) && self.others.iter().any(|keys| keys.is_ours(text))
    }
}

impl ApiKeyLayer {
    /// Lets pass what these keys are.
    pub fn new(keys: ApiKeys) -> Self {
        Self {
            config: Arc::new(Config {
                keys,
                others: Vec::new(),
                optional: false,
                realm: Realm::default(),
                responder: Responder::default(),
                failures: Repeats::default(),
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Lets requests without a key pass, also those with another bearer token: they are for another layer to judge.
    ///
    /// [`RequireLayer`](crate::RequireLayer) refuses those who are not known.
    pub fn optional(self) -> Self {
        self.with(|config| config.optional = true)
    }

    /// Leaves keys that mean to be these to another `ApiKeyLayer` inside of this layer, as if there was no key: for keys
    /// of several prefixes. Without it, another key in `X-API-Key` is one that is not accepted.
    ///
    /// It lets nobody pass: for that, this layer is [optional](Self::optional). The layer inside needs none of this: it
    /// lets pass whose key a layer outside has accepted.
    ///
    /// ```
    /// # use buttress_jwt::{ApiKeyLayer, ApiKeys};
    /// # #[cfg(feature = "axum")]
    /// fn app(routes: axum::Router, shop: ApiKeys, partners: ApiKeys) -> axum::Router {
    ///     routes
    ///         .layer(ApiKeyLayer::new(partners.clone())) // 401 for who has neither
    ///         .layer(ApiKeyLayer::new(shop).with_other_keys(partners).optional())
    /// }
    /// ```
    pub fn with_other_keys(self, keys: ApiKeys) -> Self {
        self.with(|config| config.others.push(keys))
    }

    /// Names what is protected, in challenges. Characters that may not stand there are replaced.
    pub fn with_realm(self, realm: impl Into<Arc<str>>) -> Self {
        self.with(|config| config.realm.name = Some(realm.into()))
    }

    /// Makes the answers to requests that do not pass, in place of problem documents.
    ///
    /// The [`Rejection`] is put into the extensions of the answer either way, and the challenge into its headers if
    /// the answer has none.
    pub fn with_responder(
        self,
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.responder = Responder::new(responder))
    }
}

impl<S> Layer<S> for ApiKeyLayer {
    type Service = ApiKeyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ApiKeyService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("keys", &self.keys)
            .field("others", &self.others)
            .field("optional", &self.optional)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
