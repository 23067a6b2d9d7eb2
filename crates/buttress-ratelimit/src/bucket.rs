//! The rules of a bucket: values and the time in, values out.
//!
//! This is the generic cell rate algorithm (ITU-T I.371, annex A) in its form of virtual scheduling, in whole nanoseconds. All that is kept of a bucket is
//! when it will be full again; how far that lies ahead says how much is missing. So a bucket that is full is the same
//! as one that was never seen, and none needs to be filled by a clock.

/// A bucket takes at most about 146 years to fill. So sums of a time and of what is missing never overflow.
pub(crate) const MAX_NANOS: u64 = 1 << 62;

/// How a bucket fills, and how much it holds.
///
/// A store keeps for each bucket how many nanoseconds it takes until it is full, and computes with what this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Rounded up, so that a bucket never fills faster than promised.
    interval: u64,
    burst: u32,
    debt: u32,
}

impl Rate {
    /// `None` when it allows nothing, or takes too long to fill.
    pub(crate) fn new(count: u32, period_nanos: u128, burst: u32, debt: u32) -> Option<Self> {
        if count == 0 || burst == 0 || period_nanos == 0 {
            return None;
        }
        let interval = u64::try_from(period_nanos.div_ceil(u128::from(count))).ok()?;
        let deepest = interval.checked_mul(u64::from(burst) + u64::from(debt))?;
        (deepest <= MAX_NANOS).then_some(Self {
            interval,
            burst,
            debt,
        })
    }

    /// How long one token takes, in nanoseconds.
    #[must_use]
    pub fn interval(&self) -> u64 {
        self.interval
    }

