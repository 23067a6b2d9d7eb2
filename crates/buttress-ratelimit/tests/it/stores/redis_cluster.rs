//! The Redis store on a cluster of three masters.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_ratelimit::{
    Inherit, Key, Quota, RateLimiter,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::RedisCluster;
use redis::{AsyncCommands, Client, cluster::ClusterClient};

use super::redis::{observer, store};
use crate::{support::bare, time::Time};

struct Cluster {
    servers: &'static RedisCluster,
    prefix: String,
    time: Time,
}

impl Cluster {
    async fn new() -> Self {
        let servers = RedisCluster::shared().await;
        Self {
            servers,
            prefix: servers.key_prefix(),
            time: Time::new(),
        }
    }
}

fn client(servers: &RedisCluster) -> ClusterClient {
    ClusterClient::new(servers.urls()).expect("a client")
}

#[async_trait]
impl StoreHarness for Cluster {
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
        let store = store(client(self.servers), &self.prefix).with_clock(self.time.clock());
        RateLimiter::with_store(bare(store), quotas).expect("quotas")
    }

    async fn advance(&self, by: Duration) {
        self.time.pass(by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Cluster::new().await).await;
}

/// Test 22 of the specification: no call is about two slots, whatever the key, and also after quotas were replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_node_has_its_share_and_every_key_one_slot() {
    let cluster = Cluster::new().await;
    let limiter = cluster.limiter(vec![Quota::per_day(9).named("q")]).await;
    let keys = (0..60_u64).map(Key::from).chain([
        Key::global(),
        Key::from("}"),
        Key::from("{"),
        Key::from("{}"),
        Key::from("a}b{c"),
        Key::secret("hunter2"),
        Key::from("{}".repeat(100)),
    ]);
    let keys: Vec<_> = keys.collect();
    for key in &keys {
        assert!(
            limiter
                .check(key, 4)
                .await
                .expect("a decision")
                .is_allowed()
        );
    }
    for node in cluster.servers.nodes() {
        let mut connection = observer(node).await;
        let there: Vec<Vec<u8>> = connection
            .keys(format!("{}*", cluster.prefix))
            .await
            .expect("keys");
        assert_ne!(there.len(), 0);
    }
    let quotas = [Quota::per_day(8).named("q")];
    limiter.replace(quotas, Inherit::Spent).expect("quotas");
    for key in &keys {
        assert!(
            !limiter
                .check(key, 5)
                .await
                .expect("a decision")
                .is_allowed()
        );
        limiter.refund(key, 1).await.expect("a refund");
        assert!(
            limiter
                .check(key, 5)
                .await
                .expect("a decision")
                .is_allowed()
        );
        limiter.set(key, 1).await.expect("it is set");
    }
}

/// Test 23 of the specification, for a cluster: no decision is wrong, and none fails for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decisions_go_on_while_masters_are_replaced() {
    const BURST: u32 = 1_000;
    let servers = RedisCluster::start().await;
    let quotas = [Quota::per(BURST, Duration::from_secs(30 * 24 * 3600))];
    let limiter =
        RateLimiter::with_store(bare(store(client(&servers), "p")), quotas).expect("quotas");
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..12_u64)
        .map(|number| {
            let (limiter, over) = (limiter.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let key = Key::from(number);
                let (mut allowed, mut failed_in_turn) = (0, 0);
                while !over.load(Ordering::Relaxed) {
                    match limiter.check(&key, 1).await {
                        Ok(decision) => {
                            allowed += u32::from(decision.is_allowed());
                            failed_in_turn = 0;
                        }
                        Err(_) => failed_in_turn += 1,
                    }
                    assert!(failed_in_turn < 1_000, "it never comes back");
                    tokio::task::yield_now().await;
                }
                assert!(limiter.peek(&key).await.is_ok());
                while limiter
                    .check(&key, 1)
                    .await
                    .expect("a decision")
                    .is_allowed()
                {
                    allowed += 1;
                }
                // A token comes in 43 minutes.
                assert!(allowed <= BURST + 1, "{allowed} were allowed");
                allowed
            })
        })
        .collect();
    let mut new = Vec::new();
    for node in 0..3 {
        new.push(servers.fail_over(node).await);
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        // What the client of the cluster repeats may be charged twice, and what fails may be charged.
        assert!(caller.await.expect("no panic") > BURST / 2);
    }
    for node in servers.nodes() {
        let role: Vec<redis::Value> = redis::cmd("ROLE")
            .query_async(&mut observer(node).await)
            .await
            .expect("a role");
        assert_eq!(role[0], redis::Value::BulkString(b"slave".to_vec()));
    }
}

/// As a proxy that stands for a cluster: it takes keys of several slots, but not in one call.
#[tokio::test]
async fn a_server_that_refuses_keys_of_several_slots_gets_them_one_by_one() {
    let servers = RedisCluster::shared().await;
    let client = Client::open(servers.nodes()[0].url()).expect("a client");
    let store = store(client, &servers.key_prefix());
    let limiter = RateLimiter::with_store(bare(store), [Quota::per_day(10)]).expect("quotas");
    let mut keys = Vec::new();
    for number in 0..100_u64 {
        let key = Key::from(number);
        // The other nodes have the other ones.
        if limiter.peek(&key).await.is_ok() {
            keys.push(key);
        }
    }
    assert!(keys.len() > 10, "{}", keys.len());
    for left in [9, 8] {
        let checks: Vec<_> = keys
            .iter()
            .map(|key| {
                let (limiter, key) = (limiter.clone(), key.clone());
                tokio::spawn(async move { limiter.check(&key, 1).await })
            })
            .collect();
        for check in checks {
            let decision = check.await.expect("no panic").expect("a decision");
            let state = decision.states().next().expect("a quota");
            assert_eq!(state.remaining, left);
        }
    }
}
