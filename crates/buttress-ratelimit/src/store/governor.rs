use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use governor::{
    NotUntil, clock,
    middleware::{
        NoOpMiddleware, RateLimitingMiddleware, StateInformationMiddleware, StateSnapshot,
    },
    state::keyed::KeyedStateStore,
};

use crate::{Error, ErrorKind, Key, Levels, Quotas, Rate, RateLimitStore};

/// The buckets of a keyed limiter of [`governor`] that is there already.
///
/// It does what governor can do. The quota is given twice, to governor and here, and has to be the same: whatever is
/// decided is decided by governor.
///
/// | | |
/// |---|---|
/// | `check` with a cost | exact, with one quota |
/// | what a decision says of a refusal | exact; it is read a moment after the refusal |
/// | `remaining` when allowed | exact with `StateInformationMiddleware`; else 0, for governor does not say |
/// | `reset` when allowed | late by less than the interval of one token; with [`without_state`](Self::without_state), a full bucket's |
/// | `peek`, which is a `check` of 0 | [`ErrorKind::Unsupported`] |
/// | `refund`, `penalize`, `set`, `reset` | [`ErrorKind::Unsupported`] |
/// | several quotas | [`ErrorKind::Unsupported`], with each check |
/// | after `replace` | [`ErrorKind::Unsupported`], with each check |
/// | another quota than governor's | [`ErrorKind::InvalidConfiguration`], with each check that governor says its own after |
/// | many keys | as many as there are: governor keeps them until somebody calls its `retain_recent` |
///
/// Governor rounds the interval of a token down to whole nanoseconds, and so admits more than the quota says where that is not
/// even: 11 % more at 300 million per second, and nothing that matters below a million.
///
/// ```
/// use std::{num::NonZeroU32, sync::Arc};
/// use buttress_ratelimit::{GovernorStore, Key, Quota, RateLimiter};
/// use governor::{clock::FakeRelativeClock, middleware::StateInformationMiddleware};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_ratelimit::Error> {
/// let ten = NonZeroU32::new(10).expect("not zero");
/// let governed = governor::RateLimiter::hashmap_with_clock(
///     governor::Quota::per_second(ten),
///     FakeRelativeClock::default(),
/// );
/// let governed = Arc::new(governed.with_middleware::<StateInformationMiddleware>());
///
/// let store = GovernorStore::new(Arc::clone(&governed), Key::clone);
/// let limiter = RateLimiter::with_store(store, [Quota::per_second(10)])?;
/// let decision = limiter.check(&"paul".into(), 4).await?;
/// assert_eq!(decision.states().next().map(|state| state.remaining), Some(6));
/// # Ok(())
/// # }
/// ```
pub struct GovernorStore {
    charge: Box<Charge>,
}

type Charge = dyn Fn(&Key, NonZeroU32) -> Answer + Send + Sync;

/// What governor says of a charge.
enum Answer {
    Allowed(Option<StateSnapshot>),
    Refused {
        wait: Duration,
        quota: governor::Quota,
    },
    /// It never has so much, but this.
    TooMuch(u32),
}

