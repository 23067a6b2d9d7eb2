use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Error, ErrorKind,
    bucket::{MAX_NANOS, Rate},
};

/// How many requests are allowed in what time.
///
/// A quota is a bucket of tokens: full, it holds its [burst](Self::burst), each request takes out its cost, and it is
/// filled at the rate that the quota names. So in any time `w` at most `burst + w / interval` tokens are taken, where
/// the interval of a token is the period divided by the count, rounded up to a whole nanosecond.
///
/// What makes no sense is refused when a [`RateLimiter`](crate::RateLimiter) is made of it.
///
/// ```
/// use std::time::Duration;
/// use buttress_ratelimit::Quota;
///
/// let burst = Quota::per_second(10).burst(20).named("burst");
/// let sustained = Quota::per_hour(5_000).named("sustained");
/// let odd = Quota::per(3, Duration::from_millis(250));
/// assert_eq!((burst.name(), odd.name()), ("burst", "3-per-250ms"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    period: Duration,
    burst: u32,
    debt: u32,
    name: Arc<str>,
    shadow: bool,
}

impl Quota {
    /// This many in every second.
    #[must_use]
    pub fn per_second(count: u32) -> Self {
        Self::per(count, Duration::from_secs(1))
    }

    /// This many in every minute.
    #[must_use]
    pub fn per_minute(count: u32) -> Self {
        Self::per(count, Duration::from_secs(60))
    }

    /// This many in every hour.
    #[must_use]
    pub fn per_hour(count: u32) -> Self {
        Self::per(count, Duration::from_secs(3600))
    }

    /// This many in every 24 hours.
    #[must_use]
    pub fn per_day(count: u32) -> Self {
        Self::per(count, Duration::from_secs(24 * 3600))
    }

    /// This many in every period: `per(3, minute)` is three per minute, and never one per three minutes.
    #[must_use]
    pub fn per(count: u32, period: Duration) -> Self {
        Self {
            count,
            period,
            burst: count,
            debt: 0,
            name: name_of(count, period).into(),
            shadow: false,
        }
    }

    /// How many there may be at once after a time without any: as many as the count by default.
    #[must_use]
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// The name in headers, answers and metrics: by default what it allows, such as `10-per-1s`. It is 1 to 64
    /// printable ASCII characters, and no other quota of the limiter has it.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many tokens more than it has may be taken afterwards, when it turns out that more
    /// was spent ([`penalize`](crate::RateLimiter::penalize)): none by default, so that what exceeds an empty bucket is not charged.
    ///
    /// A bucket in debt refuses everything until the debt is paid, by time alone. No bucket is ever locked for longer
    /// than it takes to fill from the deepest debt, also when the clock of the store is set back.
    #[must_use]
    pub fn debt(mut self, debt: u32) -> Self {
        self.debt = debt;
        self
    }

    /// Decides and counts, and refuses nothing: to see what a quota would do before it does.
    #[must_use]
    pub fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// The name in headers, answers and metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many a full bucket holds.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.burst
    }

    /// Whether it refuses nothing.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// What is left of it for one of several processes that do not know of each other. It may go into debt by as much as
    /// the whole quota pays at once, which is more than a full bucket of it may hold, as far as that can be paid off at all.
    pub(crate) fn at_share(&self, share: f64) -> Self {
        // What comes out a hair too small by the rounding of products is not rounded down by a whole token.
        let part = |number: u32| (f64::from(number) * share + 1e-6).floor() as u32;
        let (count, period) = match part(self.count) {
            // Less than one in this period is one in a longer one.
            0 => {
                let longer = self.period.as_secs_f64() / (f64::from(self.count) * share);
                let period = Duration::try_from_secs_f64(longer).unwrap_or(Duration::MAX);
                (1, period)
            }
            count => (count, self.period),
        };
        let burst = part(self.burst).max(1);
        let interval = period.as_nanos().div_ceil(u128::from(count)).max(1);
        let room = (u128::from(MAX_NANOS) / interval).saturating_sub(u128::from(burst));
        let debt = self.debt.saturating_add(self.burst);
        Self {
            count,
            period,
            burst,
            debt: debt.min(u32::try_from(room).unwrap_or(u32::MAX)),
            name: Arc::clone(&self.name),
            shadow: self.shadow,
        }
    }

    /// The rate, if there is one.
    pub(crate) fn rate(&self) -> Result<Rate, Error> {
        let invalid = |reason: fmt::Arguments<'_>| {
            Error::new(
                ErrorKind::InvalidQuota,
                format!("the quota {:?} {reason}", self.name),
            )
        };
        if !is_name(&self.name) {
            return Err(invalid(format_args!(
                "has a name that is not 1 to 64 printable ASCII characters"
            )));
        }
        if self.count == 0 {
            return Err(invalid(format_args!(
                "allows nothing: its count is 0, and 1 to 4294967295 are allowed"
            )));
        }
        if self.burst == 0 {
            return Err(invalid(format_args!(
                "allows nothing: its burst is 0, and 1 to 4294967295 are allowed"
            )));
        }
        if self.period.is_zero() {
            return Err(invalid(format_args!(
                "has no rate: its period is 0, and at least a nanosecond is allowed"
            )));
        }
        Rate::new(self.count, self.period.as_nanos(), self.burst, self.debt).ok_or_else(|| {
            let years = self.period.as_secs_f64() / f64::from(self.count)
                * (f64::from(self.burst) + f64::from(self.debt))
                / (365.25 * 24.0 * 3600.0);
            invalid(format_args!(
                "takes {years:.0} years to fill its burst of {} and its debt of {}: at most 146 are allowed",
                self.burst, self.debt,
            ))
        })
    }
}

