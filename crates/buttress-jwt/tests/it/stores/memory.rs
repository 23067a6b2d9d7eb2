use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use buttress_jwt::{
    Clock, MemoryRefreshStore, RefreshStore,
    testing::{StoreHarness, check_store},
};

use super::start;

struct Memory {
    store: MemoryRefreshStore,
    time: Arc<Mutex<SystemTime>>,
}

impl Memory {
    fn new() -> Self {
        let time = Arc::new(Mutex::new(start()));
        let shown = Arc::clone(&time);
        let clock = Clock::new(move || *shown.lock().expect("a time"));
        Self {
            store: MemoryRefreshStore::new().with_clock(clock),
            time,
        }
    }
}

#[async_trait]
impl StoreHarness for Memory {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        Arc::new(self.store.clone())
    }

    async fn advance(&self, by: Duration) {
        *self.time.lock().expect("a time") += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Memory::new()).await;
}
