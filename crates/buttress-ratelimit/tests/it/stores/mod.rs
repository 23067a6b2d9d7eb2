//! Every store against the conformance suite, and what is special of it.

#[cfg(feature = "governor")]
mod governor;
mod memory;
#[cfg(feature = "redis")]
mod processes;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis-cluster")]
mod redis_cluster;
#[cfg(feature = "redis-cluster")]
mod redis_cluster_changes;
#[cfg(feature = "redis")]
mod redis_connection;
#[cfg(feature = "redis")]
mod redis_failing;
#[cfg(feature = "redis")]
mod redis_outages;
#[cfg(feature = "redis-sentinel")]
mod redis_sentinel;
