use std::{fmt, time::Duration};

use crate::{Clock, Error, ErrorKind, OnStoreError, Quotas, RateLimitStore};

/// A store outside of this process, and how a limiter deals with it: for
/// [`RateLimiter::with_store`](crate::RateLimiter::with_store).
///
/// | | default |
/// |---|---|
/// | [`with_store_timeout`](Self::with_store_timeout) | 50 ms for every call |
/// | [`with_on_store_error`](Self::with_on_store_error) | limits locally while the store is away |
/// | [`with_refusal_memory`](Self::with_refusal_memory) | none: every refusal is the store's |
/// | [`with_coalescing`](Self::with_coalescing) | none: every decision is a call |
/// | [`with_leases`](Self::with_leases) | none: every token is taken when it is spent |
///
/// A store that has failed five times, each time after it had failed before, is left alone, for 100 ms at first and for a
/// second at most. Then one caller tries it again, and when that goes well, all do. So an outage costs the timeout a few times, and no more than
/// once a second after that. Who gives up a call for which the store has had half of its time counts as one that failed, so that a server that gives
/// requests up sooner learns of an outage too.
///
/// It waits with tokio's time: where it is used, there is a runtime of tokio with its timers enabled.
///
/// ```
/// use std::time::Duration;
/// use buttress_ratelimit::{Error, OnStoreError, Quota, RateLimiter, RateLimitStore, SharedStore};
///
/// fn limiter(store: impl RateLimitStore + 'static) -> Result<RateLimiter, Error> {
///     let store = SharedStore::new(store)
///         .with_store_timeout(Duration::from_millis(20))
///         .with_on_store_error(OnStoreError::Local { share: 0.25 })
///         .with_refusal_memory(10_000)
///         .with_coalescing();
///     RateLimiter::with_store(store, [Quota::per_second(100)])
/// }
/// ```
pub struct SharedStore {
    pub(crate) store: Box<dyn RateLimitStore>,
    pub(crate) timeout: Duration,
    pub(crate) on_error: OnStoreError,
    pub(crate) local_keys: usize,
    pub(crate) refusals: Option<usize>,
    pub(crate) coalescing: bool,
    pub(crate) leases: Option<(u32, Duration)>,
    pub(crate) clock: Clock,
}

impl SharedStore {
    /// This store, with the defaults.
    pub fn new(store: impl RateLimitStore + 'static) -> Self {
        Self {
            store: Box::new(store),
            timeout: Duration::from_millis(50),
            on_error: OnStoreError::default(),
            local_keys: 100_000,
            refusals: None,
            coalescing: false,
            leases: None,
            clock: Clock::system(),
        }
    }

    /// How long a call of the store may take: more than nothing.
    #[must_use]
    pub fn with_store_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What is decided when the store fails.
    #[must_use]
    pub fn with_on_store_error(mut self, on_error: OnStoreError) -> Self {
        self.on_error = on_error;
        self
    }

    /// For how many keys there are buckets in this process while the store is away: 100,000 by default. As
    /// [`MemoryStore::with_max_keys`](crate::MemoryStore::with_max_keys): their table takes its memory when the limiter is
    /// made, so that an outage is no time to run out of it.
    #[must_use]
    pub fn with_local_keys(mut self, keys: usize) -> Self {
        self.local_keys = keys;
        self
    }

    /// Remembers of about so many refused keys, at least one, until when they will be: they are refused here, and the store is not
    /// asked.
    ///
    /// Nobody is refused for longer than by the store, and who waits as long as the refusal says is let in. But what
    /// *another* process refunds or resets is seen when the refusal has passed; what this one does is seen at once. Each
    /// key takes about 100 bytes.
    #[must_use]
    pub fn with_refusal_memory(mut self, keys: usize) -> Self {
        self.refusals = Some(keys);
        self
    }

    /// Makes at most one call at a time for each key. Who comes meanwhile waits for it, and then shares the next one with all who wait
    /// and pay the same.
    ///
    /// This is exact: the store grants as many of them as it has tokens for, to those who came first, and each is told
    /// what is left after its own. It is for keys of which many are decided at a time, where it saves the store nearly all of its
    /// calls; it costs them up to one call more of waiting. When a call fails, it has failed for all who wait. Requests of different costs take turns.
    ///
    /// Who makes the call may be a future that nobody polls any more, or in a runtime that nobody drives or that shuts down. Nobody waits for
    /// it for longer than twice the timeout of the store, and then begins anew, or calls alone the second time. A call that was under way for it may
    /// have been charged, and it is charged again.
    #[must_use]
    pub fn with_coalescing(mut self) -> Self {
        self.coalescing = true;
        self
    }

    /// Takes this many tokens of a key ahead, and decides by them without a call until they are spent or so much time
    /// has passed. Calls are [coalesced](Self::with_coalescing) too.
    ///
    /// This is *not* exact. Of `n` processes with leases of `l` tokens that live for `t`, all together may let pass
    /// `min(n · l, rate · t)` more in any time than the quota says, for tokens that one has taken fill again while it holds
    /// them. And up to `n · l` tokens may be held where nobody asks for them, for no longer than `t`: what is left
    /// then is put back, less what has filled again, if the store can be reached. A cost of more than `tokens` is not paid by leases. No
    /// more than 10,000 keys have a lease at a time; the others are decided by the store.
    ///
    /// It takes at least one token, and no more than the smallest bucket of a quota holds; and it lives for longer than
    /// two calls of the store may take.
    #[must_use]
    pub fn with_leases(mut self, tokens: u32, time_to_live: Duration) -> Self {
        self.leases = Some((tokens, time_to_live));
        self
    }

    /// Takes the time from this clock: for leases, for refusals that are remembered, for buckets in this process and for how long the
    /// store is left alone. Timeouts are measured by tokio.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// # Errors
    ///
    /// When a setting makes no sense. What depends on the quotas is [`check_quotas`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.timeout.is_zero() {
            return invalid(
                "a store that has no time to answer never does: the timeout is to be more than 0"
                    .to_owned(),
            );
        }
        if self.refusals == Some(0) {
            return invalid(
                "a memory of refusals with room for no key remembers none: at least 1 is allowed"
                    .to_owned(),
            );
        }
        if let Some((_, time_to_live)) = self.leases
            && time_to_live <= self.timeout.saturating_mul(2)
        {
            return invalid(format!(
                "leases that live for {time_to_live:?} may be over before the store has answered: more than {:?} is \
                 allowed, twice the timeout of the store",
                self.timeout.saturating_mul(2)
            ));
        }
        Ok(())
    }
}

/// # Errors
///
/// When leases of this size make no sense for these quotas.
pub(crate) fn check_quotas(lease: Option<u32>, quotas: &Quotas) -> Result<(), Error> {
    let Some(tokens) = lease else {
        return Ok(());
    };
    let most = quotas.payable(u32::MAX);
    if tokens == 0 || tokens > most {
        return invalid(format!(
            "leases of {tokens} tokens make no sense for these quotas: 1 to {most} are allowed, what the smallest \
             bucket holds"
        ));
    }
    Ok(())
}

fn invalid<T>(message: String) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidConfiguration, message))
}

impl<S: RateLimitStore + 'static> From<S> for SharedStore {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore")
            .field("timeout", &self.timeout)
            .field("on_error", &self.on_error)
            .field("refusals", &self.refusals)
            .field("coalescing", &self.coalescing)
            .field("leases", &self.leases)
            .finish_non_exhaustive()
    }
}
