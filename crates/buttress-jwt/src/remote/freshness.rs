//! For how long keys are used, when they are asked for again, and when that is in vain.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{
    HeaderMap,
    header::{AGE, CACHE_CONTROL},
};

use crate::schedule::delta;

const MIN_LIFETIME: u64 = 60;
const MAX_LIFETIME: u64 = 24 * 3600;
const DEFAULT_LIFETIME: u64 = 600;

/// For how long an answer is fresh (RFC 9111, section 4.2), within bounds: no server can make itself be asked all
/// the time, nor keep a key alive for ever.
pub(super) fn lifetime(headers: &HeaderMap) -> Duration {
    let age = headers
        .get(AGE)
        .and_then(|value| seconds(value.to_str().ok()?))
        .unwrap_or(0);
    let seconds = max_age(headers).unwrap_or(DEFAULT_LIFETIME);
    Duration::from_secs(
        seconds
            .saturating_sub(age)
            .clamp(MIN_LIFETIME, MAX_LIFETIME),
    )
}

/// The shortest time that is named.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|directive| {
            let (name, value) = match directive.split_once('=') {
                Some((name, value)) => (name.trim(), value.trim()),
                None => (directive.trim(), ""),
            };
            if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
                return Some(0);
            }
            if name.eq_ignore_ascii_case("max-age") {
                return seconds(value.trim_matches('"'));
            }
            None
        })
        .min()
}

/// Digits only; more of them than a number has room for are very many seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The times of a set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// When the last attempt has ended. A clock that shows an earlier time was set back.
    asked_at: DateTime<Utc>,
    /// From then on the set is asked for again.
    refresh_at: DateTime<Utc>,
    /// From then on it is used only because another one could not be had.
    expires_at: DateTime<Utc>,
    /// From then on it is not used any more.
    ends_at: DateTime<Utc>,
    /// If the last attempt to get another one has failed: until when that tells what the next one would come to.
    failed_until: Option<DateTime<Utc>>,
}

/// What a set of keys is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Fresh,
    /// It is used, and it is time to ask for another one.
    Due,
    /// It is not used before another one was asked for.
    Unusable,
}

impl Times {
    /// Of a set that was got now. `random` says where in a tenth of its lifetime it is asked for again, so that
    /// processes which began together do not ask together.
    pub(super) fn new(
        now: DateTime<Utc>,
        lifetime: Duration,
        max_stale: Duration,
        random: u8,
    ) -> Self {
        let refresh = lifetime.mul_f64(0.75 + 0.1 * f64::from(random) / 255.0);
        let after = |duration| {
            now.checked_add_signed(delta(duration))
                .unwrap_or(DateTime::<Utc>::MAX_UTC)
        };
        Self {
            asked_at: now,
            refresh_at: after(refresh),
            expires_at: after(lifetime),
            ends_at: after(lifetime + max_stale),
            failed_until: None,
        }
    }

