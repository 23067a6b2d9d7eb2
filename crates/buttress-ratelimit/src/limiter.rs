use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use crate::{
    Decision, Error, Inherit, Key, Levels, MemoryStore, Quota, Quotas, SharedStore,
    decision::Snapshot, shared::Shared, store::memory::Memory, waiting::Lines,
};

/// Decides whether there is room for one more: quotas, and the buckets of all keys.
///
/// Several quotas are one decision: when one of them refuses, none is charged. Clones share everything.
///
/// ```
/// use buttress_ratelimit::{Key, Quota, RateLimiter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_ratelimit::Error> {
/// let limiter = RateLimiter::in_process([
///     Quota::per_second(10).burst(2).named("burst"),
///     Quota::per_hour(5_000).named("sustained"),
/// ])?;
/// let paul = Key::from("paul");
/// assert!(limiter.check(&paul, 1).await?.is_allowed());
/// assert!(limiter.check(&paul, 1).await?.is_allowed());
///
/// let refused = limiter.check(&paul, 1).await?;
/// assert!(!refused.is_allowed() && refused.retry_after().is_some());
/// let violated: Vec<_> = refused.violated().map(|state| state.quota.name()).collect();
/// assert_eq!(violated, ["burst"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    inner: Arc<Inner>,
}

struct Inner {
    quotas: ArcSwap<Quotas>,
    replacing: Mutex<()>,
    backend: Backend,
    lines: Lines,
}

enum Backend {
    Memory(Memory),
    Shared(Arc<Shared>),
}

impl RateLimiter {
    /// Keeps its buckets in this process, with room for 100,000 keys.
    ///
    /// # Errors
    ///
    /// As [`with_memory`](Self::with_memory).
    pub fn in_process(quotas: impl IntoIterator<Item = Quota>) -> Result<Self, Error> {
        Self::with_memory(&MemoryStore::new(), quotas)
    }

    /// Keeps its buckets in this process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidQuota`](crate::ErrorKind::InvalidQuota) when there is no quota or more than eight, when two
    /// have one name, and when one makes no sense: the text names it.
    pub fn with_memory(
        store: &MemoryStore,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, Error> {
        let quotas = Quotas::new(quotas)?;
        let quotas = Arc::new(quotas);
        let memory = Memory::new(store, &quotas);
        Ok(Self::of(quotas, Backend::Memory(memory)))
    }

    /// Keeps its buckets in a store outside of this process: a [`RateLimitStore`](crate::RateLimitStore), or a
    /// [`SharedStore`] that says how it is dealt with, above all when it fails.
    ///
    /// # Errors
    ///
    /// As [`with_memory`](Self::with_memory), and
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when a setting of the store makes no
    /// sense, or not with these quotas.
    pub fn with_store(
        store: impl Into<SharedStore>,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Result<Self, Error> {
        let quotas = Arc::new(Quotas::new(quotas)?);
        let shared = Shared::new(store.into(), &quotas)?;
        Ok(Self::of(quotas, Backend::Shared(Arc::new(shared))))
    }

    fn of(quotas: Arc<Quotas>, backend: Backend) -> Self {
        Self {
            inner: Arc::new(Inner {
                quotas: ArcSwap::new(quotas),
                replacing: Mutex::new(()),
                backend,
                lines: Lines::default(),
            }),
        }
    }

    /// Takes this many tokens out of every bucket of the key, or none. A cost of 0 takes nothing and is always allowed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CostTooLarge`](crate::ErrorKind::CostTooLarge) when a bucket never has so many: to wait would be in
    /// vain. [`ErrorKind::Store`](crate::ErrorKind::Store) when the store fails and
    /// [nothing else](crate::OnStoreError::Deny) is to decide.
    pub async fn check(&self, key: &Key, cost: u32) -> Result<Decision, Error> {
        match &self.inner.backend {
            Backend::Memory(memory) => self.check_memory(memory, key, cost),
            Backend::Shared(shared) => {
                // Not the guard, which is for moments, and this may take longer.
                let quotas = self.quotas_for(shared);
                quotas.check_cost(cost)?;
                shared.check(key, quotas, cost).await
            }
        }
    }

    /// [`check`](Self::check) without waiting: `None` if the buckets are not in this process.
    pub fn check_now(&self, key: &Key, cost: u32) -> Option<Result<Decision, Error>> {
        match &self.inner.backend {
            Backend::Memory(memory) => Some(self.check_memory(memory, key, cost)),
            Backend::Shared(_) => None,
        }
    }

    /// Pays the cost if that can be done at once and nothing else is to be known of it: in about half of the time that a
    /// decision takes. `true` is an allowed charge; `false` has charged nothing, and is no refusal:
    /// [`check`](Self::check) says what is. It is `false` whenever the buckets are elsewhere, the cost is 0, or a quota only
    /// counts.
    ///
    /// ```
    /// use buttress_ratelimit::{Error, Key, Quota, RateLimiter};
    ///
    /// async fn passes(limiter: &RateLimiter, key: &Key) -> Result<bool, Error> {
    ///     Ok(limiter.pays_now(key, 1) || limiter.check(key, 1).await?.is_allowed())
    /// }
    /// # let limiter = RateLimiter::in_process([Quota::per_second(1)])?;
    /// # assert!(limiter.pays_now(&Key::global(), 1) && !limiter.pays_now(&Key::global(), 1));
    /// # Ok::<_, Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn pays_now(&self, key: &Key, cost: u32) -> bool {
        match &self.inner.backend {
            Backend::Memory(memory) => memory.pays(key, cost),
            Backend::Shared(_) => false,
        }
    }

    #[inline]
    fn check_memory(&self, memory: &Memory, key: &Key, cost: u32) -> Result<Decision, Error> {
        loop {
            let quotas = self.snapshot();
            quotas.get().check_cost(cost)?;
            if let Some(before) = memory.charge(key, quotas.get(), cost, 1) {
                return Ok(decide(quotas, before, cost));
            }
        }
    }

    /// How things stand for this key: a [`check`](Self::check) that costs nothing.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub async fn peek(&self, key: &Key) -> Result<Decision, Error> {
        self.check(key, 0).await
    }

