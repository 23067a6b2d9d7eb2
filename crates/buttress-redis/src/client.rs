use std::{fmt, time::Duration};

#[cfg(feature = "sentinel")]
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult, Value, aio::MultiplexedConnection};
#[cfg(feature = "cluster")]
use redis::{
    aio::ConnectionLike,
    cluster::{ClusterClient, ClusterConfig},
    cluster_async::ClusterConnection,
};
#[cfg(feature = "sentinel")]
use tokio::sync::Mutex;

/// The servers that a store is on: a single one, a cluster (feature `cluster`), or the master that Sentinel
/// names (feature `sentinel`).
///
/// It is made from the client of the crate `redis` for them, which knows their addresses, passwords and certificates.
/// A client of Sentinel has to ask for the master: of a replica nothing is taken, not even what it could be read for.
pub struct RedisClient(Servers);

enum Servers {
    Single(Client),
    #[cfg(feature = "cluster")]
    Cluster(Box<ClusterClient>),
    /// It keeps connections to the sentinels, and changes when it is asked.
    #[cfg(feature = "sentinel")]
    Sentinel(Box<Mutex<SentinelClient>>),
}

impl RedisClient {
    /// A new connection. No answer is waited for longer than the caller of [`Connection::ask`] waits.
    pub(crate) async fn connect(&self, timeout: Duration) -> RedisResult<Connection> {
        match &self.0 {
            Servers::Single(client) => client
                .get_multiplexed_async_connection_with_config(&config(timeout))
                .await
                .map(Connection::Single),
            #[cfg(feature = "cluster")]
            Servers::Cluster(client) => {
                // Each node has the time that all have, since a call may have to ask a second one.
                let config = ClusterConfig::new()
                    .set_connection_timeout(timeout)
                    .set_response_timeout(timeout);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(Connection::Cluster(connection))
            }
            #[cfg(feature = "sentinel")]
            Servers::Sentinel(client) => client
                .lock()
                .await
                .get_async_connection_with_config(&config(timeout))
                .await
                .map(Connection::Single),
        }
    }
}

impl RedisClient {
    pub(crate) fn has_slots(&self) -> bool {
        match &self.0 {
            Servers::Single(_) => false,
            #[cfg(feature = "cluster")]
            Servers::Cluster(_) => true,
            #[cfg(feature = "sentinel")]
            Servers::Sentinel(_) => false,
        }
    }
}

fn config(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(None)
}

impl From<Client> for RedisClient {
    fn from(client: Client) -> Self {
        Self(Servers::Single(client))
    }
}

#[cfg(feature = "cluster")]
impl From<ClusterClient> for RedisClient {
    fn from(client: ClusterClient) -> Self {
        Self(Servers::Cluster(Box::new(client)))
    }
}

#[cfg(feature = "sentinel")]
impl From<SentinelClient> for RedisClient {
    fn from(client: SentinelClient) -> Self {
        Self(Servers::Sentinel(Box::new(Mutex::new(client))))
    }
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = match &self.0 {
            Servers::Single(_) => "Single",
            #[cfg(feature = "cluster")]
            Servers::Cluster(_) => "Cluster",
            #[cfg(feature = "sentinel")]
            Servers::Sentinel(_) => "Sentinel",
        };
        f.debug_tuple("RedisClient").field(&servers).finish()
    }
}

/// A connection, the same one in all clones.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl Connection {
    pub(crate) async fn ask(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            // Not through the trait, which puts each future on the heap.
            Self::Single(connection) => connection.send_packed_command(command).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        };
        answer?.extract_error()
    }
}
