//! Services to put layers around, and a store that is elsewhere.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use ::http::{Request, Response};
use async_trait::async_trait;
use buttress_ratelimit::{
    Clock, Error, Global, Key, Levels, OnStoreError, Quotas, RateLimitLayer, RateLimitStore,
    SharedStore,
};
use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Service, service_fn};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers everything with 200.
pub(crate) fn hello<B: Send + 'static>()
-> impl Service<Request<B>, Response = Answer, Error = Infallible, Future: Send> + Clone + Send + Sync
{
    answering(&[])
}

/// Answers everything with 200 and these fields.
pub(crate) fn answering<B: Send + 'static>(
    fields: &'static [(&'static str, &'static str)],
) -> impl Service<Request<B>, Response = Answer, Error = Infallible, Future: Send> + Clone + Send + Sync
{
    service_fn(move |_: Request<B>| async move {
        let mut response = Response::builder();
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        Ok(response.body(Full::from("hello")).expect("fields"))
    })
}

/// One bucket for all.
pub(crate) fn shared(limiter: &buttress_ratelimit::RateLimiter) -> RateLimitLayer {
    RateLimitLayer::new(limiter.clone()).with_key(Global)
}

/// What this store itself answers, however long that takes on a busy machine: nothing decides instead, and it is never
/// left alone, since time flies.
pub(crate) fn bare(store: impl RateLimitStore + 'static) -> SharedStore {
    // Longer than any pause, and much shorter than what buckets take.
    let steps = AtomicU32::new(0);
    let clock =
        Clock::new(move || Duration::from_millis(1_001) * steps.fetch_add(1, Ordering::Relaxed));
    SharedStore::new(store)
        .with_store_timeout(Duration::from_secs(600))
        .with_on_store_error(OnStoreError::Deny)
        .with_clock(clock)
}

/// A store that one has to wait for, and that can fail. Its buckets never fill.
#[derive(Clone, Default)]
pub(crate) struct Elsewhere {
    missing: Arc<Mutex<HashMap<Vec<u8>, Vec<u64>>>>,
    failing: Arc<AtomicBool>,
    /// Calls wait for a permit when there are any.
    gate: Arc<Mutex<Option<Arc<Semaphore>>>>,
}

impl Elsewhere {
    /// It decides, or nothing does.
    pub(crate) fn shared(&self) -> SharedStore {
        bare(self.clone())
    }

    pub(crate) fn fail(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn recover(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    /// Every call waits for a permit of this from now on.
    pub(crate) fn hold(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().expect("no test has panicked") = Some(Arc::clone(&gate));
        gate
    }

    /// How many nanoseconds the first bucket of the key is from being full.
    pub(crate) fn missing(&self, key: &Key) -> u64 {
        let missing = self.missing.lock().expect("no test has panicked");
        missing.get(key.as_bytes()).map_or(0, |levels| levels[0])
    }

    async fn reached(&self) -> Result<(), Error> {
        let gate = self.gate.lock().expect("no test has panicked").clone();
        match gate {
            Some(gate) => gate.acquire().await.expect("it is never closed").forget(),
            None => tokio::task::yield_now().await,
        }
        match self.failing.load(Ordering::Relaxed) {
            true => Err(Error::store("the store at 10.1.2.3 is away")),
            false => Ok(()),
        }
    }

    fn with<T>(&self, key: &Key, quotas: &Quotas, work: impl FnOnce(&mut Vec<u64>) -> T) -> T {
        let mut missing = self.missing.lock().expect("no test has panicked");
        let full = || vec![0; quotas.rates().len()];
        work(missing.entry(key.as_bytes().to_vec()).or_insert_with(full))
    }
}

#[async_trait]
impl RateLimitStore for Elsewhere {
    fn check_quotas(&self, _: &Quotas, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        self.reached().await?;
        Ok(self.with(key, quotas, |missing| {
            let before = missing.iter().copied().collect();
            let granted = quotas.granted(missing, cost, count);
            for (level, rate) in missing.iter_mut().zip(quotas.rates()) {
                *level += rate.interval() * u64::from(cost) * u64::from(granted);
            }
            before
        }))
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        self.reached().await?;
        Ok(self.with(key, quotas, |missing| {
            let before = missing.iter().copied().collect();
            for (level, rate) in missing.iter_mut().zip(quotas.rates()) {
                let change = rate.interval() * by.unsigned_abs();
                *level = match by < 0 {
                    true => level.saturating_sub(change),
                    false => (*level + change).min(rate.deepest()),
                };
            }
            before
        }))
    }

    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error> {
        self.reached().await?;
        self.with(key, quotas, |levels| levels.copy_from_slice(missing));
        Ok(())
    }
}
