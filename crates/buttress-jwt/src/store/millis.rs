//! Times and durations as the databases keep them: whole milliseconds.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Some 35 000 years. Beyond it, the sum of a time and a duration would leave what a double keeps exactly,
/// which is what a Redis script counts with.
const LONGEST: i64 = 1 << 50;

/// The last millisecond of the calendar.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) const LAST: i64 = DateTime::<Utc>::MAX_UTC.timestamp_millis();

pub(crate) fn from_duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST, |millis| millis.min(LONGEST))
}

pub(crate) fn to_duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

pub(crate) fn to_time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
