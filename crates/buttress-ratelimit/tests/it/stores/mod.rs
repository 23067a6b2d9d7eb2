//! Every store against the conformance suite.

mod memory;
#[cfg(feature = "redis")]
mod redis;
