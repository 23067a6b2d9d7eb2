//! The public API.

mod auto_traits;
mod client_ip;
mod concurrency;
mod contract;
#[cfg(feature = "governor")]
mod governor;
mod headers;
mod keys;
mod layer;
mod layer_axum;
mod limiter;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod replacing;
mod settle;
#[cfg(feature = "testing")]
mod stores;
mod support;
mod time;
mod window;
