use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;

/// Clients that have connected and are not accepted yet.
const BACKLOG: u32 = 128;

/// A port that can stop listening and begin again.
#[derive(Debug)]
pub(super) struct Listening {
    /// Holds the port, without listening, so that nobody else gets it while connections are
    /// refused.
    _port: TcpSocket,
    address: SocketAddr,
    state: Mutex<State>,
    runtime: Handle,
}

#[derive(Debug)]
struct State {
    listener: Option<TcpListener>,
    accepting: Option<Waker>,
}

impl Listening {
    pub(super) fn start() -> io::Result<Self> {
        let port = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = port.local_addr()?;
        let listener = socket(address)?.listen(BACKLOG)?;
        Ok(Self {
            _port: port,
            address,
            state: Mutex::new(State {
                listener: Some(listener),
                accepting: None,
            }),
            runtime: Handle::current(),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener at once. The system resets clients that were not accepted yet, and
    /// refuses those that come.
    pub(super) fn stop(&self) {
        self.state().listener = None;
    }

    /// Listens, unless it does.
    pub(super) fn again(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.listener.is_none() {
            let _runtime = self.runtime.enter();
            state.listener = Some(socket(self.address)?.listen(BACKLOG)?);
            if let Some(waker) = state.accepting.take() {
                waker.wake();
            }
        }
        Ok(())
    }

    /// The next client, also across times of not listening.
    pub(super) async fn accept(&self) -> TcpStream {
        poll_fn(|context| {
            let mut state = self.state();
            state.accepting = Some(context.waker().clone());
            while let Some(listener) = &state.listener {
                match listener.poll_accept(context) {
                    Poll::Ready(Ok((client, _))) => return Poll::Ready(client),
                    // The client was gone before it was accepted.
                    Poll::Ready(Err(_)) => {}
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two sockets of ours may have the same port, since both say so; only one of them ever listens.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}
