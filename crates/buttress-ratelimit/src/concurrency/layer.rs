use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, request::Parts};
use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::{ConcurrencyService, permit::Permits};
use crate::{
    Error, ErrorKind, Rejection,
    admission::Exempt,
    answer::{Answer, Hold, Tell},
    concurrency::Permit,
    future::Verdict,
    headers::{Capacity, Occupancy},
    metrics::QuotaCounters,
    quota::is_name,
    rejection::Refusal,
    responder::Responder,
};

/// Lets no more than so many requests in at once, and refuses the others with 503 instead of being overrun.
///
/// 1. **A request counts until its answer has been sent**: until the end of the response body, or until that is dropped. A stream
///    that takes an hour is an hour's work.
/// 2. **One bound for all services** that a layer and its clones make: for all routes of a router, all connections and
///    all threads.
/// 3. **Who finds no room** is answered at once: 503, a problem of type `…#temporary-reduced-capacity`, with `Retry-After`.
///    With [`with_waiting`](Self::with_waiting), some may wait for a moment.
/// 4. **The answers tell** how many there may be and how many more: `RateLimit-Policy: "concurrency";q=100;qu="concurrent-requests"`
///    and `RateLimit: "concurrency";r=42`.
///
/// Put it inside of CORS, and outside of what costs. Checks of health and readiness are best left out of it, or exempt: a service that is
/// busy is not ill.
///
/// ```
/// use std::time::Duration;
/// use buttress_ratelimit::ConcurrencyLayer;
///
/// let layer = ConcurrencyLayer::new(100)?
///     .with_waiting(50, Duration::from_millis(200))
///     .with_exempt(|parts| parts.uri.path() == "/health");
/// # Ok::<(), buttress_ratelimit::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConcurrencyLayer {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(super) struct Config {
    requests: usize,
    permits: Permits,
    refusal: Arc<Refusal>,
    capacity: Arc<Capacity>,
    counters: Arc<QuotaCounters>,
    headers: bool,
    exempt: Exempt,
    retry_after: Duration,
    responder: Responder,
}

impl ConcurrencyLayer {
    /// At most this many requests at once, under the name `concurrency`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] for 0, and for 2^61 and more.
    pub fn new(requests: usize) -> Result<Self, Error> {
        if requests == 0 || requests > Semaphore::MAX_PERMITS {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                format!(
                    "{requests} requests at once are not a bound: 1 to {} are allowed",
                    Semaphore::MAX_PERMITS
                ),
            ));
        }
        let name: Arc<str> = "concurrency".into();
        Ok(Self {
            config: Arc::new(Config {
                requests,
                permits: Permits::new(requests),
                capacity: Arc::new(Capacity::new(&name, requests)),
                counters: Arc::new(QuotaCounters::new(&name)),
                refusal: Arc::new(Refusal::at_capacity(name)),
                headers: true,
                exempt: Exempt::default(),
                retry_after: Duration::from_secs(1),
                responder: Responder::default(),
            }),
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The name in headers, refusals and metrics.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is not 1 to 64 printable ASCII characters.
    pub fn with_name(self, name: impl Into<Arc<str>>) -> Result<Self, Error> {
        let name = name.into();
        if !is_name(&name) {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                format!("the name {name:?} is not 1 to 64 printable ASCII characters"),
            ));
        }
        Ok(self.with(|config| {
            config.capacity = Arc::new(Capacity::new(&name, config.requests));
            config.counters = Arc::new(QuotaCounters::new(&name));
            config.refusal = Arc::new(Refusal::at_capacity(name));
        }))
    }

    /// Lets this many requests wait for room, in turn, for no longer than this time: none by default. It needs a Tokio
    /// runtime with time; outside of one nobody waits.
    ///
    /// Short times and few requests: a queue that is always full only makes every answer late.
    pub fn with_waiting(self, requests: usize, time: Duration) -> Self {
        self.with(|config| config.permits = config.permits.clone().with_waiting(requests, time))
    }

    /// Requests that neither count nor are refused: none by default.
    pub fn with_exempt(self, exempt: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.exempt = Exempt::new(exempt))
    }

    /// What `Retry-After` says: a second by default, and never less.
    pub fn with_retry_after(self, time: Duration) -> Self {
        self.with(|config| config.retry_after = time)
    }

    /// Without `RateLimit-Policy` and `RateLimit`: others need not know how much room there is.
    pub fn without_headers(self) -> Self {
        self.with(|config| config.headers = false)
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

impl Config {
    pub(super) fn is_exempt(&self, parts: &Parts) -> bool {
        self.exempt.is(parts)
    }

    pub(super) fn permits(&self) -> &Permits {
        &self.permits
    }

    pub(super) fn verdict(&self, permit: Option<Permit>) -> Verdict {
        let occupancy = || Occupancy::new(&self.capacity, self.permits.free());
        match permit {
            Some(permit) => {
                self.counters.allowed();
                let tell = match self.headers {
                    true => Tell::Occupancy(occupancy()),
                    false => Tell::Nothing,
                };
                Verdict::Pass(Answer::new(tell, Hold::Permit(permit)))
            }
            None => {
                self.counters.refused();
                tracing::debug!(target: "buttress_ratelimit::layer", at_once = self.requests, "there is no room");
                let rejection = Rejection::new(Arc::clone(&self.refusal), self.retry_after);
                let mut response = self.responder.respond(rejection);
                if self.headers {
                    occupancy().write(response.headers_mut());
                }
                Verdict::Refuse(response)
            }
        }
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = ConcurrencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConcurrencyService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("requests", &self.requests)
            .field("permits", &self.permits)
            .field("headers", &self.headers)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
