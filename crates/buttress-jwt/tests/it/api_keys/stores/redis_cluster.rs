//! The Redis store on a cluster of three masters.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKeyStore, ApiKeys, Environment, ErrorKind, RedisApiKeyStore,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};
use buttress_testkit::RedisCluster;
use redis::{Client, cluster::ClusterClient};

use super::redis::let_time_pass;
use crate::stores::slot::Slot;

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

fn keys_on(cluster: &RedisCluster) -> ApiKeys {
    let keys = ApiKeys::new("shop", Environment::Live, store_on(cluster)).expect("keys");
    // A slow machine is no failure of a store.
    keys.with_store_timeout(Duration::from_secs(60))
        .expect("a timeout")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let servers = RedisCluster::shared().await;
    let prefix = servers.key_prefix();
    check_api_key_store(Cluster { servers, prefix }).await;
}

/// Three keys and their index: each number of them has been carried over, with the index first or last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_key_stays_valid_and_out_of_the_index_while_a_slot_moves() {
    let cluster = RedisCluster::start().await;
    for index_first in [true, false] {
        for carried in 0..=4 {
            revoke_all(&cluster, index_first, carried).await;
        }
    }
}

async fn revoke_all(cluster: &RedisCluster, index_first: bool, carried: usize) {
    let case = format!("index first: {index_first}, carried over: {carried}");
    let subject = format!("user-{index_first}-{carried}");
    let keys = keys_on(cluster);
    let mut secrets = Vec::new();
    for _ in 0..3 {
        secrets.push(keys.issue(&*subject).await.expect("a key").secret.reveal());
    }
    let mut slot = Slot::leave(cluster, &format!("*:of:live:{subject}"), index_first).await;
    assert_eq!(slot.left(), 4, "{case}");
    slot.carry(carried).await;
    let answer = keys.revoke_all(&subject).await;
    slot.arrive().await;

    let mut valid = 0;
    for secret in &secrets {
        valid += usize::from(keys.authenticate(secret).await.is_ok());
    }
    let listed = keys.list(&subject).await.expect("a list");
    assert_eq!(listed.len(), valid, "{case}");
    match answer {
        Ok(revoked) => assert_eq!((revoked.len(), valid), (3, 0), "{case}"),
        // All or nothing.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Store, "{case}");
            assert_eq!(valid, 3, "{case}");
        }
    }
    let revoked = keys.revoke_all(&subject).await.expect(&case);
    assert_eq!(revoked.len(), valid, "{case}");
    for secret in &secrets {
        keys.authenticate(secret).await.expect_err(&case);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_is_revoked_apart_from_the_index() {
    let cluster = RedisCluster::start().await;
    let keys = keys_on(&cluster);
    for index_first in [true, false] {
        let subject = format!("user-{index_first}");
        let key = keys.issue(&*subject).await.expect("a key").key;
        let other = keys.issue(&*subject).await.expect("a key").key;
        let pattern = format!("*:of:live:{subject}");
        let mut slot = Slot::leave(&cluster, &pattern, index_first).await;
        slot.carry(if index_first { 1 } else { 2 }).await;
        let revoked = keys.revoke(&subject, key.id).await;
        assert!(revoked.expect("a revocation"), "{index_first}");
        slot.arrive().await;
        assert_eq!(keys.list(&subject).await.expect("a list"), [other]);
    }
}
