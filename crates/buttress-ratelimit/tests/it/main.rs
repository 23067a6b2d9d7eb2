//! The public API.

mod auto_traits;
mod limiter;
mod memory;
mod replacing;
mod time;
mod window;
