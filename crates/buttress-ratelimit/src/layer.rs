use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, request::Parts};
use tower_layer::Layer;

use crate::{
    HeaderFormat, PeerIp, RateLimitService, RateLimiter, Rejection, RequestKey, ResetForm, Settle,
    admission::Exempt,
    headers::{Formats, PartitionKeys, PolicyCache},
    responder::Responder,
};

/// Lets requests in as a [`RateLimiter`] decides, and refuses the others with 429.
///
/// 1. **Whose bucket it is** says a [`RequestKey`]: the address of the connection's peer by default. A request for which it has no key is
///    not limited, and no more are those that are [exempt](Self::with_exempt).
/// 2. **A request that is let in** goes to the inner service, and its answer gets `RateLimit-Policy` and `RateLimit`: of each quota
///    its name, what is left of it, and in how many seconds it will be whole again. Other limiters on the way add theirs, and none
///    overwrites another's.
/// 3. **A request that is refused** is answered with 429, a problem of type `…#quota-exceeded` with the names of all quotas that refused
///    it, and `Retry-After`: whole seconds, rounded up, after which there is room if nobody else takes it. `RateLimit` has the quotas that refused.
/// 4. **A request that costs more** than a full bucket has is answered with 400, since to wait would be in vain; and when the store
///    of the limiter fails, with 503 and `Retry-After`.
///
/// Clones of the layer, and all services that it makes, are one limiter: it is the same for all routes, connections and
/// threads. Decisions in the process are made at once; a store outside of it is waited for before the inner service is called, and
/// never after.
///
/// Put it inside of CORS, so that browsers may see its refusals, inside of `ProblemLayer`, which completes them, and outside of what
/// costs. When the key is who makes the request, it is inside of authentication; another one by address belongs outside of that.
///
/// # Example
///
/// ```
/// use buttress_ratelimit::{Key, Quota, RateLimitLayer, RateLimiter};
/// use http::{Request, Response, request::Parts};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::in_process([Quota::per_minute(60).burst(1).named("minute")])?;
/// let service = ServiceBuilder::new()
///     .layer(RateLimitLayer::new(limiter).with_key(|_: &Parts| Some(Key::global())))
///     .service(service_fn(async |_: Request<()>| {
///         Ok::<_, std::convert::Infallible>(Response::new(Full::from("hello")))
///     }));
///
/// let first = service.clone().oneshot(Request::new(())).await?;
/// assert_eq!(first.headers()["ratelimit-policy"], r#""minute";q=1;w=1"#);
/// assert_eq!(first.headers()["ratelimit"], r#""minute";r=0;t=1"#);
///
/// let second = service.oneshot(Request::new(())).await?;
/// assert_eq!(second.status(), 429);
/// assert_eq!(second.headers()["retry-after"], "1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RateLimitLayer {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) limiter: RateLimiter,
    pub(crate) key: Arc<dyn RequestKey>,
    pub(crate) cost: Option<Arc<Cost>>,
    pub(crate) exempt: Exempt,
    pub(crate) preflights_exempt: bool,
    pub(crate) formats: Formats,
    pub(crate) partitions: Option<PartitionKeys>,
    pub(crate) jitter: Duration,
    pub(crate) settle: Option<Settle>,
    pub(crate) responder: Responder,
    pub(crate) policies: Arc<PolicyCache>,
}

type Cost = dyn Fn(&Parts) -> u32 + Send + Sync;

impl RateLimitLayer {
    /// A layer that asks this limiter by the address of the connection's peer.
    pub fn new(limiter: RateLimiter) -> Self {
        Self {
            config: Arc::new(Config {
                limiter,
                key: Arc::new(PeerIp::new()),
                cost: None,
                exempt: Exempt::default(),
                preflights_exempt: false,
                formats: Formats::default(),
                partitions: None,
                jitter: Duration::ZERO,
                settle: None,
                responder: Responder::default(),
                policies: Arc::default(),
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Whose bucket a request is charged to; [`PeerIp`] by default.
    pub fn with_key(self, key: impl RequestKey + 'static) -> Self {
        self.with(|config| config.key = Arc::new(key))
    }

    /// How many tokens a request costs; 1 by default. What costs 0 is let in, and sees how things stand.
    pub fn with_cost(self, cost: impl Fn(&Parts) -> u32 + Send + Sync + 'static) -> Self {
        self.with(|config| config.cost = Some(Arc::new(cost)))
    }

    /// Requests that are neither counted nor refused, and whose answers tell nothing: none by default.
    pub fn with_exempt(self, exempt: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.exempt = Exempt::new(exempt))
    }

    /// Exempts the preflight requests of CORS, for a layer that is outside of the one for CORS. Everybody can make such requests: whatever
    /// answers them has to be cheap.
    pub fn with_preflights_exempt(self) -> Self {
        self.with(|config| config.preflights_exempt = true)
    }

    /// How the answers tell of quotas; [`HeaderFormat::Draft11`] by default.
    pub fn with_headers(self, format: HeaderFormat) -> Self {
        self.with(|config| config.formats.draft = format)
    }

    /// Adds `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, of the quota that is nearest to its end.
    /// Of several limiters, the one whose quota has the fewest tokens left tells of it.
    pub fn with_x_headers(self, reset: ResetForm) -> Self {
        self.with(|config| config.formats.older = Some(reset))
    }

    /// Tells nothing in answers that send their client elsewhere: those with a status of 3xx, but 304. By default they tell what
    /// others do. A client that heeds it does not follow a redirect while nothing is left, wherever that leads, and it need
    /// not wait for tokens that are not asked for there.
    pub fn with_redirects_untold(self) -> Self {
        self.with(|config| config.formats.redirects_untold = true)
    }

    /// Adds `pk`, a partition key, to the members of `RateLimit` as draft 11 has them, by which a client sees which of its requests are
    /// charged to the same buckets; none by default.
    ///
    /// It is the [`Key`](crate::Key) as a digest, 96 bits of its HMAC-SHA-256 under this secret: the same in all answers of
    /// that key and of every process with the same secret. Without the secret nobody finds out what it was made of, also where there are as
    /// few possible keys as IPv4 addresses. It is a pseudonym for as long as the secret lasts: do not turn it on where
    /// others can read the answers, such as through a shared cache, and are not to know which of them were for the same client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when the secret has less than 16 bytes.
    #[cfg(feature = "partition-keys")]
    pub fn with_partition_keys(self, secret: impl AsRef<[u8]>) -> Result<Self, crate::Error> {
        let keys = PartitionKeys::new(secret.as_ref())?;
        Ok(self.with(|config| config.partitions = Some(keys)))
    }

    /// Lengthens each `Retry-After` by up to this time, by chance, so that clients that were refused together do not come back
    /// together; by nothing by default. A quota that lasts for seconds needs none.
    pub fn with_jitter(self, most: Duration) -> Self {
        self.with(|config| config.jitter = most)
    }

    /// Settles what a request has cost when its answer is known; by default it costs what it does when it comes.
    pub fn with_settle(self, settle: Settle) -> Self {
        self.with(|config| config.settle = Some(settle))
    }

    /// Makes the answers to requests that are refused, in place of problem documents.
    ///
    /// The [`Rejection`] is put into the extensions of the answer either way, which gets `Retry-After` and
    /// `Cache-Control: no-store` unless it has them.
    pub fn with_responder(
        self,
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.responder = Responder::new(responder))
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("limiter", &self.limiter)
            .field("preflights_exempt", &self.preflights_exempt)
            .field("formats", &self.formats)
            .field("jitter", &self.jitter)
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}
