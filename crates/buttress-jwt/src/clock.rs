use std::{fmt, sync::Arc, time::SystemTime};

use chrono::{DateTime, Utc};

/// Where the time comes from: the clock of the machine, or one that a test moves.
///
/// Nothing else in this crate asks for the time.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use buttress_jwt::Clock;
///
/// let stopped = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let clock = Clock::new(move || stopped);
/// assert_eq!(clock.now().timestamp(), 1_700_000_000);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn system() -> Self {
        Self::new(SystemTime::now)
    }

    /// A clock that shows what the function returns.
    #[must_use]
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it shows.
    ///
    /// A time before 1970 is shown as 1970, and one that the calendar does not reach as its last day. At
    /// neither does a token pass: it was issued in the far future, or it has expired.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let Ok(since) = (self.0)().duration_since(SystemTime::UNIX_EPOCH) else {
            return DateTime::UNIX_EPOCH;
        };
        i64::try_from(since.as_secs())
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, since.subsec_nanos()))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_beyond_the_calendar_are_its_ends() {
        let before = Clock::new(|| SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(before.now(), DateTime::UNIX_EPOCH);
        let after = Clock::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 62));
        assert_eq!(after.now(), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn fractions_of_a_second_are_kept() {
        let clock = Clock::new(|| SystemTime::UNIX_EPOCH + Duration::new(7, 123_456_789));
        assert_eq!(
            clock.now(),
            DateTime::from_timestamp(7, 123_456_789).expect("a time")
        );
    }
}
