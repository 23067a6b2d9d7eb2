//! Counts: the only place that names a metric. Without the feature `metrics` nothing is counted, and nothing is left
//! of it.

#[cfg(feature = "metrics")]
mod counters;
#[cfg(not(feature = "metrics"))]
mod without;

#[cfg(feature = "metrics")]
pub use self::counters::describe_metrics;
#[cfg(feature = "metrics")]
pub(crate) use self::counters::{
    COUNTED, QuotaCounters, decided_otherwise, request_undecided, store_failed,
};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::without::{
    COUNTED, QuotaCounters, decided_otherwise, request_undecided, store_failed,
};
