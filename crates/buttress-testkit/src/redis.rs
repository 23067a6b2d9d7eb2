//! A private `redis-server`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::process::{self, Command, Supervised};

/// A `redis-server` of our own: on a free port of the loopback interface, without persistence, and
/// gone when this is dropped or when the test process ends, in whatever way.
///
/// Tests share one server and keep apart by [`key_prefix`](Self::key_prefix). One that stops the
/// server, fills it or flushes it [starts](Self::start) its own.
#[derive(Debug)]
pub struct RedisServer {
    server: Supervised,
    address: SocketAddr,
    prefixes: AtomicUsize,
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

    fn launch() -> Result<Self, String> {
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
                    .args(["--save", "", "--appendonly", "no", "--dir"])
                    .args([folder])
            },
            |server, address| serves(address, server.process_id()).unwrap_or(false),
        )?;
        Ok(Self {
            server,
            address,
            prefixes: AtomicUsize::new(0),
        })
    }
}

/// Whether the server at the address answers, and is ours: after a race for the port it could be
/// another test's.
fn serves(address: SocketAddr, process_id: u32) -> io::Result<bool> {
    let timeout = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("+PONG\r\n")
        && answer.contains(&format!("\r\nprocess_id:{process_id}\r\n")))
}
