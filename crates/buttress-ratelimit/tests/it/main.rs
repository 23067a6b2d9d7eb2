//! The public API.

mod auto_traits;
mod keys;
mod limiter;
mod memory;
mod replacing;
mod time;
mod window;
