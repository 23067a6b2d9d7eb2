use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::{RedisServer, wait, wire};
use crate::process::{self, Command, Supervised};

/// A master, its replica, and one sentinel that makes the replica the master when the first one is
/// gone, which takes it some seconds.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The master first.
    servers: Vec<RedisServer>,
    sentinel: Arc<Supervised>,
    address: SocketAddr,
}

/// What the sentinel calls the master.
const MASTER: &str = "shop";

impl RedisSentinel {
    /// Starts a master, a replica that has all that the master has, and a sentinel that knows both.
    ///
    /// # Panics
    ///
    /// Panics when `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        match process::aside(Self::launch).await {
            Ok(sentinel) => sentinel,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The sentinel's URL, as clients take it.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// What the sentinel calls the master.
    pub fn master_name(&self) -> &'static str {
        MASTER
    }

    /// The server that is the master now.
    pub fn master(&self) -> &RedisServer {
        &self.servers[0]
    }

    /// Stops the master, after all that it was told has reached the replica, and waits until the
    /// sentinel has made the replica the master.
    ///
    /// # Panics
    ///
    /// Panics when that does not happen within a minute, or has happened before.
    pub async fn fail_over(&mut self) {
        assert_eq!(self.servers.len(), 2, "there is no replica left");
        // A server that is asked to end does so when its replicas have everything.
        let master = self.servers.remove(0);
        let (sentinel, replica) = (Arc::clone(&self.sentinel), self.servers[0].share());
        let address = self.address;
        let promoted = process::aside(move || {
            drop(master);
            // What it knows of the master, in lines of names and values. That it would name another one comes
            // before it has done so.
            let question = format!("SENTINEL MASTER {MASTER}");
            let port = format!("\nport\n{}\n", replica.address().port());
            wait("the sentinel", &sentinel, address, &question, |answer| {
                answer.contains(&port) && answer.contains("\nflags\nmaster\n")
            })?;
            replica.wait("the replica", "ROLE", |role| role.starts_with("master"))
        });
        if let Err(failure) = promoted.await {
            panic!("{failure}");
        }
    }

    fn launch() -> Result<Self, String> {
        let (master, replica) = (RedisServer::launch()?, RedisServer::launch()?);
        replica.replicate_blocking(&master)?;
        let program = process::find("redis-server", &[], "redis-server")?;
        let folder = process::folder("sentinel-")?;
        let (sentinel, address) = process::start(
            "redis-server --sentinel",
            &folder,
            |folder, address| {
                // It wants to write down what it learns, and finds nothing where that failed.
                let file = folder.join("sentinel.conf");
                let _written = std::fs::write(&file, configuration(folder, address, &master));
                Command::new(&program, "TERM")
                    .args([&file])
                    .args(["--sentinel"])
            },
            |_, address| {
                let question = format!("SENTINEL REPLICAS {MASTER}");
                let port = format!("\n{}\n", replica.address().port());
                wire::ask(address, &question).is_ok_and(|answer| answer.contains(&port))
            },
        )?;
        Ok(Self {
            servers: vec![master, replica],
            sentinel: Arc::new(sentinel),
            address,
        })
    }
}

fn configuration(folder: &Path, address: SocketAddr, master: &RedisServer) -> String {
    let (ip, port) = (address.ip(), address.port());
    let (master_ip, master_port) = (master.address().ip(), master.address().port());
    format!(
        "bind {ip}\nport {port}\ndir {}\n\
         sentinel monitor {MASTER} {master_ip} {master_port} 1\n\
         sentinel down-after-milliseconds {MASTER} 300\n\
         sentinel failover-timeout {MASTER} 5000\n",
        folder.display()
    )
}
