//! A TCP proxy that a test puts between a client and a server to make the network fail.

mod connection;
mod inspection;
mod listening;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use connection::Connection;
use inspection::Inspectors;
pub use inspection::Passage;
use listening::Listening;

/// A TCP proxy on a free port of the loopback interface, that passes everything on until it is told
/// otherwise.
///
/// Faults begin when their method returns: no byte that arrives later gets through first. They hold
/// for connections that exist and for those that come, until [`resume`](Self::resume).
/// [`cut`](Self::cut), [`reset`](Self::reset) and [`lose`](Self::lose) end those that exist and leave the next alone.
/// When the proxy is dropped, its port and its connections close.
#[derive(Debug)]
pub struct Proxy {
    listening: Arc<Listening>,
    server: Arc<Mutex<SocketAddr>>,
    faults: watch::Sender<Faults>,
    inspectors: Inspectors,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: answers.
    ToClient,
}

/// What every connection looks at before it passes something on.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    to_server: Fault,
    to_client: Fault,
    /// How often connections were cut, reset and lost. A connection that sees a number grow is meant.
    cuts: u64,
    resets: u64,
    losses: u64,
    /// How often everything was let through again.
    resumes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Fault {
    delay: Duration,
    stalled: bool,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy to the server at the address, which need not listen yet: a client whose
    /// connection cannot be passed on sees it reset.
    ///
    /// # Panics
    ///
    /// Panics when the loopback interface has no free port.
    pub async fn to(server: SocketAddr) -> Self {
        let listening = match Listening::start() {
            Ok(listening) => Arc::new(listening),
            Err(error) => panic!("no port for a proxy: {error}"),
        };
        let server = Arc::new(Mutex::new(server));
        let (faults, watching) = watch::channel(Faults::default());
        let inspectors = Inspectors::default();
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(
            Arc::clone(&listening),
            Arc::clone(&server),
            watching,
            inspectors.clone(),
            Arc::clone(&counts),
        ));
        Self {
            listening,
            server,
            faults,
            inspectors,
            counts,
            accepting,
        }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Holds back everything for this long, both ways, so that a round trip takes twice as long.
    pub fn delay(&self, delay: Duration) {
        self.delay_only(Direction::ToServer, delay);
        self.delay_only(Direction::ToClient, delay);
    }

    /// Holds back what goes this way for this long.
    pub fn delay_only(&self, direction: Direction, delay: Duration) {
        self.faults
            .send_modify(|faults| faults.on_mut(direction).delay = delay);
    }

    /// Passes nothing on any more, without closing anything: the network has swallowed the peer.
    pub fn stall(&self) {
        self.stall_only(Direction::ToServer);
        self.stall_only(Direction::ToClient);
    }

    /// Passes nothing on that goes this way. Stalled answers make a request whose effect happens
    /// and is never confirmed.
    pub fn stall_only(&self, direction: Direction) {
        self.faults
            .send_modify(|faults| faults.on_mut(direction).stalled = true);
    }

    /// Closes all connections in order, with a FIN to both sides. What is still held back is lost.
    pub fn cut(&self) {
        self.faults.send_modify(|faults| faults.cuts += 1);
    }

    /// Breaks all connections, with an RST to both sides.
    pub fn reset(&self) {
        self.faults.send_modify(|faults| faults.resets += 1);
    }

    /// Loses all connections: nothing gets through them any more, in neither direction and for ever,
    /// and nobody is told. Those that come work.
    pub fn lose(&self) {
        self.faults.send_modify(|faults| faults.losses += 1);
    }

    /// Shows this inspector, and no other one any more, whatever comes and which way, before it is held back or
    /// passed on: as much as was there to be read at once. What it decides concerns that connection alone.
    ///
    /// So a test ends a connection at the very request that it means, or before the answer to it, or counts what
    /// is asked.
    pub fn inspect(&self, inspector: impl FnMut(Direction, &[u8]) -> Passage + Send + 'static) {
        self.inspectors.set(Some(Box::new(inspector)));
    }

    /// Leads those that connect from now on to another server, as a name or an address does that was
    /// given to it. Connections that exist stay where they are.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// Refuses new connections, as a port does where nobody listens. Those that exist live on.
    pub fn refuse(&self) {
        self.listening.stop();
    }

    /// Ends delays, stalls, inspection and refusal. What was held back is passed on.
    ///
    /// # Panics
    ///
    /// Panics when the system does not let the proxy listen again.
    pub fn resume(&self) {
        self.inspectors.set(None);
        self.faults.send_modify(|faults| {
            faults.to_server = Fault::default();
            faults.to_client = Fault::default();
            faults.resumes += 1;
        });
        if let Err(error) = self.listening.again() {
            panic!("the proxy cannot listen again: {error}");
        }
    }

    /// How many connections clients have made so far, those that did not get through to the server
    /// included.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// How many connections there are now.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.stop();
        self.accepting.abort();
    }
}

impl Faults {
    fn on(&self, direction: Direction) -> Fault {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }

    fn on_mut(&mut self, direction: Direction) -> &mut Fault {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

async fn accept(
    listening: Arc<Listening>,
    server: Arc<Mutex<SocketAddr>>,
    faults: watch::Receiver<Faults>,
    inspectors: Inspectors,
    counts: Arc<Counts>,
) {
    // Aborting this task drops the set, and the set aborts the connections.
    let mut connections = JoinSet::new();
    loop {
        let client = listening.accept().await;
        counts.accepted.fetch_add(1, Ordering::SeqCst);
        let open = Open::new(&counts);
        // What was cut or reset before this connection does not concern it; what is while the
        // server is being reached, does.
        let (faults, inspectors) = (faults.clone(), inspectors.clone());
        let before = *faults.borrow();
        let server = *server.lock().unwrap_or_else(PoisonError::into_inner);
        connections.spawn(async move {
            let _open = open;
            match TcpStream::connect(server).await {
                Ok(server) => {
                    Connection::new(client, server, faults, before, inspectors)
                        .run()
                        .await;
                }
                // Dropping it in order would tell the client that it was accepted by somebody.
                Err(_) => connection::reset(client),
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Counts a connection as open while it lives.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
