use std::time::Duration;

use async_trait::async_trait;
use buttress_ratelimit::{
    Quota, RateLimiter, RedisStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::RedisServer;
use redis::Client;

use crate::time::Time;

/// A slow machine is no failure of a store.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn store(client: Client, prefix: &str) -> RedisStore {
    RedisStore::new(client, "it")
        .and_then(|store| store.with_prefix(prefix))
        .and_then(|store| store.with_timeout(PATIENCE))
        .expect("a store")
}

struct Redis {
    server: &'static RedisServer,
    prefix: String,
    time: Time,
}

#[async_trait]
impl StoreHarness for Redis {
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
        let client = Client::open(self.server.url()).expect("a client");
        let store = store(client, &self.prefix).with_clock(self.time.clock());
        RateLimiter::with_store(store, quotas).expect("quotas")
    }

    async fn advance(&self, by: Duration) {
        self.time.pass(by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let server = RedisServer::shared().await;
    let prefix = server.key_prefix();
    let time = Time::new();
    check_store(Redis {
        server,
        prefix,
        time,
    })
    .await;
}
