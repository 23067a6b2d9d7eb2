//! The keys that all handles share, and the one attempt at a time to get others.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{runtime::Handle, sync::watch};

use super::{
    document::{Failure, Got, Known, Origin},
    freshness::{Phase, Times, is_cooling},
};
use crate::{
    Clock, Error, ErrorKind, KeySet, SkippedKey, TokenError, TokenErrorKind, VerifyingKey,
    key::is_symmetric,
    key_source::{Lookup, News, look},
    schedule::delta,
    secret::random,
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

    /// Begins an attempt that goes on whoever waits for it or does not. There is none yet.
    fn start(
        self: &Arc<Self>,
        mut progress: MutexGuard<'_, Progress>,
        now: DateTime<Utc>,
        is_miss: bool,
    ) -> Option<watch::Receiver<()>> {
        let Ok(runtime) = Handle::try_current() else {
            self.cannot_start(progress, now);
            return None;
        };
        if is_miss {
            progress.missed_at = Some(now);
        }
        let (closing, running) = watch::channel(());
        progress.running = Some(running.clone());
        let attempt = Attempt {
            shared: Arc::clone(self),
            began_at: now,
            known: progress.known.clone(),
            ended: false,
            _closing: closing,
        };
        runtime.spawn(attempt.run());
        Some(running)
    }

    /// Nothing was asked, so whoever can ask need not wait for a cool-down.
    fn cannot_start(&self, mut progress: MutexGuard<'_, Progress>, now: DateTime<Utc>) {
        let failure =
            Failure::new("a token was verified outside of a Tokio runtime, so nobody can fetch");
        progress.failure.get_or_insert(failure.clone());
        if is_cooling(progress.outside_at, now, self.cool_down) {
            return;
        }
        progress.outside_at = Some(now);
        drop(progress);
        self.log(&Event::Failed {
            failure,
            kept_until: self.snapshot().map(|keys| keys.times.ends_at()),
        });
    }

    fn succeed(&self, progress: &mut Progress, got: Got) -> Event {
        let now = self.clock.now();
        let before = self.snapshot();
        let before = before.as_deref().map(|before| &before.keys);
        let (keys, event) = match (got.keys, before) {
            (Some(set), before) => take(&set, before.map_or(&[], |before| before)),
            (None, Some(before)) => (Arc::clone(before), Event::Same),
            // Without a set there is no version to be asked about.
            (None, None) => return self.fail(progress, now, Failure::new("there was no document")),
        };
        let [random] = random().unwrap_or([128]);
        let times = Times::new(now, got.lifetime, self.max_stale, random);
        self.swap(Snapshot { keys, times });
        progress.known = got.known;
        progress.failed_at = None;
        progress.failure = None;
        event
    }

    fn fail(&self, progress: &mut Progress, began_at: DateTime<Utc>, failure: Failure) -> Event {
        let now = self.clock.now();
        // It may have been set back meanwhile.
        let began_at = began_at.min(now);
        let after = |time: DateTime<Utc>, duration| {
            time.checked_add_signed(delta(duration))
                .unwrap_or(DateTime::<Utc>::MAX_UTC)
        };
        let retry_at = after(began_at, self.cool_down);
        // Long enough for the next attempt to end, if there are tokens that make it begin.
        let until = after(now, self.cool_down + self.timeout.max(self.cool_down));
        let kept_until = self.snapshot().map(|before| {
            let times = before.times.failed(now, retry_at, until);
            let ends_at = times.ends_at();
            let keys = Arc::clone(&before.keys);
            self.swap(Snapshot { keys, times });
            ends_at
        });
        // What the metadata has said may be what is wrong.
        progress.known.place = None;
        progress.failed_at = Some(began_at);
        progress.failure = Some(failure.clone());
        Event::Failed {
            failure,
            kept_until,
        }
    }

    fn log(&self, event: &Event) {
        let address = &*self.address;
        match event {
            Event::Same => {}
            Event::Changed {
                added,
                removed,
                skipped,
            } => {
                tracing::info!(
                    address,
                    ?added,
                    ?removed,
                    skipped = skipped.len(),
                    "the keys of another service have changed"
                );
                for key in skipped {
                    tracing::info!(
                        address,
                        index = key.index(),
                        kind = ?key.kind(),
                        reason = key.reason(),
                        "a key of another service is not used"
                    );
                }
            }
            Event::Failed {
                failure,
                kept_until,
            } => tracing::warn!(
                address,
                reason = %failure,
                kept_until = kept_until.map(|end| end.to_rfc3339()),
                "the keys of another service could not be fetched"
            ),
        }
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

/// What came of an attempt.
enum Event {
    Same,
    Changed {
        added: Vec<String>,
        removed: Vec<String>,
        skipped: Vec<SkippedKey>,
    },
    Failed {
        failure: Failure,
        kept_until: Option<DateTime<Utc>>,
    },
}

/// The keys of a document. One that was there before is the same key as before, so that what was verified with it need
/// not be verified again.
fn take(set: &KeySet, before: &[VerifyingKey]) -> (Arc<[VerifyingKey]>, Event) {
    let kept = |key: &VerifyingKey| before.iter().find(|known| known.equals(key)).cloned();
    let keys: Arc<[_]> = set
        .iter()
        .map(|key| kept(key).unwrap_or_else(|| key.clone()))
        .collect();
    let only_in = |keys: &[VerifyingKey], others: &[VerifyingKey]| -> Vec<String> {
        keys.iter()
            .filter(|key| !others.iter().any(|other| other.is(key)))
            .map(|key| key.key_id().to_owned())
            .collect()
    };
    let (added, removed) = (only_in(&keys, before), only_in(before, &keys));
    if added.is_empty() && removed.is_empty() {
        return (keys, Event::Same);
    }
    let skipped = set.skipped().to_vec();
    let event = Event::Changed {
        added,
        removed,
        skipped,
    };
    (keys, event)
}

const NO_KEYS: TokenError = TokenError::new(
    TokenErrorKind::KeysUnavailable,
    "there are no keys to verify it with at the moment",
);

const NO_NEW_KEYS: TokenError = TokenError::new(
    TokenErrorKind::KeysUnavailable,
    "no key has this name, and whether there is a new one could not be found out",
);

/// An attempt to get the keys, which ends once, also when it is cut off.
struct Attempt {
    shared: Arc<Shared>,
    began_at: DateTime<Utc>,
    known: Known,
    ended: bool,
    /// Dropped after the outcome is there.
    _closing: watch::Sender<()>,
}

impl Attempt {
    async fn run(mut self) {
        let known = mem::take(&mut self.known);
        let got = self.shared.origin.get(known, self.began_at);
        let outcome = match tokio::time::timeout(self.shared.timeout, got).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new("there is no whole answer in time")),
        };
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Got, Failure>) {
        self.ended = true;
        let mut progress = self.shared.progress();
        progress.running = None;
        let event = match outcome {
            Ok(got) => self.shared.succeed(&mut progress, got),
            Err(failure) => self.shared.fail(&mut progress, self.began_at, failure),
        };
        // Whoever writes it down takes as long as they take.
        drop(progress);
        self.shared.log(&event);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(Failure::new(
                "the attempt was cut off: its runtime has ended, or the client has panicked",
            )));
        }
    }
}

fn until_closed(mut running: watch::Receiver<()>) -> News {
    Box::pin(async move {
        // Nothing is ever sent.
        let _closed = running.changed().await;
    })
}
