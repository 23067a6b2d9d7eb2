//! The public API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auto_traits;
mod cases;
mod client_ip;
mod coalescing;
mod concurrency;
mod contract;
mod failing;
mod fake_store;
#[cfg(feature = "governor")]
mod governor;
mod headers;
mod keys;
mod layer;
mod layer_axum;
mod layer_tonic;
mod leases;
mod limiter;
mod log;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "partition-keys")]
mod partition_keys;
mod refusals;
mod replacing;
mod settle;
#[cfg(feature = "testing")]
mod stores;
mod support;
mod time;
mod waiting;
mod window;
