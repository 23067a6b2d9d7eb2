//! Work that goes on when nobody waits for it.

use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

use crate::{Error, ErrorKind};

/// Tasks that are counted, so that a shutdown can wait for the last one. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks(watch::Sender<usize>);

impl Tasks {
    /// Does this in a task of its own.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>, Error> {
        let runtime = runtime()?;
        self.0.send_modify(|tasks| *tasks += 1);
        let counted = Counted(self.0.clone());
        Ok(runtime.spawn(async move {
            let _counted = counted;
            work.await
        }))
    }

    /// Ends when there is none.
    pub(crate) async fn idle(&self) {
        let mut tasks = self.0.subscribe();
        // There is a sender as long as this lives.
        let _none = tasks.wait_for(|tasks| *tasks == 0).await;
    }
}

/// The runtime that this is called in. To spawn or to wait in none would be a panic.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|none| {
        Error::new(
            ErrorKind::Store,
            "stores of sessions and API keys are asked inside of a Tokio runtime only",
        )
        .with_source(none)
    })
}

/// A task, until it is done, has panicked, or was dropped by its runtime.
struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|tasks| *tasks -= 1);
    }
}
