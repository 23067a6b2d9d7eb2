//! What several benches need.

mod interleaved;

pub use interleaved::Interleaved;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::Empty;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tower_service::Service;

/// The head of a request as hyper parses it off a connection: its parts share one buffer, so that
/// they are cloned by counting references.
///
/// # Panics
///
/// When `text` is not one whole request.
#[must_use]
pub fn parsed_head(text: &str) -> Parts {
    let (sender, receiver) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        client
            .write_all(text.as_bytes())
            .await
            .expect("the buffer is large enough");
        let service = service_fn(|request: Request<_>| {
            let _ = sender.send(request.into_parts().0);
            ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
        });
        let mut connection =
            pin!(http1::Builder::new().serve_connection(TokioIo::new(server), service));
        // One turn reads the request, and the answer fits the buffer.
        let _ = poll_once(connection.as_mut());
    });
    receiver.try_recv().expect("a whole request")
}

/// Polls a future that needs no runtime.
pub fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Sends a request to a service that answers at once.
///
/// # Errors
///
/// When the service fails.
///
/// # Panics
///
/// When the service has to wait.
pub fn call<S: Service<Request<()>>>(
    service: &mut S,
    request: Request<()>,
) -> Result<S::Response, S::Error> {
    match poll_once(service.call(request)) {
        Poll::Ready(answer) => answer,
        Poll::Pending => unreachable!("the service answers at once"),
    }
}

/// The least that a service can do: an empty 200.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}
