//! The Redis store on a cluster of three masters.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKeyStore, RedisApiKeyStore,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};
use buttress_testkit::RedisCluster;
use redis::{Client, cluster::ClusterClient};

use super::redis::let_time_pass;

struct Cluster {
    servers: &'static RedisCluster,
    prefix: String,
}

#[async_trait]
impl ApiKeyStoreHarness for Cluster {
    async fn store(&self) -> Arc<dyn ApiKeyStore> {
        let store = store_on(self.servers).with_prefix(&self.prefix);
        Arc::new(store.expect("a prefix"))
    }

    async fn advance(&self, by: Duration) {
        for url in self.servers.urls() {
            let node = Client::open(url).expect("a client");
            let_time_pass(&node, &self.prefix, by).await;
        }
    }
}

fn store_on(cluster: &RedisCluster) -> RedisApiKeyStore {
    RedisApiKeyStore::new(ClusterClient::new(cluster.urls()).expect("a client"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let servers = RedisCluster::shared().await;
    let prefix = servers.key_prefix();
    check_api_key_store(Cluster { servers, prefix }).await;
}
