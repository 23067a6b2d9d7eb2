//! What stands between a limiter and a store that may fail, hang or be away.

mod breaker;
mod local;
mod on_store_error;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

pub(crate) use local::Local;
pub use on_store_error::OnStoreError;

use breaker::{Admission, Breaker};

use crate::{Clock, Error, ErrorKind, Key, Levels, Quotas, RateLimitStore, metrics};

/// A store with an end to every call, which is left alone while it is away.
pub(crate) struct Guarded {
    store: Box<dyn RateLimitStore>,
    timeout: Duration,
    clock: Clock,
    /// Nothing has failed since the last call that went well: nobody needs the lock.
    calm: AtomicBool,
    breaker: Mutex<Breaker>,
}

/// Why a store has not decided. Clones are for those who waited for the same call.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It was not asked, since it has failed too often.
    Away,
    /// It failed, or did not answer in time.
    Failed(Arc<Error>),
    /// It has answered that it cannot do this.
    Refused(Arc<Error>),
}

type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Guarded {
    pub(crate) fn new(store: Box<dyn RateLimitStore>, timeout: Duration, clock: Clock) -> Self {
        Self {
            store,
            timeout,
            clock,
            calm: AtomicBool::new(true),
            breaker: Mutex::new(Breaker::new()),
        }
    }

    /// # Errors
    ///
    /// As [`RateLimitStore::check_quotas`].
    pub(crate) fn check_quotas(&self, quotas: &Quotas, replaced: bool) -> Result<(), Error> {
        self.store.check_quotas(quotas, replaced)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Failure> {
        let call = || self.store.charge(key, quotas, cost, count);
        self.call(call, |levels| of_all(levels, quotas)).await
    }

    pub(crate) async fn adjust(
        &self,
        key: &Key,
        quotas: &Quotas,
        by: i64,
    ) -> Result<Levels, Failure> {
        let call = || self.store.adjust(key, quotas, by);
        self.call(call, |levels| of_all(levels, quotas)).await
    }

    pub(crate) async fn set(
        &self,
        key: &Key,
        quotas: &Quotas,
        missing: &[u64],
    ) -> Result<(), Failure> {
        let call = || self.store.set(key, quotas, missing);
        self.call(call, |()| Ok(())).await
    }

    /// Calls the store, if it is not left alone just now.
    async fn call<'a, T>(
        &self,
        call: impl FnOnce() -> Call<'a, T>,
        check: impl FnOnce(&T) -> Result<(), Error>,
    ) -> Result<T, Failure> {
        let attempt = self.attempt().ok_or(Failure::Away)?;
        let mut call = call();
        // A store that answers at once, in this process, needs no timer.
        let at_once = poll_fn(|cx| {
            Poll::Ready(match call.as_mut().poll(cx) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            })
        });
        let answer = match at_once.await {
            Some(answer) => answer,
            None => timeout(self.timeout, call).await.unwrap_or_else(|_| {
                Err(Error::store(format!(
                    "the store has not answered within {:?}",
                    self.timeout
                )))
            }),
        };
        let answer = answer.and_then(|answer| check(&answer).map(|()| answer));
        match answer {
            Ok(answer) => {
                attempt.succeeded();
                Ok(answer)
            }
            Err(error) if error.kind() == ErrorKind::Store => {
                attempt.failed(&error);
                Err(Failure::Failed(Arc::new(error)))
            }
            Err(error) => {
                attempt.succeeded();
                Err(Failure::Refused(Arc::new(error)))
            }
        }
    }

    fn attempt(&self) -> Option<Attempt<'_>> {
        let began = self.clock.nanos();
        let admission = match self.calm.load(Ordering::Acquire) {
            true => Admission::All,
            false => self.breaker().admit(began),
        };
        (admission != Admission::Nobody).then_some(Attempt {
            guarded: self,
            admission,
            began,
            pending: true,
        })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// # Errors
///
/// When it is not one number for each quota: what is not said to be missing would be let pass.
fn of_all(levels: &Levels, quotas: &Quotas) -> Result<(), Error> {
    if levels.len() == quotas.len() {
        return Ok(());
    }
    Err(Error::store(format!(
        "the store has answered what is missing of {} buckets, and there are {} quotas",
        levels.len(),
        quotas.len()
    )))
}

/// One call under way. Dropped early, it is as if it had never begun. Dropped when the store has had half of its time, it has failed: those
/// who have less patience than the store is given are to learn that it is away, too.
struct Attempt<'a> {
    guarded: &'a Guarded,
    admission: Admission,
    began: u64,
    pending: bool,
}

impl Attempt<'_> {
    fn succeeded(mut self) {
        self.pending = false;
        let guarded = self.guarded;
        if guarded.calm.load(Ordering::Acquire) {
            return;
        }
        let mut breaker = guarded.breaker();
        let ended = breaker.succeeded(self.admission, guarded.clock.nanos());
        if *breaker == Breaker::new() {
            guarded.calm.store(true, Ordering::Release);
        }
        drop(breaker);
        if let Some(nanos) = ended {
            let took = Duration::from_nanos(nanos);
            tracing::warn!(?took, "the store of a rate limiter decides again");
        }
    }

    fn failed(mut self, error: &Error) {
        self.fail(error);
    }

    fn fail(&mut self, error: &Error) {
        self.pending = false;
        let guarded = self.guarded;
        let mut breaker = guarded.breaker();
        guarded.calm.store(false, Ordering::Release);
        let began = breaker.failed(self.admission, self.began, guarded.clock.nanos());
        drop(breaker);
        metrics::store_failed(began);
        if began {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the store of a rate limiter is away");
        } else {
            tracing::debug!(%error, "the store of a rate limiter has failed");
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.pending {
            return;
        }
        let now = self.guarded.clock.nanos();
        let waited = Duration::from_nanos(now.saturating_sub(self.began));
        if waited >= self.guarded.timeout / 2 {
            self.fail(&Error::store(format!(
                "the store has not answered within {waited:?}, and nobody waits for it any more"
            )));
        } else if self.admission == Admission::Probe {
            self.guarded.breaker().abandoned(now);
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away => Self::store("the store is left alone, since it has failed too often"),
            // Of several that waited for one call, each gets an error, and the last one the very one.
            Failure::Failed(error) | Failure::Refused(error) => Arc::try_unwrap(error)
                .unwrap_or_else(|error| {
                    Self::new(error.kind(), "the store has failed").with_source(error)
                }),
        }
    }
}
