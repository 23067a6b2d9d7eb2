//! A private PostgreSQL server, and a database of its own for each test.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::process::{self, Command, Supervised, User};

/// A PostgreSQL server of our own: on a free port of the loopback interface, never waiting for the
/// disk, and gone when this is dropped or when the test process ends, in whatever way.
///
/// Tests share one server, and each takes a [`database`](Self::database). As PostgreSQL refuses to
/// be run by root, root runs it as `postgres` or `nobody`.
#[derive(Debug)]
pub struct PostgresServer {
    server: Supervised,
    address: SocketAddr,
    databases: AtomicUsize,
}

/// A fresh database. Dropping this drops the database, with everyone still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    address: SocketAddr,
    name: String,
}

impl PostgresServer {
    /// Starts a server for this test alone, which takes some seconds.
    ///
    /// # Panics
    ///
    /// Panics when PostgreSQL is not installed or does not start.
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
    /// Panics when PostgreSQL is not installed or does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<PostgresServer, String>> = OnceLock::new();
        match process::aside(|| SHARED.get_or_init(Self::launch)).await {
            Ok(server) => server,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Creates an empty database.
    ///
    /// # Panics
    ///
    /// Panics when the server does not create it.
    pub async fn database(&self) -> TestDatabase {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        if let Err(error) = execute(self.address, format!("CREATE DATABASE {name}")).await {
            panic!(
                "no database {name}: {error}\nthe server's log:\n{}",
                self.server.log()
            );
        }
        TestDatabase {
            address: self.address,
            name,
        }
    }

    /// Where it listens, for a proxy in front of it.
    pub fn address(&self) -> SocketAddr {
        self.address
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
        let installed = installations();
        let initdb = process::find("initdb", &installed, "postgresql")?;
        let postgres = process::find("postgres", &installed, "postgresql")?;
        let folder = process::folder("postgres-")?;
        let user = User::instead_of_root(folder.path())?;
        if let Some(user) = user {
            user.own(folder.path()).map_err(|error| {
                format!(
                    "{} cannot be given to another user: {error}",
                    folder.path().display()
                )
            })?;
        }
        let initialise = Command::new(&initdb, "TERM")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pgdata=data",
            ])
            .user(user);
        process::run("initdb", &folder, &initialise)?;
        let (server, address) = process::start(
            "postgres",
            &folder,
            |_, address| {
                let settings = [
                    format!("listen_addresses={}", address.ip()),
                    format!("port={}", address.port()),
                    "unix_socket_directories=".to_owned(),
                    "fsync=off".to_owned(),
                    "synchronous_commit=off".to_owned(),
                    "full_page_writes=off".to_owned(),
                    "max_connections=200".to_owned(),
                ];
                // SIGINT is the fast shutdown, which does not wait for clients to leave.
                Command::new(&postgres, "INT")
                    .args(["-D", "data"])
                    .args(settings.iter().flat_map(|setting| ["-c", setting]))
                    .user(user)
            },
            |server, _| is_ready(server.path(), server.process_id()),
        )?;
        Ok(Self {
            server,
            address,
            databases: AtomicUsize::new(0),
        })
    }
}

impl TestDatabase {
    /// Its URL, as clients take it.
    pub fn url(&self) -> String {
        url(self.address, &self.name)
    }

    /// Its URL when reached through another address, that of a proxy.
    pub fn url_through(&self, address: SocketAddr) -> String {
        url(address, &self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop_database = execute(
            self.address,
            format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
        // In a runtime of its own, on a thread of its own, as the test's runtime may be the one
        // that is ending here. A failure means that the server has gone first, with all its
        // databases.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.map(|runtime| runtime.block_on(drop_database))
        });
        let _ended = dropped.join();
    }
}

fn url(address: SocketAddr, database: &str) -> String {
    format!("postgres://postgres@{address}/{database}")
}

async fn execute(address: SocketAddr, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&url(address, "postgres")).await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}

/// The server says in the first line of this file who it is, and in the eighth when it is ready.
fn is_ready(folder: &Path, process_id: u32) -> bool {
    let Ok(file) = fs::read_to_string(folder.join("data/postmaster.pid")) else {
        return false;
    };
    let mut lines = file.lines().map(str::trim);
    lines.next() == Some(process_id.to_string().as_str()) && lines.nth(6) == Some("ready")
}

/// Where Debian keeps the programs out of `PATH`, the newest version first.
fn installations() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
