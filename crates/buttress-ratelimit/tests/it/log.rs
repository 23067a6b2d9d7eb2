//! What is logged on this thread.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// With a single subscriber, tracing asks that of the thread which comes first to a line whether anyone wants what it logs. In other tests
/// there is none.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

impl Log {
    /// Everything that the future logs, at every level.
    pub(crate) async fn of<T>(future: impl Future<Output = T>) -> (T, String) {
        LazyLock::force(&ANOTHER);
        let log = Self::default();
        let writer = log.clone();
        let guard = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish()
            .set_default();
        let output = future.await;
        drop(guard);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (output, text)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
