//! The public API.

mod auto_traits;
mod client_ip;
<<<<<<< HEAD
mod concurrency;
mod contract;
mod headers;
=======
#[cfg(feature = "governor")]
mod governor;
>>>>>>> f6bd36b (ratelimit: take the buckets of a limiter of governor)
mod keys;
mod layer;
mod layer_axum;
mod limiter;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod replacing;
mod settle;
mod support;
mod time;
mod window;