    /// How many tokens a full bucket has.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// How long an empty bucket takes to fill, in nanoseconds. As much may be missing at most of a bucket that a
    /// charge is taken from.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> u64 {
        self.interval * u64::from(self.burst)
    }

    /// How much may be missing at most, in nanoseconds: an empty bucket and the debt that is allowed. What a store
    /// reads beyond it was written before its clock was set back, or under another quota.
    #[must_use]
    #[inline]
    pub fn deepest(&self) -> u64 {
        self.interval * (u64::from(self.burst) + u64::from(self.debt))
    }

    /// What a cost of this many tokens takes, in nanoseconds.
    #[must_use]
    #[inline]
    pub fn price(&self, cost: u32) -> u64 {
        // A cost is at most what a full bucket has.
        self.interval.saturating_mul(u64::from(cost))
    }

    /// What is missing now of a bucket that will be full at this time, in nanoseconds, and no more than the
    /// [deepest](Self::deepest).
    #[must_use]
    #[inline]
    pub fn missing(&self, full_at: u64, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.deepest())
    }

    /// How many charges of this cost it can pay at once, of a bucket of which this much is missing.
    #[inline]
    pub(crate) fn affords(&self, missing: u64, cost: u32, count: u32) -> u32 {
        let Some(left) = self.capacity().checked_sub(missing) else {
            // In debt, even what costs nothing is not refused: it asks how things stand.
            return if cost == 0 { count } else { 0 };
        };
        match self.price(cost) {
            0 => count,
            // What nearly everybody asks needs no division, which takes as long as all the rest of a decision.
            price if count <= 1 => u32::from(price <= left && count == 1),
            price => u32::try_from(left / price).unwrap_or(u32::MAX).min(count),
        }
    }

    /// What is missing after this many charges that it could pay.
    #[inline]
    pub(crate) fn charged(&self, missing: u64, cost: u32, count: u32) -> u64 {
        missing.saturating_add(self.price(cost).saturating_mul(u64::from(count)))
    }

    /// What is missing after tokens were taken, or given back when the number is negative. No bucket is fuller than
    /// full, and none has more debt than it may.
    #[must_use]
    pub fn adjusted(&self, missing: u64, by: i64) -> u64 {
        let change = self.interval.saturating_mul(by.unsigned_abs());
        match by < 0 {
            true => missing.saturating_sub(change),
            false => missing.saturating_add(change).min(self.deepest()),
        }
    }

    /// What is missing of a bucket that has this many tokens.
    pub(crate) fn missing_with(&self, tokens: u32) -> u64 {
        self.price(self.burst.saturating_sub(tokens))
    }

    /// How many whole tokens there are.
    pub(crate) fn remaining(&self, missing: u64) -> u32 {
        let left = self.capacity().saturating_sub(missing);
        u32::try_from(left / self.interval).unwrap_or(self.burst)
    }

    /// How long it takes until this cost can be paid, in nanoseconds.
    pub(crate) fn wait(&self, missing: u64, cost: u32) -> u64 {
        self.charged(missing, cost, 1)
            .saturating_sub(self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u128 = 1_000_000_000;

    fn rate(count: u32, period: u128, burst: u32) -> Rate {
        Rate::new(count, period, burst, 0).expect("a rate")
    }

    #[test]
    fn a_rate_is_never_rounded_up() {
        for count in [3, 7, 3_000_000, 300_000_000, 700_000_000] {
            let rate = rate(count, SECOND, 1);
            assert!(
                u128::from(rate.interval()) * u128::from(count) >= SECOND,
                "{count}"
            );
            assert!(
                u128::from(rate.interval() - 1) * u128::from(count) < SECOND,
                "{count}"
            );
        }
    }

    #[test]
    fn what_allows_nothing_or_takes_for_ever_is_no_rate() {
        let year = 365 * 24 * 3600 * SECOND;
        assert_eq!(Rate::new(0, SECOND, 1, 0), None);
        assert_eq!(Rate::new(1, 0, 1, 0), None);
        assert_eq!(Rate::new(1, SECOND, 0, 0), None);
        assert_eq!(Rate::new(1, year, u32::MAX, 0), None);
        assert_eq!(Rate::new(1, u128::MAX, 1, 0), None);
        assert_eq!(Rate::new(1, year, 100, 100), None);
        assert!(Rate::new(1, year, 100, 0).is_some());
        assert!(Rate::new(u32::MAX, year, u32::MAX, u32::MAX).is_some());
        assert!(Rate::new(1, 24 * 3600 * SECOND, 1_000_000, 0).is_none());
    }

    #[test]
    fn a_bucket_that_is_charged_fills_again() {
        let rate = rate(10, SECOND, 20);
        assert_eq!(rate.affords(0, 1, u32::MAX), 20);
        assert_eq!(rate.affords(0, 7, u32::MAX), 2);
        let missing = rate.charged(0, 1, 20);
        assert_eq!(
            (rate.remaining(missing), rate.affords(missing, 1, 1)),
            (0, 0)
        );
        assert_eq!(rate.wait(missing, 1), 100_000_000);
        assert_eq!(rate.affords(missing - 99_999_999, 1, 1), 0);
        assert_eq!(rate.affords(missing - 100_000_000, 1, 1), 1);
        assert_eq!(rate.missing(missing, missing), 0);
    }

    #[test]
    fn what_lies_too_far_ahead_is_an_empty_bucket_and_its_debt() {
        let plain = rate(10, SECOND, 20);
        assert_eq!(plain.missing(u64::MAX, 5), plain.capacity());
        let debt = Rate::new(10, SECOND, 20, 30).expect("a rate");
        assert_eq!(debt.missing(u64::MAX, 5), 5_000_000_000);
        assert_eq!(debt.adjusted(debt.capacity(), 5), 2_500_000_000);
        assert_eq!(debt.adjusted(debt.capacity(), 500), debt.deepest());
        assert_eq!(debt.wait(debt.deepest(), 1), 3_100_000_000);
        assert_eq!(debt.remaining(debt.deepest()), 0);
        assert_eq!(debt.affords(debt.deepest(), 0, 3), 3);
        assert_eq!(debt.adjusted(debt.deepest(), -1_000), 0);
    }

    proptest! {
        #[test]
        fn the_whole_domain_neither_wraps_nor_promises_too_much(
            count in 1..=u32::MAX, period in 1..=u64::MAX, burst in 1..=u32::MAX, debt in 0..=u32::MAX,
            full_at: u64, now in 0..=MAX_NANOS, cost: u32, charges in 1..=u32::MAX, by: i64,
        ) {
            let Some(rate) = Rate::new(count, u128::from(period), burst, debt) else {
                return Ok(());
            };
            let missing = rate.missing(full_at, now);
            prop_assert!(missing <= rate.deepest());
            let granted = rate.affords(missing, cost, charges);
            prop_assert!(granted <= charges);
            if cost > 0 && granted > 0 {
                let after = rate.charged(missing, cost, granted);
                prop_assert!(after <= rate.capacity());
                if granted < charges {
                    // One more would have been too much.
                    prop_assert!(rate.charged(after, cost, 1) > rate.capacity());
                }
                let spent = u64::from(cost) * u64::from(granted);
                prop_assert!(u64::from(rate.remaining(missing)) >= spent);
            }
            if cost > 0 && cost <= burst && granted == 0 {
                let wait = rate.wait(missing, cost);
                prop_assert!(wait > 0 && wait <= missing);
                prop_assert_eq!(rate.affords(missing - wait, cost, 1), 1);
                prop_assert_eq!(rate.affords(missing - (wait - 1), cost, 1), 0);
            }
            prop_assert!(rate.adjusted(missing, by) <= rate.deepest());
            prop_assert!(rate.remaining(missing) <= rate.burst());
            prop_assert_eq!(rate.remaining(rate.missing_with(cost)), cost.min(rate.burst()));
        }
    }
}
