#![doc = include_str!("../README.md")]

#[cfg(feature = "alloc")]
pub mod alloc;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "probe")]
pub mod probe;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod process;
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresServer, TestDatabase};
#[cfg(feature = "proxy")]
pub use proxy::{Direction, Passage, Proxy};
#[cfg(feature = "redis")]
pub use redis::{RedisCluster, RedisSentinel, RedisServer};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteFile;