    /// Puts tokens back that were taken for nothing. No bucket gets fuller than full.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the store fails and nothing is
    /// [decided otherwise](crate::OnStoreError): where everything is allowed meanwhile, nothing is done, and local buckets are changed in its place.
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when it cannot do this.
    pub async fn refund(&self, key: &Key, tokens: u32) -> Result<(), Error> {
        self.adjust(key, -i64::from(tokens)).await
    }

    /// Takes tokens that were spent already, whether there are enough or not: a bucket may be left in
    /// [debt](Quota::debt).
    ///
    /// # Errors
    ///
    /// As [`refund`](Self::refund).
    pub async fn penalize(&self, key: &Key, tokens: u32) -> Result<(), Error> {
        self.adjust(key, i64::from(tokens)).await
    }

    /// Leaves exactly this many tokens in every bucket of the key, or a full bucket where that has fewer.
    ///
    /// # Errors
    ///
    /// As [`refund`](Self::refund).
    pub async fn set(&self, key: &Key, tokens: u32) -> Result<(), Error> {
        match &self.inner.backend {
            Backend::Memory(memory) => {
                self.with_current(|quotas| {
                    let quotas = quotas.get();
                    let levels = quotas.missing_with(tokens);
                    memory.set(key, quotas, &levels).ok_or(Replaced)
                });
                Ok(())
            }
            Backend::Shared(shared) => shared.set(key, &self.quotas(), tokens).await,
        }
    }

    /// Fills all buckets of the key.
    ///
    /// # Errors
    ///
    /// As [`refund`](Self::refund).
    pub async fn reset(&self, key: &Key) -> Result<(), Error> {
        self.set(key, u32::MAX).await
    }