impl GovernorStore {
    /// The buckets of a limiter whose middleware tells how things stand, by the keys that this makes of ours:
    /// `Key::clone` where governor has the same.
    pub fn new<K, S, C>(
        limiter: impl Into<Arc<governor::RateLimiter<K, S, C, StateInformationMiddleware>>>,
        key: impl Fn(&Key) -> K + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + Eq + Hash + 'static,
        S: KeyedStateStore<K> + Send + Sync + 'static,
        C: clock::Clock + Send + Sync + 'static,
    {
        Self::with(limiter.into(), key, Some)
    }

    /// The same for a limiter without that middleware. What is left of a bucket is not known then, and is said to be
    /// nothing.
    pub fn without_state<K, S, C>(
        limiter: impl Into<Arc<governor::RateLimiter<K, S, C, NoOpMiddleware<C::Instant>>>>,
        key: impl Fn(&Key) -> K + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + Eq + Hash + 'static,
        S: KeyedStateStore<K> + Send + Sync + 'static,
        C: clock::Clock + Send + Sync + 'static,
    {
        Self::with(limiter.into(), key, |()| None)
    }

    fn with<K, S, C, M>(
        limiter: Arc<governor::RateLimiter<K, S, C, M>>,
        key: impl Fn(&Key) -> K + Send + Sync + 'static,
        state: fn(M::PositiveOutcome) -> Option<StateSnapshot>,
    ) -> Self
    where
        K: Clone + Eq + Hash + 'static,
        S: KeyedStateStore<K> + Send + Sync + 'static,
        C: clock::Clock + Send + Sync + 'static,
        M: RateLimitingMiddleware<C::Instant, NegativeOutcome = NotUntil<C::Instant>>
            + Send
            + Sync
            + 'static,
    {
        let charge = move |ours: &Key, cost| match limiter.check_key_n(&key(ours), cost) {
            Ok(Ok(allowed)) => Answer::Allowed(state(allowed)),
            Ok(Err(until)) => Answer::Refused {
                wait: until.wait_time_from(limiter.clock().now()),
                quota: until.quota(),
            },
            Err(most) => Answer::TooMuch(most.0),
        };
        Self {
            charge: Box::new(charge),
        }
    }
}

#[async_trait]
impl RateLimitStore for GovernorStore {
    fn check_quotas(&self, quotas: &Quotas, replaced: bool) -> Result<(), Error> {
        match quotas.len() == 1 && !replaced {
            true => Ok(()),
            false => Err(one_quota()),
        }
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        let ([rate], None) = (quotas.rates(), quotas.previous()) else {
            return Err(one_quota());
        };
        let (Some(cost), 1) = (NonZeroU32::new(cost), count) else {
            return Err(unsupported("charges once, and at least one token"));
        };
        let missing = match (self.charge)(key, cost) {
            Answer::Allowed(state) => {
                let left = match state {
                    Some(state) => {
                        check(rate, &state.quota())?;
                        state.remaining_burst_capacity()
                    }
                    None => 0,
                };
                // As little as is left for certain after the charge, so as much as was missing before at most.
                rate.missing_with(left.saturating_add(cost.get()))
            }
            Answer::Refused { wait, quota } => {
                check(rate, &quota)?;
                // The clock has gone on since governor refused it, but refused it is.
                let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX).max(1);
                let short = rate.missing_with(cost.get());
                short.saturating_add(wait).min(rate.deepest())
            }
            Answer::TooMuch(most) => {
                return Err(Error::new(
                    ErrorKind::InvalidConfiguration,
                    format!(
                        "the cost of {cost} is more than a full bucket of governor's limiter has, which is {most}: \
                         it has to have the same quota"
                    ),
                ));
            }
        };
        Ok([missing].into_iter().collect())
    }

    async fn adjust(&self, _: &Key, _: &Quotas, _: i64) -> Result<Levels, Error> {
        Err(unsupported(
            "does not put tokens back, nor take what there is not",
        ))
    }

    async fn set(&self, _: &Key, _: &Quotas, _: &[u64]) -> Result<(), Error> {
        Err(unsupported("does not set buckets"))
    }
}

fn one_quota() -> Error {
    unsupported("has one quota, which is never replaced")
}

fn unsupported(reason: &'static str) -> Error {
    Error::unsupported(format!("a limiter of governor {reason}"))
}

/// Governor rounds the interval of a token down, and we up.
fn check(rate: &Rate, governed: &governor::Quota) -> Result<(), Error> {
    let interval = governed.replenish_interval().as_nanos();
    let ours = u128::from(rate.interval());
    if governed.burst_size().get() == rate.burst() && (ours - 1..=ours).contains(&interval) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidConfiguration,
        format!(
            "governor's limiter has another quota: a burst of {} and a token every {interval} ns, where the quota \
             says {} and {ours} ns",
            governed.burst_size(),
            rate.burst(),
        ),
    ))
}

impl fmt::Debug for GovernorStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernorStore").finish_non_exhaustive()
    }
}
