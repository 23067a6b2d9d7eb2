//! Counts: the only place that names a metric. Without the feature `metrics` nothing is counted, and nothing is left
//! of it.

#[cfg(feature = "metrics")]
mod counters;
#[cfg(feature = "metrics")]
mod sessions;
#[cfg(not(feature = "metrics"))]
mod without;

#[cfg(feature = "metrics")]
pub(crate) use self::counters::{memory_hit, memory_miss, request_refused};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::without::{memory_hit, memory_miss, request_refused};
#[cfg(feature = "metrics")]
pub use self::{counters::describe_metrics, sessions::SessionMetrics};
