use super::Reserved;
use crate::{Decision, Error, Key, RateLimiter};

/// Tokens that are taken for something whose cost is not known yet.
///
/// Dropped without having been settled, it has cost what was reserved.
///
/// ```
/// use buttress_ratelimit::{Key, Quota, RateLimiter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_ratelimit::Error> {
/// let tokens = RateLimiter::in_process([Quota::per_day(100_000).debt(20_000).named("tokens")])?;
/// let reservation = tokens.reserve(&Key::from("paul"), 4_000).await?;
/// if reservation.decision().is_allowed() {
///     let used = 1_700; // As the model says when it has answered.
///     reservation.settle(used).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a reservation that is dropped has cost what was reserved"]
pub struct Reservation {
    limiter: RateLimiter,
    key: Key,
    decision: Decision,
}

impl RateLimiter {
    /// A [`check`](Self::check) whose cost is settled later.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub async fn reserve(&self, key: &Key, cost: u32) -> Result<Reservation, Error> {
        // A clone, since a decision as it comes is for moments, and this may take longer.
        let decision = self.check(key, cost).await?.clone();
        Ok(Reservation {
            limiter: self.clone(),
            key: key.clone(),
            decision,
        })
    }
}

impl Reservation {
    /// Whether it was reserved, and how things stand after that.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Says what it has cost in the end: what was reserved too much is put back, and what was reserved too little is
    /// taken as well, as far as the [debt](crate::Quota::debt) goes. It does nothing when nothing was reserved, and
    /// nothing is put back that was reserved while the store had [failed](crate::Basis::Local).
    ///
    /// # Errors
    ///
    /// As [`refund`](RateLimiter::refund); what was reserved stays so then.
    pub async fn settle(self, actual: u32) -> Result<(), Error> {
        if !self.decision.is_allowed() {
            return Ok(());
        }
        match Reserved::of(&self.decision).difference(actual) {
            0 => Ok(()),
            by => self.limiter.adjust(&self.key, by).await,
        }
    }
}
