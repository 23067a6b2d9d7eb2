//! Serving until told to stop.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot};

/// Serves until SIGTERM or SIGINT, and then until the requests in flight are answered.
///
/// # Errors
///
/// When the signals cannot be listened to, when requests are still in flight after `drain_timeout`,
/// or at a second signal.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    drain_timeout: Duration,
) -> Result<(), ServeError> {
    let mut signals = Signals::new().map_err(ServeError::Signals)?;
    let (stop, stopped) = oneshot::channel();
    // Limits ask where a request comes from.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service)
        // A sender that is gone means stop, too.
        .with_graceful_shutdown(async { _ = stopped.await })
        .into_future();

    let told_to_stop_twice = async {
        signals.next().await;
        tracing::info!("told to stop; finishing the requests in flight");
        _ = stop.send(());
        match tokio::time::timeout(drain_timeout, signals.next()).await {
            Ok(()) => ServeError::SecondSignal,
            Err(_) => ServeError::DrainTimeout(drain_timeout),
        }
    };
    tokio::select! {
        // Who is done at the last moment is done.
        biased;
        result = server => result.map_err(ServeError::Accept),
        error = told_to_stop_twice => Err(error),
    }
}

/// Why it did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The process cannot be told to stop.
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
    /// The listener is broken.
    #[error("connections cannot be accepted")]
    Accept(#[source] io::Error),
    /// The time for what was in flight is up.
    #[error("requests in flight were cut off: they were not done after {0:?}")]
    DrainTimeout(Duration),
    /// Somebody is in a hurry.
    #[error("requests in flight were cut off by a second signal")]
    SecondSignal,
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            terminate,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // An error means that there is no console to press Ctrl-C in.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
