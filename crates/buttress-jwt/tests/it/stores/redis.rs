use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    RedisRefreshStore, RefreshStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::RedisServer;
use redis::{Client, Script};

struct Redis {
    server: &'static RedisServer,
    prefix: String,
}

impl Redis {
    async fn new() -> Self {
        let server = RedisServer::shared().await;
        let prefix = server.key_prefix();
        Self { server, prefix }
    }

    fn client(&self) -> Client {
        Client::open(self.server.url()).expect("a client")
    }
}

#[async_trait]
impl StoreHarness for Redis {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        let store = RedisRefreshStore::new(self.client()).with_prefix(&self.prefix);
        Arc::new(store.expect("a prefix"))
    }

    /// The clock of a server cannot be set: what is kept gets older instead.
    async fn advance(&self, by: Duration) {
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        let by = i64::try_from(by.as_millis()).expect("a short time");
        let () = Script::new(AGE)
            .arg(&self.prefix)
            .arg(-by)
            .invoke_async(&mut connection)
            .await
            .expect("older sessions");
    }
}

const AGE: &str = "
    for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
        if not string.find(key, '}:of:', 1, true) then
            for _, field in ipairs({'started_at', 'last_used_at', 'ends_at', 'rotated_at', 'ended_at'}) do
                if redis.call('HEXISTS', key, field) == 1 then
                    redis.call('HINCRBY', key, field, ARGV[2])
                end
            end
        end
    end
";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Redis::new().await).await;
}
