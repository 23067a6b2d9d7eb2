//! The public API.

mod auto_traits;
mod client_ip;
mod keys;
mod limiter;
mod memory;
mod replacing;
mod time;
mod window;
