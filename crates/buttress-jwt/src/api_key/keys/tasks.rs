//! What goes on when nobody waits for it any more.

use std::{panic, sync::Arc, time::Duration};

use tokio::{task::JoinError, time::timeout};

use super::{Inner, unanswered};
use crate::{ApiKeyStore, Error, ErrorKind, WhichKeys, api_key::memories::Memories};

/// How much longer than its callers wait a store is listened to, but not for ever.
const LATE: Duration = Duration::from_secs(60);

impl Inner {
    /// Changes these keys in the store, and then forgets what is remembered of them here.
    ///
    /// It is done in a task of its own, and only the wait for it is limited: what was begun is finished, and what the
    /// store has done is known here, also when the caller hangs up or the answer comes too late.
    pub(super) async fn change<T, F>(
        &self,
        which: WhichKeys,
        change: impl FnOnce(Arc<dyn ApiKeyStore>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let meant = which.clone();
        let forget = Forget {
            memories: Arc::clone(&self.memories),
            which,
        };
        let work = change(Arc::clone(&self.store));
        let patience = self.store_timeout.saturating_add(LATE);
        let task = self.tasks.spawn(async move {
            let _forget = forget;
            timeout(patience, work)
                .await
                .unwrap_or_else(|elapsed| Err(unanswered(elapsed)))
        })?;
        match timeout(self.store_timeout, task).await {
            Ok(answer) => answer.unwrap_or_else(|failed| Err(stopped(failed))),
            Err(elapsed) => {
                // It may have been done.
                self.memories.forget(&meant);
                Err(unanswered(elapsed))
            }
        }
    }
}

/// Forgets after the store has been asked, whatever it answered: the keys may have changed, or elsewhere before.
struct Forget {
    memories: Arc<Memories>,
    which: WhichKeys,
}

impl Drop for Forget {
    fn drop(&mut self) {
        self.memories.forget(&self.which);
    }
}

/// A panic goes on where it was waited for.
fn stopped(failed: JoinError) -> Error {
    match failed.try_into_panic() {
        Ok(cause) => panic::resume_unwind(cause),
        Err(failed) => Error::new(
            ErrorKind::Store,
            "the runtime stopped before the API key was done with",
        )
        .with_source(failed),
    }
}
