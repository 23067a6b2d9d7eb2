//! The Redis store on a cluster of three masters.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    RedisRefreshStore, RefreshStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::RedisCluster;
use redis::{Client, cluster::ClusterClient};

use super::{redis::let_time_pass, sessions};

struct Cluster {
    servers: &'static RedisCluster,
    prefix: String,
}

impl Cluster {
    async fn new() -> Self {
        let servers = RedisCluster::shared().await;
        let prefix = servers.key_prefix();
        Self { servers, prefix }
    }

    fn nodes(&self) -> impl Iterator<Item = Client> {
        let urls = self.servers.urls().into_iter();
        urls.map(|url| Client::open(url).expect("a client"))
    }
}

#[async_trait]
impl StoreHarness for Cluster {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        let client = ClusterClient::new(self.servers.urls()).expect("a client");
        let store = RedisRefreshStore::new(client).with_prefix(&self.prefix);
        Arc::new(store.expect("a prefix"))
    }

    async fn advance(&self, by: Duration) {
        for node in self.nodes() {
            let_time_pass(&node, &self.prefix, by).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Cluster::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_node_has_its_share() {
    let cluster = Cluster::new().await;
    let sessions = sessions(cluster.store().await);
    for subject in 0..30 {
        let subject = format!("user-{subject}");
        let pair = sessions.start(&*subject).await.expect("a session");
        sessions.refresh(&pair.refresh_token).await.expect("a pair");
        assert_eq!(sessions.end_all(&subject).await.expect("an end").len(), 1);
    }
    for node in cluster.nodes() {
        let mut connection = node
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{}*", cluster.prefix))
            .query_async(&mut connection)
            .await
            .expect("keys");
        assert_ne!(keys.len(), 0);
    }
}
