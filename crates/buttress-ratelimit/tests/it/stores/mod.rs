//! Every store against the conformance suite.

#[cfg(feature = "governor")]
mod governor;
mod memory;
#[cfg(feature = "redis")]
mod redis;
