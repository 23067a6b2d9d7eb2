//! A slot of a cluster on its way from one master to another.

use std::time::Duration;

use buttress_testkit::{RedisCluster, RedisServer};
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue};

pub(crate) struct Slot<'a> {
    cluster: &'a RedisCluster,
    number: u16,
    source: &'a RedisServer,
    target: &'a RedisServer,
    /// The keys in it that have not been carried over.
    keys: Vec<String>,
}

impl<'a> Slot<'a> {
    /// Begins to move the slot of the only key that matches this pattern. That key is the first to be carried over, or
    /// the last.
    pub(crate) async fn leave(cluster: &'a RedisCluster, pattern: &str, first: bool) -> Self {
        let nodes = cluster.nodes();
        for (position, source) in nodes.iter().enumerate() {
            let keys: Vec<String> = ask(source, redis::cmd("KEYS").arg(pattern)).await;
            let Some(key) = keys.first() else { continue };
            let target = &nodes[(position + 1) % nodes.len()];
            let number: u16 = ask(source, redis::cmd("CLUSTER").arg("KEYSLOT").arg(key)).await;
            let mut all: Vec<String> = ask(
                source,
                redis::cmd("CLUSTER")
                    .arg("GETKEYSINSLOT")
                    .arg(number)
                    .arg(100),
            )
            .await;
            all.sort_by_key(|other| (other == key) != first);
            let slot = Self {
                cluster,
                number,
                source,
                target,
                keys: all,
            };
            slot.set(target, "IMPORTING", source).await;
            slot.set(source, "MIGRATING", target).await;
            return slot;
        }
        panic!("no node has a key like {pattern}");
    }

    /// How many keys are still to be carried over.
    pub(crate) fn left(&self) -> usize {
        self.keys.len()
    }

    /// Carries over the next keys.
    pub(crate) async fn carry(&mut self, count: usize) {
        for key in self.keys.drain(..count) {
            let address = self.target.address();
            let mut migrate = redis::cmd("MIGRATE");
            migrate.arg(address.ip().to_string()).arg(address.port());
            let answer: String = ask(self.source, migrate.arg(key).arg(0).arg(5000)).await;
            // Some may have been deleted since.
            assert!(["OK", "NOKEY"].contains(&&*answer), "{answer}");
        }
    }

    /// Until the target was asked to run a script, as the first one.
    pub(crate) async fn is_asked(&self) {
        for looked in 0.. {
            assert!(looked < 100_000, "nobody asks");
            let stats: String = ask(self.target, redis::cmd("INFO").arg("commandstats")).await;
            if stats.contains("cmdstat_eval:calls=") {
                break;
            }
        }
    }

    /// Carries over the rest, and the slot is the target's.
    pub(crate) async fn arrive(mut self) {
        self.carry(self.left()).await;
        self.set(self.target, "NODE", self.target).await;
        self.set(self.source, "NODE", self.target).await;
        // The next one may only arrive when all have heard of this one, or they would not agree whose claim is newer.
        let info =
            |node| async move { ask::<String>(node, redis::cmd("CLUSTER").arg("INFO")).await };
        let epoch = |info: &str, name: &str| {
            let lines = info.lines();
            let mut found = lines.filter_map(|line| line.strip_prefix(name));
            found.next().expect("an epoch").to_owned()
        };
        let newest = epoch(&info(self.target).await, "cluster_my_epoch:");
        for node in self.cluster.nodes() {
            while epoch(&info(node).await, "cluster_current_epoch:") != newest {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn set(&self, on: &RedisServer, state: &str, other: &RedisServer) {
        let other: String = ask(other, redis::cmd("CLUSTER").arg("MYID")).await;
        let mut set = redis::cmd("CLUSTER");
        set.arg("SETSLOT").arg(self.number).arg(state).arg(other);
        let () = ask(on, &set).await;
    }
}

async fn ask<T: FromRedisValue>(server: &RedisServer, command: &Cmd) -> T {
    let client = Client::open(server.url()).expect("a client");
    // A slow machine is no failure.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(60)))
        .set_response_timeout(Some(Duration::from_secs(60)));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .expect("a connection");
    let answer = command.query_async(&mut connection).await;
    answer.expect("an answer")
}
