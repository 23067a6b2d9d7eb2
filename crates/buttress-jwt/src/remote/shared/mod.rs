//! The keys that all handles share, who asks for others, and who waits for them.

mod attempt;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{
    document::{Failure, Known, Origin},
    freshness::{Phase, Times, is_cooling},
};
use crate::{
    Clock, Error, ErrorKind, TokenError, TokenErrorKind, VerifyingKey,
    key::is_symmetric,
    key_source::{Lookup, News, look},
    token::Header,
};

pub(super) struct Shared {
    pub(super) origin: Origin,
    /// The address, as it is shown.
    pub(super) address: String,
    pub(super) clock: Clock,
    pub(super) timeout: Duration,
    pub(super) cool_down: Duration,
    pub(super) max_stale: Duration,
    /// Swapped as a whole, and held for no longer than that takes.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Not held while anything is waited for. Who holds both locks has taken this one first.
    progress: Mutex<Progress>,
}

/// A set of keys, ready for use, and its times.
#[derive(Debug)]
pub(super) struct Snapshot {
    keys: Arc<[VerifyingKey]>,
    times: Times,
}

#[derive(Debug, Default)]
struct Progress {
    /// Closed when the attempt has ended.
    running: Option<watch::Receiver<()>>,
    known: Known,
    /// When the last attempt began, if it has failed.
    failed_at: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    /// When an attempt last began for a token whose key is not in the set.
    missed_at: Option<DateTime<Utc>>,
    /// When it was last written down that an attempt was called for where none can be made.
    outside_at: Option<DateTime<Utc>>,
}

impl Shared {
    pub(super) fn new(
        origin: Origin,
        address: String,
        clock: Clock,
        [timeout, cool_down, max_stale]: [Duration; 3],
    ) -> Self {
        Self {
            origin,
            address,
            clock,
            timeout,
            cool_down,
            max_stale,
            snapshot: RwLock::default(),
            progress: Mutex::default(),
        }
    }

    /// The set, if it can be used now. If it is time to, another one is asked for, and nobody waits for it.
    fn usable(self: &Arc<Self>) -> Option<Arc<Snapshot>> {
        let now = self.clock.now();
        let snapshot = self.snapshot()?;
        match snapshot.times.phase(now) {
            Phase::Fresh => Some(snapshot),
            Phase::Due => {
                let progress = self.progress();
                // Somebody else may have been here in between.
                let is_due = self.phase(now) == Some(Phase::Due);
                if is_due && progress.running.is_none() && !self.is_failing(&progress, now) {
                    self.start(progress, now, false);
                }
                Some(snapshot)
            }
            Phase::Unusable => None,
        }
    }

    pub(super) fn find(self: &Arc<Self>, header: &Header<'_>) -> Result<VerifyingKey, TokenError> {
        if is_symmetric(header.algorithm) {
            return Err(TokenError::new(
                TokenErrorKind::WrongAlgorithm,
                "`alg` is symmetric, and no published key is",
            ));
        }
        let snapshot = self.usable().ok_or(NO_KEYS)?;
        match look(&mut snapshot.keys.iter(), header) {
            // It may be among those that could not be had.
            Lookup::Absent(_) if snapshot.times.failing() => Err(NO_NEW_KEYS),
            found => found.or_unknown(),
        }
    }

    pub(super) fn has(self: &Arc<Self>, key: &VerifyingKey) -> bool {
        self.usable()
            .is_some_and(|snapshot| snapshot.keys.iter().any(|known| known.is(key)))
    }

    /// What to wait for after a key was not found.
    pub(super) fn news(self: &Arc<Self>, header: &Header<'_>) -> Option<News> {
        let now = self.clock.now();
        let progress = self.progress();
        if let Some(running) = &progress.running {
            return Some(until_closed(running.clone()));
        }
        // An attempt may have ended since the key was looked for: no other could until here.
        let snapshot = self
            .snapshot()
            .filter(|snapshot| snapshot.times.phase(now) != Phase::Unusable);
        let is_miss = snapshot.is_some();
        if let Some(snapshot) = snapshot
            && !matches!(look(&mut snapshot.keys.iter(), header), Lookup::Absent(_))
        {
            return Some(Box::pin(std::future::ready(())));
        }
        let has_to_wait = is_miss && is_cooling(progress.missed_at, now, self.cool_down);
        if has_to_wait || self.is_failing(&progress, now) {
            return None;
        }
        self.start(progress, now, is_miss).map(until_closed)
    }

    /// Waits until there are keys, or until it is known that there are none.
    pub(super) async fn ready(self: &Arc<Self>) -> Result<(), Error> {
        if self.usable().is_some() {
            return Ok(());
        }
        let running = self.running_or_started();
        if let Some(running) = running {
            until_closed(running).await;
        }
        if self.usable().is_some() {
            return Ok(());
        }
        let failure = self.progress().failure.clone();
        let failure = failure.unwrap_or_else(|| Failure::new("they were not asked for"));
        let error = Error::new(
            ErrorKind::KeysUnavailable,
            format!("there are no keys from {}: {failure}", self.address),
        );
        Err(match failure.source() {
            Some(source) => error.with_source(source),
            None => error,
        })
    }

    fn running_or_started(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let now = self.clock.now();
        let progress = self.progress();
        let is_usable = self
            .phase(now)
            .is_some_and(|phase| phase != Phase::Unusable);
        if progress.running.is_some() || is_usable || self.is_failing(&progress, now) {
            return progress.running.clone();
        }
        self.start(progress, now, false)
    }

    fn phase(&self, now: DateTime<Utc>) -> Option<Phase> {
        Some(self.snapshot()?.times.phase(now))
    }

    fn is_failing(&self, progress: &Progress, now: DateTime<Utc>) -> bool {
        is_cooling(progress.failed_at, now, self.cool_down)
    }

    pub(super) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        // Nobody panics while holding the lock.
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn swap(&self, snapshot: Snapshot) {
        let snapshot = Some(Arc::new(snapshot));
        let before = mem::replace(
            &mut *self
                .snapshot
                .write()
                .unwrap_or_else(PoisonError::into_inner),
            snapshot,
        );
        // Outside of the lock.
        drop(before);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    pub(super) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(VerifyingKey::key_id)
    }
}

const NO_KEYS: TokenError = TokenError::new(
    TokenErrorKind::KeysUnavailable,
    "there are no keys to verify it with at the moment",
);

const NO_NEW_KEYS: TokenError = TokenError::new(
    TokenErrorKind::KeysUnavailable,
    "no key has this name, and whether there is a new one could not be found out",
);

fn until_closed(mut running: watch::Receiver<()>) -> News {
    Box::pin(async move {
        // Nothing is ever sent.
        let _closed = running.changed().await;
    })
}
