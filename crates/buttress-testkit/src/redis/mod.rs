//! Private Redis servers: one alone, a cluster, and a master that Sentinel watches.

mod cluster;
mod sentinel;
mod server;
mod wire;

pub use cluster::RedisCluster;
pub use sentinel::RedisSentinel;
pub use server::RedisServer;

use std::net::SocketAddr;

use crate::process::Supervised;

/// Looks until the server at the address says of itself what is wanted of it.
fn wait(
    what: &str,
    server: &Supervised,
    address: SocketAddr,
    command: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), String> {
    server
        .wait_until(|| wire::ask(address, command).is_ok_and(|answer| wanted(&answer)))
        .map_err(|failure| format!("{what}: {failure}; its log:\n{}", server.log()))
}

/// Sends a command that has to succeed.
fn tell(address: SocketAddr, command: &str) -> Result<String, String> {
    wire::ask(address, command).map_err(|error| format!("redis-server: `{command}`: {error}"))
}
