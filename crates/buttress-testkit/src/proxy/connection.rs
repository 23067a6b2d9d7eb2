use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::{Direction, Faults, Inspectors, Passage};

/// How much is passed on, and held back, at once.
const CHUNK: usize = 16 * 1024;

/// A client's connection and the one to the server that belongs to it.
pub(super) struct Connection {
    client: TcpStream,
    server: TcpStream,
    faults: watch::Receiver<Faults>,
    before: Faults,
    inspectors: Inspectors,
}

/// How a connection comes to its end.
enum End {
    /// Both sides have closed.
    Closed,
    /// One side broke, so the other one is broken.
    Broken,
    Cut,
    Reset,
    Lost,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

impl Connection {
    pub(super) fn new(
        client: TcpStream,
        server: TcpStream,
        faults: watch::Receiver<Faults>,
        before: Faults,
        inspectors: Inspectors,
    ) -> Self {
        // Small writes of a test must not wait for each other's acknowledgement; that it fails
        // changes only the pace.
        let _paced = client
            .set_nodelay(true)
            .and_then(|()| server.set_nodelay(true));
        Self {
            client,
            server,
            faults,
            before,
            inspectors,
        }
    }

    pub(super) async fn run(mut self) {
        let proxy = self.faults.clone();
        let end = {
            let (client_reads, client_writes) = self.client.split();
            let (server_reads, server_writes) = self.server.split();
            let to_server = pass_on(
                client_reads,
                server_writes,
                Direction::ToServer,
                self.faults.clone(),
                &self.inspectors,
            );
            let to_client = pass_on(
                server_reads,
                client_writes,
                Direction::ToClient,
                self.faults.clone(),
                &self.inspectors,
            );
            tokio::select! {
                biased;
                end = told_to_end(self.faults, self.before) => end,
                passed = async { tokio::try_join!(to_server, to_client) } => match passed {
                    Ok(_) => End::Closed,
                    Err(end) => end,
                },
            }
        };
        match end {
            End::Closed => {}
            End::Cut => {
                tokio::join!(close(self.client), close(self.server));
            }
            // The two sockets stay open, and nobody reads or writes, for as long as there is a proxy.
            End::Lost => proxy_ends(proxy).await,
            End::Broken | End::Reset => {
                reset(self.client);
                reset(self.server);
            }
        }
    }
}

async fn proxy_ends(mut faults: watch::Receiver<Faults>) {
    while faults.changed().await.is_ok() {}
}

/// Drops the connection with an RST.
pub(super) fn reset(stream: TcpStream) {
    // Where this fails, the peer has closed already and sees no difference.
    let _reset = stream.set_zero_linger();
    drop(stream);
}

/// Sends a FIN, then reads on until the peer's. Dropping a socket that has bytes unread would send
/// an RST after the FIN.
async fn close(mut stream: TcpStream) {
    let _closed = stream.shutdown().await;
    let mut ignored = [0; 1024];
    while stream
        .read(&mut ignored)
        .await
        .is_ok_and(|length| length > 0)
    {}
}

async fn told_to_end(mut faults: watch::Receiver<Faults>, before: Faults) -> End {
    loop {
        let now = *faults.borrow_and_update();
        if now.resets > before.resets {
            return End::Reset;
        }
        if now.losses > before.losses {
            return End::Lost;
        }
        // When the proxy is gone, its task ends this one at any moment.
        if now.cuts > before.cuts || faults.changed().await.is_err() {
            return End::Cut;
        }
    }
}

/// Passes on what comes, and the end of it, as the faults of the direction allow.
async fn pass_on(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut faults: watch::Receiver<Faults>,
    inspectors: &Inspectors,
) -> Result<(), End> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length > 0 {
            match inspectors.look(direction, &chunk[..length]) {
                Passage::Pass => {}
                Passage::Hold => held_until_resumed(&mut faults).await,
                Passage::Cut => return Err(End::Cut),
                Passage::Reset => return Err(End::Reset),
            }
        }
        held_back(direction, &mut faults).await;
        if length == 0 {
            return Ok(to.shutdown().await?);
        }
        to.write_all(&chunk[..length]).await?;
    }
}

async fn held_until_resumed(faults: &mut watch::Receiver<Faults>) {
    let before = faults.borrow().resumes;
    let _resumed = faults.wait_for(|faults| faults.resumes > before).await;
}

/// Waits as long as the faults demand: the delay, and then the stall, unless both are lifted
/// earlier.
async fn held_back(direction: Direction, faults: &mut watch::Receiver<Faults>) {
    let delay = faults.borrow().on(direction).delay;
    if !delay.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _lifted = faults.wait_for(|faults| faults.on(direction).delay.is_zero()) => {}
        }
    }
    let _lifted = faults
        .wait_for(|faults| !faults.on(direction).stalled)
        .await;
}
