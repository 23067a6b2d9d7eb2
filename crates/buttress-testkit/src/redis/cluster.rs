use std::{cell::Cell, sync::OnceLock};

use super::{RedisServer, tell};
use crate::process;

/// How many slots a cluster has.
const SLOTS: usize = 16_384;

/// A little more than the 5 seconds after which an attempt is over, at 10 milliseconds each.
const LOOKS_OF_A_FAILOVER: u32 = 600;

/// A Redis Cluster of our own: three masters on free ports of the loopback interface, each with a
/// third of the slots and without replicas.
///
/// It takes some seconds to come together: take the [shared](Self::shared) one, unless the test
/// moves slots or stops a node.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster for this test alone.
    ///
    /// # Panics
    ///
    /// Panics when `redis-server` is not installed, or older than version 7, or does not start.
    pub async fn start() -> Self {
        match process::aside(Self::launch).await {
            Ok(cluster) => cluster,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The cluster that all tests of this binary share. The first call starts it.
    ///
    /// # Panics
    ///
    /// Panics when `redis-server` is not installed, or older than version 7, or does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<RedisCluster, String>> = OnceLock::new();
        match process::aside(|| SHARED.get_or_init(Self::launch)).await {
            Ok(cluster) => cluster,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The masters, in the order of their slots.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Their URLs, as clients take them.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// A prefix for keys that no other call has returned, `test-7:` for instance.
    pub fn key_prefix(&self) -> String {
        self.nodes[0].key_prefix()
    }

    /// Starts a node that takes the place of this one, which becomes its replica. It has everything that the old one was told; connections
    /// to both live on.
    ///
    /// # Panics
    ///
    /// Panics when they do not agree on it within a minute.
    pub async fn fail_over(&self, node: usize) -> RedisServer {
        let nodes: Vec<_> = self.nodes.iter().map(RedisServer::share).collect();
        match process::aside(move || succeed(&nodes, &nodes[node])).await {
            Ok(new) => new,
            Err(failure) => panic!("{failure}"),
        }
    }

    fn launch() -> Result<Self, String> {
        let nodes = (0..3).map(|_| node()).collect::<Result<Vec<_>, _>>()?;
        for (index, node) in nodes.iter().enumerate() {
            let (first, next) = (
                SLOTS * index / nodes.len(),
                SLOTS * (index + 1) / nodes.len(),
            );
            let range = format!("CLUSTER ADDSLOTSRANGE {first} {}", next - 1);
            tell(node.address(), &range)?;
            // Otherwise they would have to find out whose claims are the newest.
            let epoch = format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1);
            tell(node.address(), &epoch)?;
        }
        for node in &nodes[1..] {
            meet(&nodes[0], node)?;
        }
        for node in &nodes {
            know_all(node)?;
        }
        Ok(Self { nodes })
    }
}

fn node() -> Result<RedisServer, String> {
    RedisServer::launch_with(|| {
        // The one by default is 10000 above the first, which need not be a port.
        let bus = process::free_address().map(|address| address.port());
        let bus = bus.unwrap_or_default().to_string();
        ["--cluster-enabled", "yes", "--cluster-port", &bus]
            .map(str::to_owned)
            .into()
    })
}

fn meet(first: &RedisServer, node: &RedisServer) -> Result<(), String> {
    let (ip, port) = (node.address().ip(), node.address().port());
    let bus = tell(node.address(), "CONFIG GET cluster-port")?;
    let bus = bus.lines().last().unwrap_or_default().to_owned();
    tell(first.address(), &format!("CLUSTER MEET {ip} {port} {bus}"))?;
    Ok(())
}

fn know_all(node: &RedisServer) -> Result<(), String> {
    node.wait("redis-server in a cluster", "CLUSTER INFO", |info| {
        ["cluster_state:ok", "cluster_size:3"]
            .iter()
            .all(|line| info.lines().any(|found| found == *line))
    })
}

/// Starts a replica of this node, and hands everything over to it.
fn succeed(nodes: &[RedisServer], old: &RedisServer) -> Result<RedisServer, String> {
    let new = node()?;
    meet(&nodes[0], &new)?;
    know_all(&new)?;
    let id = tell(old.address(), "CLUSTER MYID")?;
    // It takes a moment until it knows the name.
    new.wait("a new node", "CLUSTER NODES", |nodes| nodes.contains(&id))?;
    tell(new.address(), &format!("CLUSTER REPLICATE {id}"))?;
    new.wait("a replica in a cluster", "ROLE", |role| {
        role.contains("\nconnected\n")
    })?;
    old.wait("a master in a cluster", "WAIT 1 100", |count| count != "0")?;
    // Those who are asked for their votes have to know whose replica it is.
    let (me, replicas) = (
        tell(new.address(), "CLUSTER MYID")?,
        format!("CLUSTER REPLICAS {id}"),
    );
    for node in nodes {
        node.wait("the nodes of a cluster", &replicas, |known| {
            known.contains(&me)
        })?;
    }
    tell(new.address(), "CLUSTER FAILOVER")?;
    let looks = Cell::new(0_u32);
    new.wait("a new master", "ROLE", |role| {
        looks.set(looks.get() + 1);
        let is_master = role.starts_with("master");
        // One that gets too few votes, from nodes that are busy, is over after 5 seconds, and does not begin again by itself.
        if !is_master && looks.get().is_multiple_of(LOOKS_OF_A_FAILOVER) {
            let _begun = tell(new.address(), "CLUSTER FAILOVER");
        }
        is_master
    })?;
    Ok(new)
}
