//! For how long keys are used, when they are asked for again, and when that is in vain.

use std::time::Duration;

use chrono::{DateTime, Utc};
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
    fetched_at: DateTime<Utc>,
    /// From then on the set is asked for again.
    refresh_at: DateTime<Utc>,
    /// From then on it is used only because another one could not be had.
    expires_at: DateTime<Utc>,
    /// From then on it is not used any more.
    ends_at: DateTime<Utc>,
    /// Whether the last attempt to get another one has failed.
    failing: bool,
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
            fetched_at: now,
            refresh_at: after(refresh),
            expires_at: after(lifetime),
            ends_at: after(lifetime + max_stale),
            failing: false,
        }
    }

    /// After an attempt that failed: another one is made at `retry_at`.
    pub(super) fn failed(&self, retry_at: DateTime<Utc>) -> Self {
        Self {
            refresh_at: retry_at,
            failing: true,
            ..self.clone()
        }
    }

    pub(super) fn phase(&self, now: DateTime<Utc>) -> Phase {
        if now >= self.ends_at || (now >= self.expires_at && !self.failing) {
            Phase::Unusable
        } else if now >= self.refresh_at || now < self.fetched_at {
            // A clock that was set back must not keep a set alive.
            Phase::Due
        } else {
            Phase::Fresh
        }
    }

    pub(super) fn failing(&self) -> bool {
        self.failing
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

        let failed = late.failed(at(900));
        assert_eq!(failed.phase(at(899)), Phase::Fresh);
        assert_eq!(failed.phase(at(900)), Phase::Due);
        assert_eq!(failed.phase(at(1499)), Phase::Due);
        assert_eq!(failed.failed(at(1530)).phase(at(1499)), Phase::Fresh);
        assert_eq!(failed.failed(at(1530)).phase(at(1500)), Phase::Unusable);
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
