use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::{tell, wait, wire};
use crate::process::{self, Command, Supervised};

/// A `redis-server` of our own: on a free port of the loopback interface, without persistence, and
/// gone when this is dropped or when the test process ends, in whatever way.
///
/// Tests share one server and keep apart by [`key_prefix`](Self::key_prefix). One that stops the
/// server, fills it or flushes it [starts](Self::start) its own.
#[derive(Debug)]
pub struct RedisServer {
    server: Arc<Supervised>,
    address: SocketAddr,
    prefixes: Arc<AtomicUsize>,
}

impl RedisServer {
    /// Starts a server for this test alone.
    ///
    /// # Panics
    ///
    /// Panics when `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        match process::aside(Self::launch).await {
            Ok(server) => server,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The server that all tests of this binary share. The first call starts it.
    ///
    /// # Panics
    ///
    /// Panics when `redis-server` is not installed or does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<RedisServer, String>> = OnceLock::new();
        match process::aside(|| SHARED.get_or_init(Self::launch)).await {
            Ok(server) => server,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Where it listens, for a proxy in front of it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as clients take it.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// A prefix for keys that no other call has returned, `test-7:` for instance.
    pub fn key_prefix(&self) -> String {
        format!("test-{}:", self.prefixes.fetch_add(1, Ordering::Relaxed))
    }

    /// Its process, for a test that stops or kills it.
    pub fn process_id(&self) -> u32 {
        self.server.process_id()
    }

    /// Its folder, which goes with it.
    pub fn folder(&self) -> &Path {
        self.server.path()
    }

    /// Makes this server a replica of the other one, and waits until it has all that the other has.
    /// It drops what it had, and refuses to be written to, also on connections that it has.
    ///
    /// # Panics
    ///
    /// Panics when the servers do not agree on it within a minute.
    pub async fn replicate(&self, master: &Self) {
        let (replica, master) = (self.share(), master.share());
        if let Err(failure) = process::aside(move || replica.replicate_blocking(&master)).await {
            panic!("{failure}");
        }
    }

    /// Makes a replica a master again, with what it has.
    ///
    /// # Panics
    ///
    /// Panics when the server does not answer.
    pub async fn promote(&self) {
        let address = self.address;
        if let Err(failure) = process::aside(move || tell(address, "REPLICAOF NO ONE")).await {
            panic!("{failure}");
        }
    }

    /// The same server, for work aside. It lives until both are dropped.
    pub(super) fn share(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            address: self.address,
            prefixes: Arc::clone(&self.prefixes),
        }
    }

    pub(super) fn replicate_blocking(&self, master: &Self) -> Result<(), String> {
        let (ip, port) = (master.address.ip(), master.address.port());
        tell(self.address, &format!("REPLICAOF {ip} {port}"))?;
        self.wait("redis-server as a replica", "ROLE", |role| {
            role.contains("\nconnected\n")
        })?;
        // What the master had until now. `WAIT` counts the replicas that have it.
        master.wait("redis-server as a master", "WAIT 1 100", |count| {
            count != "0"
        })
    }

    /// Looks until the server answers the command as wanted.
    pub(super) fn wait(
        &self,
        what: &str,
        command: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        wait(what, &self.server, self.address, command, wanted)
    }

    pub(super) fn launch() -> Result<Self, String> {
        Self::launch_with(Vec::new)
    }

    /// With further words of the command line, made anew for each attempt.
    pub(super) fn launch_with(further: impl Fn() -> Vec<String>) -> Result<Self, String> {
        let program = process::find("redis-server", &[], "redis-server")?;
        let folder = process::folder("redis-")?;
        let (server, address) = process::start(
            "redis-server",
            &folder,
            |folder, address| {
                // No configuration file: the words of a file are also options.
                Command::new(&program, "TERM")
                    .args([
                        "--bind",
                        &address.ip().to_string(),
                        "--port",
                        &address.port().to_string(),
                    ])
                    // A replica is not kept waiting for another one that might come.
                    .args(["--repl-diskless-sync-delay", "0"])
                    .args(["--save", "", "--appendonly", "no", "--dir"])
                    .args([folder])
                    .args(further())
            },
            |server, address| serves(address, server.process_id()),
        )?;
        Ok(Self {
            server: Arc::new(server),
            address,
            prefixes: Arc::default(),
        })
    }
}

/// Whether the server at the address answers, and is ours: after a race for the port it could be
/// another test's.
fn serves(address: SocketAddr, process_id: u32) -> bool {
    let is_ours = format!("process_id:{process_id}");
    wire::ask(address, "INFO server").is_ok_and(|info| info.lines().any(|line| line == is_ours))
}
