//! A cluster that changes while decisions are made.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use buttress_ratelimit::{Key, Quota, RateLimiter};
use buttress_testkit::{RedisCluster, RedisServer};
use redis::{AsyncCommands, Value, aio::MultiplexedConnection, cluster::ClusterClient};

use super::redis::{observer, store};
use crate::support::bare;

const BURST: u32 = 50_000;

/// A token comes in 51 seconds.
fn limiter(servers: &RedisCluster) -> RateLimiter {
    let client = ClusterClient::new(servers.urls()).expect("a client");
    let quota = Quota::per(BURST, Duration::from_secs(30 * 24 * 3600));
    RateLimiter::with_store(bare(store(client, "changes")), [quota]).expect("a quota")
}

async fn tell(connection: &mut MultiplexedConnection, words: &[&str]) -> Value {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    let answer = command.query_async(connection).await;
    answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

async fn id(connection: &mut MultiplexedConnection) -> String {
    match tell(connection, &["CLUSTER", "MYID"]).await {
        Value::BulkString(id) => String::from_utf8(id).expect("a name"),
        other => panic!("{other:?}"),
    }
}

/// Who of these has the only key that there is, and what it is called.
async fn owner(nodes: &mut [MultiplexedConnection]) -> (usize, Vec<u8>) {
    for (at, node) in nodes.iter_mut().enumerate() {
        let keys: Vec<Vec<u8>> = node.keys("changes:*").await.expect("keys");
        if let Some(key) = keys.into_iter().next() {
            return (at, key);
        }
    }
    panic!("nobody has it");
}

async fn left(limiter: &RateLimiter, key: &Key) -> u32 {
    for _ in 0..10_000 {
        if let Ok(decision) = limiter.peek(key).await {
            return decision.states().map(|state| state.remaining).sum();
        }
    }
    panic!("it never comes back");
}

/// No connection breaks, so that nothing is repeated that may have been done: each charge is made once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slot_that_moves_takes_its_buckets_along() {
    let servers = RedisCluster::start().await;
    let limiter = limiter(&servers);
    let key = Key::from("paul");
    let first = limiter.check(&key, 1).await.expect("a decision");
    assert!(first.is_allowed());
    let over = Arc::new(AtomicBool::new(false));
    let allowed = Arc::new(AtomicU32::new(1));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (limiter, key, over) = (limiter.clone(), key.clone(), Arc::clone(&over));
            let allowed = Arc::clone(&allowed);
            tokio::spawn(async move {
                let (mut failed, mut in_turn) = (0, 0);
                while !over.load(Ordering::Relaxed) {
                    match limiter.check(&key, 1).await {
                        Ok(decision) => {
                            allowed.fetch_add(decision.is_allowed().into(), Ordering::Relaxed);
                            in_turn = 0;
                        }
                        Err(_) => {
                            failed += 1;
                            in_turn += 1;
                        }
                    }
                    assert!(in_turn < 1_000, "it never comes back");
                    tokio::task::yield_now().await;
                }
                failed
            })
        })
        .collect();

    let mut nodes = Vec::new();
    for node in servers.nodes() {
        nodes.push(observer(node).await);
    }
    for _ in 0..6 {
        let (from, name) = owner(&mut nodes).await;
        let to = (from + 1) % nodes.len();
        let slot: u16 = redis::cmd("CLUSTER")
            .arg("KEYSLOT")
            .arg(&name)
            .query_async(&mut nodes[0])
            .await
            .expect("a slot");
        let slot = slot.to_string();
        let ids = [id(&mut nodes[from]).await, id(&mut nodes[to]).await];
        tell(
            &mut nodes[to],
            &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]],
        )
        .await;
        tell(
            &mut nodes[from],
            &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]],
        )
        .await;
        let address = servers.nodes()[to].address();
        let moved: String = redis::cmd("MIGRATE")
            .arg(address.ip().to_string())
            .arg(address.port())
            .arg(&name)
            .arg(0)
            .arg(60_000)
            .query_async(&mut nodes[from])
            .await
            .expect("it moves");
        assert_eq!(moved, "OK");
        for node in [to, from, (to + 1) % 3] {
            tell(
                &mut nodes[node],
                &["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]],
            )
            .await;
        }
        // Until the callers have been there.
        let before = allowed.load(Ordering::Relaxed);
        while allowed.load(Ordering::Relaxed) < before + 20 {
            assert!(callers.iter().any(|caller| !caller.is_finished()));
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for caller in callers {
        failed += caller.await.expect("no panic");
    }
    let (allowed, left) = (allowed.load(Ordering::Relaxed), left(&limiter, &key).await);
    assert!(left > 0, "all was spent before the slot had moved");
    let charged = BURST - left;
    // Some tokens have come since.
    assert!(allowed <= charged + 5, "{allowed} of {charged}");
    assert!(
        charged <= allowed + failed,
        "{charged} of {allowed} and {failed}"
    );
}

fn kill(server: &RedisServer) {
    let mut kill = Command::new("kill");
    let kill = kill.args(["-s", "KILL", &server.process_id().to_string()]);
    assert!(kill.status().expect("a signal").success());
}

/// What the replica had when its master was killed is charged, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_master_that_is_killed_leaves_its_buckets_to_its_replica() {
    let servers = RedisCluster::start().await;
    let limiter = limiter(&servers);
    let key = Key::from("paul");
    let spent = limiter.check(&key, 600).await.expect("a decision");
    assert!(spent.is_allowed());
    let mut nodes = Vec::new();
    for node in servers.nodes() {
        nodes.push(observer(node).await);
    }
    let (old, name) = owner(&mut nodes).await;
    // The one that was the master is its replica then.
    let master = servers.fail_over(old).await;
    let mut on_master = observer(&master).await;
    let mut more = 0;
    while more < 400 {
        let decision = limiter.check(&key, 1).await;
        more += u32::from(decision.is_ok_and(|decision| decision.is_allowed()));
    }
    let before = left(&limiter, &key).await;
    assert!(before <= BURST - 1_000, "{before} are left");
    // Until the replica has all of it, and what this connection writes after it.
    let other = [&name[..], b"other"].concat();
    let () = on_master.set(&other, 1).await.expect("it is set");
    while tell(&mut on_master, &["WAIT", "1", "60000"]).await != Value::Int(1) {}

    kill(&master);
    tell(&mut nodes[old], &["CLUSTER", "FAILOVER", "TAKEOVER"]).await;
    let after = left(&limiter, &key).await;
    assert!(
        (before..=before + 2).contains(&after),
        "{after} of {before}"
    );
    let mut refused = limiter.check(&key, after + 5).await;
    for _ in 0..10_000 {
        if refused.is_ok() {
            break;
        }
        refused = limiter.check(&key, after + 5).await;
    }
    assert!(!refused.expect("a decision").is_allowed());
    let rest = limiter.check(&key, after).await.expect("a decision");
    assert!(rest.is_allowed());
}
