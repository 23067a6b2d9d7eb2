use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::service::BearerService;
use crate::{
    ApiKeys, Error, ErrorKind, Rejection, Revocation, Verifier,
    challenge::Realm,
    credentials::is_tchar,
    gate::{Limit, Repeats, Responder},
    memory::Memory,
};

/// Lets requests with an access token pass, and tells what is behind it who makes them.
///
/// 1. **The token** stands in `Authorization: Bearer`, or in a cookie if [one was named](Self::with_cookie). Two of them
///    are 400, and so is `Bearer` without a token. Tokens in the query or in a form are not looked at: they end up in
///    logs.
/// 2. **A token that is accepted** becomes an `Arc<Claims<C>>` and a [`Principal`](crate::Principal) in the extensions
///    of the request. With a [`Revocation`](crate::Revocation), it is asked on every request.
/// 3. **No token** is 401 with a challenge that has no error code, or passes if it is [optional](Self::optional). A
///    token that is not accepted never passes.
/// 4. **Every token that is not accepted** gets one and the same 401, `INVALID_TOKEN`. Which check failed is in a debug
///    event and in the [`Rejection`] in the extensions of the answer, the token in neither.
/// 5. **Keys of another service** (`RemoteKeys`, with the feature `remote`) that are missing are waited for, once. If they cannot be
///    had, the answer is 503 without a challenge, since the token may be good. [So many](Self::with_waiting_requests)
///    may wait.
/// 6. **`Authorization`** and the cookies are marked as sensitive, so that they are not shown where headers are.
///
/// A request that waits, for keys or for a revocation, has taken its place in the services inside of this layer: limits of
/// how many requests are served at a time belong outside of it.
///
/// Preflights of CORS have no credentials: put the layer that answers them outside of this one.
///
/// ```
/// use std::sync::Arc;
/// use buttress_jwt::{Algorithm, BearerLayer, Claims, Grant, Issuer, KeyRing, SigningKey, Verifier};
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let issuer = Issuer::new("https://api.example.com", "shop", keys.clone());
/// let verifier = Verifier::new("https://api.example.com", "shop", keys);
///
/// let service = ServiceBuilder::new()
///     .layer(BearerLayer::<()>::new(verifier))
///     .service(service_fn(async |request: Request<()>| {
///         let claims: &Arc<Claims> = request.extensions().get().expect("the layer has seen to it");
///         Ok::<_, std::convert::Infallible>(Response::new(Full::from(claims.subject.clone())))
///     }));
///
/// let token = issuer.issue(Grant::new("user-1"))?.token;
/// let request = Request::get("/").header("authorization", format!("Bearer {token}")).body(())?;
/// assert_eq!(service.clone().oneshot(request).await?.status(), 200);
///
/// let answer = service.oneshot(Request::get("/").body(())?).await?;
/// assert_eq!(answer.status(), 401);
/// assert_eq!(answer.headers()["www-authenticate"], "Bearer");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct BearerLayer<C = ()> {
    config: Arc<Config>,
    memory: Option<Arc<Memory<C>>>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) verifier: Verifier,
    pub(super) cookie: Option<Box<str>>,
    pub(super) api_keys: Option<ApiKeys>,
    pub(super) optional: bool,
    pub(super) realm: Realm,
    pub(super) revocation: Option<Arc<dyn Revocation>>,
    pub(super) limit: Limit,
    pub(super) responder: Responder,
    /// Of requests that wait for keys.
    pub(super) places: Arc<Semaphore>,
    /// That there was none.
    pub(super) crowds: Repeats,
    /// That a revocation failed.
    pub(super) failures: Repeats,
}

