//! One connection for all, replaced when it breaks.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, RedisError, ScriptInvocation, aio::MultiplexedConnection,
};
use tokio::sync::Mutex;

use super::reply::Reply;
use crate::Error;

pub(crate) struct Shared {
    client: Client,
    timeout: Duration,
    current: Mutex<Current>,
}

/// The connection, and how many there have been: who finds it broken may have had the one before.
#[derive(Default)]
struct Current {
    count: u64,
    connection: Option<MultiplexedConnection>,
}

impl Shared {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self {
            client,
            timeout,
            current: Mutex::default(),
        }
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Self::new(self.client.clone(), timeout)
    }

    pub(crate) async fn call(&self, script: &ScriptInvocation<'_>) -> Result<Vec<Reply>, Error> {
        let (count, mut connection) = self.connection().await.map_err(Error::store)?;
        match script.invoke_async(&mut connection).await {
            Ok(replies) => Ok(replies),
            Err(error) => {
                if is_broken(&error) {
                    self.forget(count).await;
                }
                Err(Error::store(error))
            }
        }
    }

    /// The lock is held while connecting, so that a server that comes back is asked once, and not by all who
    /// wait for it.
    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &current.connection {
            return Ok((current.count, connection.clone()));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        current.count += 1;
        current.connection = Some(connection.clone());
        Ok((current.count, connection))
    }

    async fn forget(&self, count: u64) {
        let mut current = self.current.lock().await;
        if current.count == count {
            current.connection = None;
        }
    }
}

/// A connection that does not answer in time is as good as broken: what comes next would wait behind it.
fn is_broken(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_io_error()
}
