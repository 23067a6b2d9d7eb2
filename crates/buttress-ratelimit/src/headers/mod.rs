//! The only place that spells a header.

mod capacity;
mod fields;
mod format;
#[cfg(feature = "partition-keys")]
mod partition;
mod policies;
mod report;
mod text;
#[cfg(not(feature = "partition-keys"))]
mod without_partition;

use std::time::Duration;

use http::{HeaderMap, HeaderName, header::RETRY_AFTER};

#[cfg(feature = "partition-keys")]
pub(crate) use self::partition::PartitionKeys;
#[cfg(not(feature = "partition-keys"))]
pub(crate) use self::without_partition::PartitionKeys;
pub(crate) use self::{
    capacity::{Capacity, Occupancy},
    format::Formats,
    policies::{Policies, PolicyCache},
    report::Report,
};
pub use self::{
    fields::RateLimitHeaders,
    format::{HeaderFormat, ResetForm},
};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Whose buckets an answer tells of, for those who know nothing of them: as many bytes as need no padding in base64, and
/// enough that no two are the same by chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartitionKey([u8; 12]);

/// Seconds as headers have them, whole ones: rounded up, so that who waits does not come too early.
pub(crate) fn ceil_seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// How long the answer tells the client to wait, if it does: 0 when it is not said in seconds, but as a date.
fn told_to_wait(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(RETRY_AFTER)?;
    let seconds = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(seconds.unwrap_or(0))
}
