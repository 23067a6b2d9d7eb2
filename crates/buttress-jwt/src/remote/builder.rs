use std::{fmt, sync::Arc, time::Duration};

use super::{
    RemoteKeys,
    address::{self, Allowed, Place},
    default_fetch,
    document::Origin,
    fetch::Fetch,
    shared::Shared,
};
use crate::{Clock, Error, ErrorKind};

/// What [`RemoteKeys`] are made of: see [`RemoteKeys::builder`].
#[must_use]
pub struct RemoteKeysBuilder {
    from: From,
    address: String,
    allowed: Allowed,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Clock,
    timeout: Duration,
    cool_down: Duration,
    max_stale: Duration,
}

/// What the address is that of.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    Jwks,
    OpenId,
    OAuth,
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_COOL_DOWN: Duration = Duration::from_secs(30);
const MIN_COOL_DOWN: Duration = Duration::from_secs(1);
const MAX_COOL_DOWN: Duration = Duration::from_secs(60 * MINUTE);
const DEFAULT_MAX_STALE: Duration = Duration::from_secs(60 * MINUTE);
const MAX_MAX_STALE: Duration = Duration::from_secs(7 * DAY);

impl RemoteKeysBuilder {
    pub(super) fn new(from: From, address: impl Into<String>) -> Self {
        Self {
            from,
            address: address.into(),
            allowed: Allowed::Https,
            fetch: None,
            clock: Clock::system(),
            timeout: DEFAULT_TIMEOUT,
            cool_down: DEFAULT_COOL_DOWN,
            max_stale: DEFAULT_MAX_STALE,
        }
    }

    /// Gets documents with this client in place of `HttpsFetch::new`. Without the feature `remote-https`, which has that,
    /// there has to be one.
    pub fn with_fetch(mut self, fetch: impl Fetch + 'static) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// Allows http without TLS from this machine (`localhost`, 127.0.0.0/8, ::1): for tests and development. Whoever can
    /// listen on the port can put in keys of their own. The metadata of an issuer names such an address only if the issuer
    /// itself is on this machine.
    pub fn with_insecure_loopback_http(mut self) -> Self {
        self.allowed = Allowed::LoopbackToo;
        self
    }

    /// How long an attempt to get the keys may take as a whole: 5 seconds by default, and at most 30.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// For how long nothing is asked after an attempt that has failed, and after one for a token whose key is not in the
    /// set: 30 seconds by default, from one to an hour. So the other service sees no more than two attempts in that time,
    /// whatever tokens are sent here. An attempt is one request, or two for the keys of an issuer whose metadata is asked
    /// for as well: at first, when its time is over, and after every failure.
    pub fn with_cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// For how long keys are used beyond their time while no others can be had: an hour by default, and up to seven days.
    ///
    /// Longer than its tokens live, an issuer that is down is not missed. A key that was stolen and taken back is accepted
    /// for that much longer by whom the thief can keep from asking.
    pub fn with_max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// Takes the time from this clock. [How long an attempt takes](Self::with_timeout) is measured by Tokio's.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The keys, which nobody has asked for yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the address is not allowed, a time is out of its bounds, or the system has
    /// no certificate authorities; without the feature `remote-https`, when there is no [client](Self::with_fetch).
    pub fn build(self) -> Result<RemoteKeys, Error> {
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(wrong(
                "the timeout is more than none, and 30 seconds at most",
            ));
        }
        if self.cool_down < MIN_COOL_DOWN || self.cool_down > MAX_COOL_DOWN {
            return Err(wrong(
                "the cool-down is a second at least, and an hour at most",
            ));
        }
        if self.max_stale > MAX_MAX_STALE {
            return Err(wrong(
                "keys are used for seven days beyond their time at most",
            ));
        }
        let place = match self.from {
            From::Jwks => Place::Jwks(address::read(&self.address, self.allowed)?),
            From::OpenId => address::of_openid(&self.address, self.allowed)?,
            From::OAuth => address::of_oauth(&self.address, self.allowed)?,
        };
        let address = match &place {
            Place::Jwks(uri) | Place::Metadata { address: uri, .. } => address::shown(uri),
        };
        let fetch = match self.fetch {
            Some(fetch) => fetch,
            None => default_fetch(self.allowed)?,
        };
        let origin = Origin {
            place,
            allowed: self.allowed,
            fetch,
        };
        let times = [self.timeout, self.cool_down, self.max_stale];
        Ok(RemoteKeys::of(Shared::new(
            origin, address, self.clock, times,
        )))
    }
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfiguration, message)
}

/// The address may have a secret in its query.
impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysBuilder")
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .field("cool_down", &self.cool_down)
            .field("max_stale", &self.max_stale)
            .finish_non_exhaustive()
    }
}
