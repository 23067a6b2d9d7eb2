//! A clock that tests move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use buttress_ratelimit::{Clock, MemoryStore, Quota, RateLimiter};

#[derive(Clone, Default)]
pub(crate) struct Time(Arc<AtomicU64>);

impl Time {
    /// Somewhere in the middle, so that it can be set back.
    pub(crate) fn new() -> Self {
        let time = Self::default();
        time.pass(Duration::from_secs(1 << 20));
        time
    }

    pub(crate) fn clock(&self) -> Clock {
        let nanos = Arc::clone(&self.0);
        Clock::new(move || Duration::from_nanos(nanos.load(Ordering::Relaxed)))
    }

    pub(crate) fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("a time of a test");
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn go_back(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("a time of a test");
        self.0.fetch_sub(nanos, Ordering::Relaxed);
    }

    pub(crate) fn limiter(&self, quotas: impl IntoIterator<Item = Quota>) -> RateLimiter {
        self.limiter_for(1_000, quotas)
    }

    pub(crate) fn limiter_for(
        &self,
        keys: usize,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> RateLimiter {
        let store = MemoryStore::new()
            .with_max_keys(keys)
            .with_clock(self.clock());
        RateLimiter::with_memory(&store, quotas).expect("quotas")
    }
}