impl<C> BearerLayer<C> {
    /// Lets pass what this verifier accepts, from `Authorization` only.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            config: Arc::new(Config {
                verifier,
                cookie: None,
                api_keys: None,
                optional: false,
                realm: Realm::default(),
                revocation: None,
                limit: Limit::default(),
                responder: Responder::default(),
                places: Arc::new(Semaphore::new(1000)),
                crowds: Repeats::default(),
                failures: Repeats::default(),
            }),
            memory: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Takes the token from this cookie too. A request with both is refused.
    ///
    /// Browsers send cookies with requests that other sites make: [`TokenCookie`](crate::TokenCookie) says what is to
    /// be done about that, and makes the cookie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the name has characters that no name of a cookie has.
    pub fn with_cookie(self, name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() || !name.bytes().all(is_tchar) {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "the name of a cookie is letters, digits and !#$%&'*+-.^_`|~",
            ));
        }
        Ok(self.with(|config| config.cookie = Some(name.into())))
    }

    /// Leaves bearer tokens that mean to be these API keys to an [`ApiKeyLayer`](crate::ApiKeyLayer) inside of this
    /// layer, as if there was no token. Without it, they are tokens that are not accepted.
    ///
    /// It lets nobody pass: for that, this layer is [optional](Self::optional). An `ApiKeyLayer` outside of this layer
    /// needs none of this.
    pub fn with_api_keys(self, keys: ApiKeys) -> Self {
        self.with(|config| config.api_keys = Some(keys))
    }

    /// Lets requests without a token pass, without claims: for what shows more to those who are known.
    ///
    /// A token that is not accepted is refused all the same, so that a client learns that it has expired.
    /// [`RequireLayer`](crate::RequireLayer) refuses those who are not known.
    pub fn optional(self) -> Self {
        self.with(|config| config.optional = true)
    }

    /// Names what is protected, in challenges. Characters that may not stand there are replaced.
    pub fn with_realm(self, realm: impl Into<Arc<str>>) -> Self {
        self.with(|config| config.realm.name = Some(realm.into()))
    }

    /// Says in challenges where the metadata of what is protected are, `resource_metadata` (RFC 9728, section 5.1): from
    /// there a client that knows nothing yet finds its way to who issues tokens. The document is for others to serve.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is no absolute URL that begins with `https://`, or has a fragment.
    pub fn with_resource_metadata(mut self, url: impl Into<Arc<str>>) -> Result<Self, Error> {
        let config = Arc::make_mut(&mut self.config);
        config.realm = config.realm.clone().with_metadata(url.into())?;
        Ok(self)
    }

    /// Asks this about every token that is otherwise accepted, remembered ones too. If it does not answer, or not
    /// [in time](Self::with_timeout), nor does the service: 503, without a challenge, and an error event a minute that counts
    /// those which were left out.
    pub fn with_revocation(self, revocation: impl Revocation + 'static) -> Self {
        self.with(|config| config.revocation = Some(Arc::new(revocation)))
    }

    /// How long the [revocation](Self::with_revocation) may take to answer: 5 seconds by default. Beyond it the request
    /// is answered with 503, and an error event says so.
    ///
    /// The time is that of Tokio, whose timer has to be enabled. Outside of a Tokio runtime every request that a
    /// revocation has to be waited for is answered with 503.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is zero.
    pub fn with_timeout(self, timeout: Duration) -> Result<Self, Error> {
        let limit = Limit::new(timeout)?;
        Ok(self.with(|config| config.limit = limit))
    }

    /// How many requests may wait for [keys of another service](crate::KeySource) at a time, 1 000 unless set. One more is
    /// answered with 503 at once, and a warning says so.
    ///
    /// Those who wait need not be known: anybody can name a key that is not there, and waits for one answer of the other
    /// service, at most once in its cool-down.
    pub fn with_waiting_requests(self, requests: NonZeroU32) -> Self {
        let requests = usize::try_from(requests.get()).unwrap_or(usize::MAX);
        let places = Semaphore::new(requests.min(Semaphore::MAX_PERMITS));
        self.with(|config| config.places = Arc::new(places))
    }

    /// Remembers about this many tokens that were accepted, and their claims, so that their signatures are not verified on
    /// every request; none by default.
    ///
    /// What is remembered is the whole token, and nothing is accepted that would not be without: its times, whether
    /// its key is still there, and the [revocation](Self::with_revocation) are looked at every time. Tokens that are
    /// not accepted are not remembered. The tokens stay in memory until others take their place, a token being 8 KiB
    /// at most, and 1 KiB as a rule.
    pub fn with_memory(mut self, tokens: usize) -> Self {
        self.memory = (tokens > 0).then(|| Arc::new(Memory::new(tokens)));
        self
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

impl<S, C> Layer<S> for BearerLayer<C> {
    type Service = BearerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BearerService::new(inner, Arc::clone(&self.config), self.memory.clone())
    }
}

impl<C> Clone for BearerLayer<C> {
    fn clone(&self) -> Self {
        Self {
            config: Arc::clone(&self.config),
            memory: self.memory.clone(),
        }
    }
}

impl<C> fmt::Debug for BearerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerLayer")
            .field("config", &self.config)
            .field("memory", &self.memory)
            .finish()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("verifier", &self.verifier)
            .field("cookie", &self.cookie)
            .field("api_keys", &self.api_keys)
            .field("optional", &self.optional)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
