//! A store that hangs, fails, is slow, and counts what it is asked.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_ratelimit::{
    Clock, Error, Key, Levels, Quota, Quotas, RateLimitStore, RateLimiter, SharedStore,
};
use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Answers,
    /// Half of the time passes before it looks at the buckets.
    Takes(Duration),
    /// As the network, if time is not paused.
    Yields(usize),
    Hangs,
    Fails(&'static str),
    CannotDoThis,
}

/// Its time is that of tokio. Clones share everything.
#[derive(Clone)]
pub(crate) struct FakeStore(Arc<State>);

struct State {
    began: Instant,
    mode: Mutex<Mode>,
    /// When they are full.
    buckets: Mutex<HashMap<Bucket, Vec<u64>>>,
    /// Tokens that were taken and put back, and when: of a single quota.
    taken: Mutex<Vec<(u64, i64)>>,
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

/// A key, and the tag of quotas.
type Bucket = (Vec<u8>, u64);

impl FakeStore {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            began: Instant::now(),
            mode: Mutex::new(Mode::Answers),
            buckets: Mutex::default(),
            taken: Mutex::default(),
            calls: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn is_now(&self, mode: Mode) {
        *self.0.mode.lock().unwrap() = mode;
    }

    /// How many calls there were since it was asked for this the last time.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.0.most_in_flight.load(Ordering::Relaxed)
    }

    /// How many tokens were taken of all buckets, less those that were put back.
    pub(crate) fn taken(&self) -> i64 {
        let taken = self.0.taken.lock().unwrap();
        taken.iter().map(|(_, tokens)| tokens).sum()
    }

    /// With a clock that goes as tokio's.
    pub(crate) fn shared(&self) -> SharedStore {
        let began = self.0.began;
        SharedStore::new(self.clone()).with_clock(Clock::new(move || began.elapsed()))
    }

    pub(crate) fn limiter(
        &self,
        options: impl FnOnce(SharedStore) -> SharedStore,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> RateLimiter {
        RateLimiter::with_store(options(self.shared()), quotas).expect("a limiter")
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_nanos()).expect("a time of a test")
    }

    async fn call<T>(&self, work: impl FnOnce(&Self) -> T) -> Result<T, Error> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let _in_flight = InFlight::new(&self.0);
        let mode = *self.0.mode.lock().unwrap();
        match mode {
            Mode::Answers => Ok(work(self)),
            Mode::Takes(time) => {
                tokio::time::sleep(time / 2).await;
                let answer = work(self);
                tokio::time::sleep(time / 2).await;
                Ok(answer)
            }
            Mode::Yields(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
                let answer = work(self);
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
                Ok(answer)
            }
            Mode::Hangs => std::future::pending().await,
            Mode::Fails(message) => Err(Error::store(message)),
            Mode::CannotDoThis => Err(Error::unsupported("it cannot do this")),
        }
    }

    /// Changes what is missing of the buckets, and answers what was missing before.
    fn change(&self, key: &Key, quotas: &Quotas, change: impl FnOnce(&mut Levels)) -> Levels {
        let now = self.now();
        let mut buckets = self.0.buckets.lock().unwrap();
        let missing = |quotas: &Quotas, full_at: &[u64]| -> Levels {
            let rates = quotas.rates().iter().zip(full_at);
            rates
                .map(|(rate, full_at)| full_at.saturating_sub(now).min(rate.deepest()))
                .collect()
        };
        let before = find(quotas, &|quotas| {
            let full_at = buckets.get(&(key.as_bytes().to_vec(), quotas.tag()))?;
            Some(missing(quotas, full_at))
        });
        let before = before.unwrap_or_else(|| Levels::full(quotas.rates().len()));
        let mut after = before;
        change(&mut after);
        let interval = i128::from(quotas.rates()[0].interval());
        let tokens = (i128::from(after[0]) - i128::from(before[0])) / interval;
        let taken = (now, i64::try_from(tokens).unwrap());
        self.0.taken.lock().unwrap().push(taken);
        let full_at = after.iter().map(|missing| now + missing).collect();
        buckets.insert((key.as_bytes().to_vec(), quotas.tag()), full_at);
        before
    }
}

/// What is missing of the buckets, or else of those that are inherited.
fn find(quotas: &Quotas, missing: &dyn Fn(&Quotas) -> Option<Levels>) -> Option<Levels> {
    let inherited = || Some(quotas.inherited(&find(quotas.previous()?, missing)?));
    missing(quotas).or_else(inherited)
}

#[async_trait]
impl RateLimitStore for FakeStore {
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
        self.call(|store| {
            store.change(key, quotas, |missing| {
                let granted = quotas.granted(missing, cost, count);
                for (missing, rate) in missing.iter_mut().zip(quotas.rates()) {
                    *missing += rate.interval() * u64::from(cost) * u64::from(granted);
                }
            })
        })
        .await
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        self.call(|store| {
            store.change(key, quotas, |missing| {
                for (missing, rate) in missing.iter_mut().zip(quotas.rates()) {
                    let change = rate.interval() * by.unsigned_abs();
                    *missing = match by < 0 {
                        true => missing.saturating_sub(change),
                        false => (*missing + change).min(rate.deepest()),
                    };
                }
            })
        })
        .await
    }

    async fn set(&self, key: &Key, quotas: &Quotas, levels: &[u64]) -> Result<(), Error> {
        self.call(|store| {
            let _ = store.change(key, quotas, |missing| missing.copy_from_slice(levels));
        })
        .await
    }
}

struct InFlight<'a>(&'a State);

impl<'a> InFlight<'a> {
    fn new(state: &'a State) -> Self {
        let now = 1 + state.in_flight.fetch_add(1, Ordering::Relaxed);
        state.most_in_flight.fetch_max(now, Ordering::Relaxed);
        Self(state)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
