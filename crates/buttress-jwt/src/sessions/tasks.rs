//! What goes on when nobody waits for it any more.

use std::{panic, sync::Arc, time::Duration};

use tokio::{sync::OwnedSemaphorePermit, task::JoinError, time::timeout};

use super::{Inner, Sessions};
use crate::{Error, ErrorKind};

/// How much longer than its callers wait a store is listened to. Not for ever, or a store that hangs would be
/// the end of the memory.
const LATE: Duration = Duration::from_secs(60);

impl Inner {
    /// Asks the store, and whatever belongs to the answer.
    ///
    /// It is done in a task of its own, and only the wait for it is limited: what the store has done is done,
    /// and has to be told also when the answer comes too late for the caller. How many there may be is limited,
    /// or a store that hangs would be the end of the memory all the same.
    pub(super) async fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let place = self.place()?;
        let patience = self.store_timeout.saturating_add(LATE);
        let task = self.tasks.spawn(async move {
            let _place = place;
            let answer = timeout(patience, work).await;
            answer.unwrap_or_else(|_| Err(unanswered()))
        })?;
        match timeout(self.store_timeout, task).await {
            Ok(answer) => answer.unwrap_or_else(|failed| Err(stopped(failed))),
            Err(_) => Err(unanswered()),
        }
    }

    /// Room for one call that waits for the store.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Error::new(
                ErrorKind::Store,
                "too many calls wait for the store of sessions",
            )
        })
    }
}

impl Sessions {
    /// Runs in a task of its own, which goes on when the caller goes away.
    pub(super) async fn apart<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let result = self.inner.tasks.spawn(work)?.await;
        result.unwrap_or_else(|failed| Err(stopped(failed).into()))
    }
}

/// A panic goes on where it was waited for.
fn stopped(failed: JoinError) -> Error {
    match failed.try_into_panic() {
        Ok(cause) => panic::resume_unwind(cause),
        Err(failed) => Error::new(
            ErrorKind::Store,
            "the runtime stopped before the session was done with",
        )
        .with_source(failed),
    }
}

pub(super) fn unanswered() -> Error {
    Error::new(
        ErrorKind::Store,
        "the store of sessions did not answer in time",
    )
}