    /// Decides by these quotas from now on. Quotas of one name follow each other: what has been spent under the old one
    /// is [inherited](Inherit) by the new one, for every key, when it is next seen. Equal quotas change nothing, but that all
    /// buckets are full where [nothing](Inherit::Nothing) is inherited.
    ///
    /// In a store, that is for as long as a bucket of the old quotas takes to fill and a minute more, and over up to eight
    /// replacements that a key has missed.
    ///
    /// # Errors
    ///
    /// As [`with_memory`](Self::with_memory); the old quotas stay then.
    pub fn replace(
        &self,
        quotas: impl IntoIterator<Item = Quota>,
        inherit: Inherit,
    ) -> Result<(), Error> {
        // Checked before anybody is kept waiting.
        let quotas: Vec<_> = quotas.into_iter().collect();
        let _ = Quotas::new(quotas.iter().cloned())?;
        // One after the other, so that all buckets are those of the quotas that come before.
        let _alone = self
            .inner
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let current = self.quotas();
        if inherit != Inherit::Nothing && current.are(&quotas) {
            return Ok(());
        }
        let (now, previous) = match &self.inner.backend {
            // All buckets are made others at once.
            Backend::Memory(_) => (0, current.without_previous()),
            Backend::Shared(shared) => {
                let now = shared.now();
                (now, current.with_needed(now))
            }
        };
        let quotas = Arc::new(Quotas::new(quotas)?.after(previous, inherit, now));
        // The local ones are made in the same order, by which it is known which are later.
        let replacement = match &self.inner.backend {
            Backend::Memory(_) => None,
            Backend::Shared(shared) => Some(shared.prepare(&quotas)?),
        };
        self.inner.quotas.store(Arc::clone(&quotas));
        match (&self.inner.backend, replacement) {
            (Backend::Memory(memory), _) => memory.adopt(&quotas),
            (Backend::Shared(shared), Some(local)) => shared.replace(local, inherit),
            (Backend::Shared(_), None) => {}
        }
        Ok(())
    }

    /// The quotas of the moment.
    #[must_use]
    pub fn quotas(&self) -> Arc<Quotas> {
        self.inner.quotas.load_full()
    }

    /// The same, without those before when nothing is left of them to inherit.
    fn quotas_for(&self, shared: &Shared) -> Arc<Quotas> {
        let quotas = self.quotas();
        match quotas.outlived(|| shared.now()) {
            true => self.forget_previous(quotas),
            false => quotas,
        }
    }

    #[cold]
    fn forget_previous(&self, quotas: Arc<Quotas>) -> Arc<Quotas> {
        // Who replaces them now does it as well.
        let Ok(_alone) = self.inner.replacing.try_lock() else {
            return quotas;
        };
        let current = self.quotas();
        if current.id() != quotas.id() {
            return current;
        }
        let current = Arc::new(current.without_previous());
        self.inner.quotas.store(Arc::clone(&current));
        current
    }

    /// What the store answers to several charges at once.
    #[cfg(feature = "testing")]
    pub(crate) async fn charge_many(
        &self,
        key: &Key,
        cost: u32,
        count: u32,
    ) -> Result<(Arc<Quotas>, Levels), Error> {
        match &self.inner.backend {
            Backend::Memory(memory) => Ok(self.with_current(|quotas| {
                let before = memory.charge(key, quotas.get(), cost, count);
                before
                    .map(|before| (quotas.shared(), before))
                    .ok_or(Replaced)
            })),
            Backend::Shared(shared) => {
                let quotas = self.quotas();
                let before = shared.charge_many(key, &quotas, cost, count).await?;
                Ok((quotas, before))
            }
        }
    }

    pub(crate) async fn adjust(&self, key: &Key, by: i64) -> Result<(), Error> {
        match &self.inner.backend {
            Backend::Memory(memory) => {
                self.adjust_memory(memory, key, by);
                Ok(())
            }
            Backend::Shared(shared) => shared.adjust(key, &self.quotas(), by).await,
        }
    }

    /// [`adjust`](Self::adjust) without waiting: `false`, and nothing done, if the buckets are not in this process.
    pub(crate) fn adjust_now(&self, key: &Key, by: i64) -> bool {
        match &self.inner.backend {
            Backend::Memory(memory) => {
                self.adjust_memory(memory, key, by);
                true
            }
            Backend::Shared(_) => false,
        }
    }

    fn adjust_memory(&self, memory: &Memory, key: &Key, by: i64) {
        self.with_current(|quotas| {
            let before = memory.adjust(key, quotas.get(), by);
            before.map(drop).ok_or(Replaced)
        });
    }

    /// Works by the quotas of the moment, and again if these are replaced meanwhile.
    fn with_current<T>(&self, work: impl Fn(Snapshot) -> Result<T, Replaced>) -> T {
        loop {
            if let Ok(done) = work(self.snapshot()) {
                return done;
            }
        }
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.inner.lines
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.quotas.load())
    }
}

/// The quotas have been replaced by others.
struct Replaced;

fn decide(quotas: Snapshot, before: Levels, cost: u32) -> Decision {
    let allowed = quotas.get().granted(&before, cost, 1) == 1;
    Decision::new(quotas, before, cost, allowed)
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotas = self.quotas();
        f.debug_struct("RateLimiter")
            .field(
                "quotas",
                &quotas.iter().map(Quota::name).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}