    /// After an attempt that has failed now: another one is made at `retry_at`, and from `until` on nothing is known any
    /// more of what can be had.
    pub(super) fn failed(
        &self,
        now: DateTime<Utc>,
        retry_at: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Self {
        // By a clock that was set back, the set ends earlier too.
        let set_back = (self.asked_at - now).max(TimeDelta::zero());
        let shifted = |time: DateTime<Utc>| {
            time.checked_sub_signed(set_back)
                .unwrap_or(DateTime::<Utc>::MIN_UTC)
        };
        Self {
            asked_at: now,
            refresh_at: retry_at,
            expires_at: shifted(self.expires_at),
            ends_at: shifted(self.ends_at),
            failed_until: Some(until),
        }
    }

    pub(super) fn phase(&self, now: DateTime<Utc>) -> Phase {
        // A clock that was set back must not keep a set alive.
        let is_set_back = now < self.asked_at;
        let is_failing = !is_set_back && self.failed_until.is_some_and(|until| now < until);
        if now >= self.ends_at || (now >= self.expires_at && !is_failing) {
            Phase::Unusable
        } else if now >= self.refresh_at || is_set_back {
            Phase::Due
        } else {
            Phase::Fresh
        }
    }

    /// Whether the last attempt has failed, however long ago.
    pub(super) fn failing(&self) -> bool {
        self.failed_until.is_some()
    }

    pub(super) fn ends_at(&self) -> DateTime<Utc> {
        self.ends_at
    }
}

/// Whether it is too early to do again what was done then. A clock that was set back forgets.
pub(super) fn is_cooling(since: Option<DateTime<Utc>>, now: DateTime<Utc>, for_: Duration) -> bool {
    since.is_some_and(|since| now >= since && now.signed_duration_since(since) < delta(for_))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(fields: &[(&'static str, &'static str)]) -> u64 {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        lifetime(&headers).as_secs()
    }

    #[test]
    fn lifetimes_are_bounded() {
        for (value, seconds) in [
            ("max-age=300", 300),
            ("public, max-age=300, must-revalidate", 300),
            ("Max-Age = \"300\"", 300),
            ("max-age=300, max-age=200", 200),
            ("max-age=59", 60),
            ("max-age=0", 60),
            ("no-store", 60),
            ("no-cache, max-age=300", 60),
            ("max-age=86400", 86400),
            ("max-age=86401", 86400),
            ("max-age=99999999999999999999999", 86400),
            ("max-age=-1", 600),
            ("max-age=+300", 600),
            ("max-age=3e2", 600),
            ("max-age", 600),
            ("max-age=", 600),
            ("s-maxage=300", 600),
            ("xmax-age=300", 600),
            ("", 600),
        ] {
            assert_eq!(of(&[("cache-control", value)]), seconds, "{value}");
        }
        assert_eq!(of(&[]), 600);
        let two = [("cache-control", "public"), ("cache-control", "max-age=70")];
        assert_eq!(of(&two), 70);
        let age = |age| of(&[("cache-control", "max-age=300"), ("age", age)]);
        assert_eq!(
            (age("100"), age("299"), age("1000"), age("-5")),
            (200, 60, 60, 300)
        );
    }

    #[test]
    fn a_set_goes_through_its_phases() {
        let at =
            |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time");
        let (lifetime, stale) = (Duration::from_secs(1000), Duration::from_secs(500));
        let early = Times::new(at(0), lifetime, stale, 0);
        let late = Times::new(at(0), lifetime, stale, 255);
        assert_eq!(early.phase(at(749)), Phase::Fresh);
        assert_eq!(early.phase(at(750)), Phase::Due);
        assert_eq!(late.phase(at(849)), Phase::Fresh);
        assert_eq!(late.phase(at(850)), Phase::Due);
        assert_eq!(late.phase(at(999)), Phase::Due);
        assert_eq!(late.phase(at(1000)), Phase::Unusable);
        assert_eq!(late.phase(at(-1)), Phase::Due);

        let failed = |times: &Times, now| times.failed(at(now), at(now + 30), at(now + 60));
        let once = failed(&late, 990);
        assert_eq!(once.phase(at(1019)), Phase::Fresh);
        assert_eq!(once.phase(at(1020)), Phase::Due);
        assert_eq!(once.phase(at(1049)), Phase::Due);
        assert_eq!(once.phase(at(1050)), Phase::Unusable);
        assert_eq!(failed(&late, 900).phase(at(999)), Phase::Due);
        let last = failed(&once, 1490);
        assert_eq!(last.phase(at(1499)), Phase::Fresh);
        assert_eq!(last.phase(at(1500)), Phase::Unusable);
        // Set back, first before the set is over, then behind that.
        assert_eq!(last.phase(at(999)), Phase::Due);
        assert_eq!(last.phase(at(1000)), Phase::Unusable);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_a_set_no_more_time() {
        let at =
            |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time");
        let (lifetime, stale) = (Duration::from_secs(1000), Duration::from_secs(500));
        let times = Times::new(at(0), lifetime, stale, 0);
        let failed = |times: &Times, now| times.failed(at(now), at(now + 30), at(now + 60));
        // 1400 of its 1500 seconds are over, whatever the clock says then.
        let old = failed(&times, 1400);
        let moved = failed(&old, -5000);
        assert_eq!(moved.ends_at(), at(-4900));
        assert_eq!(moved.phase(at(-4941)), Phase::Due);
        let last = failed(&moved, -4941);
        assert_eq!(last.phase(at(-4901)), Phase::Due);
        assert_eq!(last.phase(at(-4900)), Phase::Unusable);
        assert_eq!(failed(&times, 1400), failed(&failed(&times, 700), 1400));
    }

    #[test]
    fn cooling_ends() {
        let at =
            |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time");
        let half_a_minute = Duration::from_secs(30);
        assert!(!is_cooling(None, at(0), half_a_minute));
        assert!(is_cooling(Some(at(0)), at(0), half_a_minute));
        assert!(is_cooling(Some(at(0)), at(29), half_a_minute));
        assert!(!is_cooling(Some(at(0)), at(30), half_a_minute));
        assert!(!is_cooling(Some(at(0)), at(-1), half_a_minute));
    }
}
