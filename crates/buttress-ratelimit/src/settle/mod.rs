//! What a request has cost in the end, when that is known only after it was let in.

mod reservation;
mod settling;

use std::{fmt, sync::Arc};

use http::response::Parts;
use tokio::runtime::Handle;

pub use self::reservation::Reservation;
pub(crate) use self::settling::Settling;
use crate::{Basis, Decision, Key, RateLimiter};

/// What a request has cost in the end: for quotas on failures, on bytes, or on anything else that only the answer knows.
///
/// The [cost](crate::RateLimitLayer::with_cost) of the request is reserved when it comes, so that requests that run at
/// once cannot exceed the quota together. When the answer is known, or has been sent, what was reserved too much is
/// put back. What was reserved too little is taken as well, from a bucket that has too few as far as its
/// [debt](crate::Quota::debt) goes: a quota without debt forgives the rest. The answer tells how things stood
/// before that.
///
/// A request that is cancelled before its answer is known, because its client has hung up or the service behind has failed, has cost what was
/// reserved: whoever could get it back by hanging up would have as many attempts as they like.
/// [`with_cancelled`](Self::with_cancelled) says otherwise. A body that is cancelled has cost what was sent of it.
///
/// What was reserved while the store had failed stays so: it was not taken there. A request that is cancelled while the store is
/// asked may have cost what was to be reserved.
///
/// With a store outside of the process, the settling is a task of its own, which needs a Tokio runtime and ends
/// with it: what it did not come to stays reserved.
///
/// Logins that fail, 5 in 15 minutes for each address; others cost nothing:
///
/// ```
/// use std::time::Duration;
/// use buttress_ratelimit::{Quota, RateLimitLayer, RateLimiter, Settle};
/// use http::StatusCode;
///
/// let failures = RateLimiter::in_process([Quota::per(5, Duration::from_secs(900)).named("failed-logins")])?;
/// let layer = RateLimitLayer::new(failures)
///     .with_settle(Settle::by_answer(|parts| u32::from(parts.status == StatusCode::UNAUTHORIZED)));
/// # Ok::<(), buttress_ratelimit::Error>(())
/// ```
///
/// 10 MB of answers in a minute, reckoned in kilobytes, 64 of which a request is thought to need:
///
/// ```
/// # use buttress_ratelimit::{Quota, RateLimitLayer, RateLimiter, Settle};
/// let kilobytes = RateLimiter::in_process([Quota::per_minute(10_000).debt(10_000).named("kilobytes")])?;
/// let layer = RateLimitLayer::new(kilobytes)
///     .with_cost(|_| 64)
///     .with_settle(Settle::by_body(|bytes| u32::try_from(bytes / 1_000).unwrap_or(u32::MAX)));
/// # Ok::<(), buttress_ratelimit::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Settle {
    when: When,
    cancelled: Option<u32>,
}

#[derive(Clone)]
enum When {
    Answer(Arc<dyn Fn(&Parts) -> u32 + Send + Sync>),
    Body(Arc<dyn Fn(u64) -> u32 + Send + Sync>),
}

impl Settle {
    /// As the status, the header fields and the extensions of the answer say, when they are there.
    pub fn by_answer(cost: impl Fn(&Parts) -> u32 + Send + Sync + 'static) -> Self {
        Self::new(When::Answer(Arc::new(cost)))
    }

    /// As the number of bytes of the answer's body says, when the body has been sent or is dropped.
    pub fn by_body(cost: impl Fn(u64) -> u32 + Send + Sync + 'static) -> Self {
        Self::new(When::Body(Arc::new(cost)))
    }

    fn new(when: When) -> Self {
        let cancelled = None;
        Self { when, cancelled }
    }

    /// What a request has cost that is cancelled before its answer is known: as much as was reserved by default.
    pub fn with_cancelled(mut self, cost: u32) -> Self {
        self.cancelled = Some(cost);
        self
    }
}

impl fmt::Debug for Settle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Answer(_) => "by_answer",
            When::Body(_) => "by_body",
        };
        f.debug_struct("Settle")
            .field("when", &when)
            .field("cancelled", &self.cancelled)
            .finish()
    }
}

/// What was taken, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserved {
    tokens: u32,
    basis: Basis,
}

impl Reserved {
    /// For a decision that allowed it.
    pub(crate) fn of(decision: &Decision) -> Self {
        let basis = decision.basis();
        let tokens = match basis {
            Basis::Nothing => 0,
            Basis::Store | Basis::Local => decision.cost(),
        };
        Self { tokens, basis }
    }

    /// What is still to be taken, or to be put back when it is negative. Nothing is put back into a store that it was not
    /// taken from.
    fn difference(self, actual: u32) -> i64 {
        let difference = i64::from(actual) - i64::from(self.tokens);
        match self.basis {
            Basis::Local => difference.max(0),
            Basis::Store | Basis::Nothing => difference,
        }
    }
}

/// At once if that is possible, and in a task of its own otherwise.
fn settle_in_passing(limiter: &RateLimiter, key: &Key, by: i64) {
    if by == 0 || limiter.adjust_now(key, by) {
        return;
    }
    let (limiter, key) = (limiter.clone(), key.clone());
    let settled = async move {
        if let Err(error) = limiter.adjust(&key, by).await {
            tracing::debug!(target: "buttress_ratelimit::settle", %error, "what was reserved stays so");
        }
    };
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(settled)),
        Err(_) => {
            tracing::warn!(
                target: "buttress_ratelimit::settle",
                "what was reserved stays so: it is settled outside of a Tokio runtime, and the buckets are not in this process"
            );
        }
    }
}
