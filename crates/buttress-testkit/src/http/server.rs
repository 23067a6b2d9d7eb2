use std::convert::Infallible;
use std::error::Error;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};

use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tower_service::Service;

/// A service behind a socket, until this is dropped: the listener and every connection close with
/// it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<Infallible>,
}

/// Serves any tower service over HTTP/1.1 and HTTP/2 (with prior knowledge) on a free port of the
/// loopback interface.
///
/// # Panics
///
/// Panics when the loopback interface has no free port.
pub async fn serve<S, B>(service: S) -> Server
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let (listener, address) =
        match bound.and_then(|listener| listener.local_addr().map(|address| (listener, address))) {
            Ok(bound) => bound,
            Err(error) => panic!("no port to serve on: {error}"),
        };
    let accepting = tokio::spawn(async move {
        // Aborting this task drops the set, and the set aborts the connections.
        let mut connections = JoinSet::new();
        loop {
            // A connection that was gone before it was accepted concerns its client alone.
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let service = TowerToHyperService::new(service.clone());
            connections.spawn(async move {
                // How a connection ends is for the client's side of the test to judge.
                let _ended = auto::Builder::new(TokioExecutor::new())
                    .serve_connection_with_upgrades(TokioIo::new(stream), service)
                    .await;
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Server { address, accepting }
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The absolute URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
