use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// One of the requests that there may be at once, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// All of them, and who waits for one.
#[derive(Clone, Debug)]
pub(super) struct Permits {
    free: Arc<Semaphore>,
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
    places: Arc<Semaphore>,
    time: Duration,
}

/// The place of one who waits.
pub(super) struct Queued {
    free: Arc<Semaphore>,
    time: Duration,
    _place: OwnedSemaphorePermit,
}

impl Permits {
    pub(super) fn new(requests: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(requests)),
            waiting: None,
        }
    }

    pub(super) fn with_waiting(mut self, requests: usize, time: Duration) -> Self {
        let places = Arc::new(Semaphore::new(requests.min(Semaphore::MAX_PERMITS)));
        self.waiting = Some(Waiting { places, time });
        self
    }

    pub(super) fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// A permit, if there is one at once. Nobody overtakes who waits: a permit that comes back goes to them.
    pub(super) fn take(&self) -> Option<Permit> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Permit { _permit: permit })
    }

    /// A place among those who wait, if there is one, and a runtime whose time can be waited for.
    pub(super) fn queue(&self) -> Option<Queued> {
        let waiting = self.waiting.as_ref()?;
        Handle::try_current().ok()?;
        Some(Queued {
            _place: Arc::clone(&waiting.places).try_acquire_owned().ok()?,
            free: Arc::clone(&self.free),
            time: waiting.time,
        })
    }
}

impl Queued {
    pub(super) async fn permit(self) -> Option<Permit> {
        let permit = timeout(self.time, self.free.acquire_owned()).await;
        Some(Permit {
            _permit: permit.ok()?.ok()?,
        })
    }
}