/// Whether headers can carry it.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn name_of(count: u32, period: Duration) -> String {
    format!("{count}-per-{period:?}").replace('µ', "u")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(quota: &Quota) -> String {
        let error = quota.rate().expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::InvalidQuota);
        error.to_string()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (quota, words) in [
            (Quota::per_second(0), ["\"0-per-1s\"", "count is 0"]),
            (
                Quota::per_second(5).burst(0),
                ["\"5-per-1s\"", "burst is 0"],
            ),
            (
                Quota::per(5, Duration::ZERO),
                ["\"5-per-0ns\"", "period is 0"],
            ),
            (
                Quota::per_day(1).burst(1_000_000).named("slow"),
                ["\"slow\"", "2738 years"],
            ),
            (
                Quota::per_day(1).burst(1).debt(u32::MAX),
                ["debt of 4294967295", "at most 146"],
            ),
            (Quota::per_second(1).named(""), ["\"\"", "1 to 64"]),
            (Quota::per_second(1).named("grün"), ["grün", "ASCII"]),
            (Quota::per_second(1).named("a\nb"), ["a\\nb", "ASCII"]),
            (
                Quota::per_second(1).named("x".repeat(65)),
                ["xxx", "1 to 64"],
            ),
        ] {
            let text = refused(&quota);
            for word in words {
                assert!(text.contains(word), "{text:?} does not say {word:?}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_domain_are_quotas() {
        let year = Duration::from_secs(365 * 24 * 3600);
        for quota in [
            Quota::per(u32::MAX, year).burst(u32::MAX),
            Quota::per(1, Duration::from_nanos(1)).burst(u32::MAX),
            Quota::per(u32::MAX, Duration::from_nanos(1)),
            Quota::per(1, year).burst(146),
            Quota::per_second(1).named("x".repeat(64)),
            Quota::per_second(1).named("quo\"te\\s"),
        ] {
            assert!(quota.rate().is_ok(), "{quota:?}");
        }
    }

    #[test]
    fn a_share_is_rounded_down_but_not_to_nothing() {
        let share = |quota: Quota, share: f64| {
            let part = quota.at_share(share);
            (part.count, part.period, part.burst)
        };
        let second = Duration::from_secs(1);
        assert_eq!(share(Quota::per_second(10), 1.0), (10, second, 10));
        let odd = Quota::per_second(10).burst(7);
        assert_eq!(share(odd, 0.25), (2, second, 1));
        // 100 × 0.29 is 28.999999999999996.
        assert_eq!(share(Quota::per_second(100), 0.29), (29, second, 29));
        assert_eq!(share(Quota::per_second(3), 1.0 / 3.0), (1, second, 1));
        // Four instances with one per day have one in four days each.
        let day = 24 * 3600 * second;
        assert_eq!(share(Quota::per_day(1), 0.25), (1, 4 * day, 1));
        assert_eq!(share(Quota::per_day(2), 0.25), (1, 2 * day, 1));
        let named = Quota::per_second(5).named("a").at_share(0.5);
        assert_eq!(named.name(), "a");
        assert!(
            Quota::per_day(1)
                .at_share(f64::MIN_POSITIVE)
                .rate()
                .is_err()
        );
    }

    #[test]
    fn a_share_owes_no_more_than_can_be_paid_off() {
        let year = Duration::from_secs(365 * 24 * 3600);
        let share = |quota: &Quota, share: f64| {
            let part = quota.at_share(share);
            part.rate().map(|_| (part.burst, part.debt))
        };
        let slow = Quota::per(1, year).burst(100).debt(40);
        assert!(slow.rate().is_ok());
        assert_eq!(share(&slow, 1.0).ok(), Some((100, 46)));
        // One in two years each.
        assert_eq!(share(&slow, 0.5).ok(), Some((50, 23)));
        assert_eq!(share(&Quota::per(1, 146 * year), 1.0).ok(), Some((1, 0)));
        assert_eq!(share(&Quota::per_second(10), 0.5).ok(), Some((5, 10)));
        let widest = Quota::per(u32::MAX, year);
        assert_eq!(share(&widest, 1.0).ok(), Some((u32::MAX, u32::MAX)));
    }

    #[test]
    fn names_say_what_is_allowed() {
        assert_eq!(Quota::per_second(10).name(), "10-per-1s");
        assert_eq!(Quota::per_hour(5_000).name(), "5000-per-3600s");
        let short = Quota::per(2, Duration::from_nanos(1_500));
        assert_eq!(short.name(), "2-per-1.5us");
        assert!(short.rate().is_ok());
    }
}
