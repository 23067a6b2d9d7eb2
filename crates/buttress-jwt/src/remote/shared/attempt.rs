//! One attempt to get other keys, and what comes of it.

use std::{
    mem,
    sync::{Arc, MutexGuard},
};

use chrono::{DateTime, Utc};
use tokio::{runtime::Handle, sync::watch};

use super::{
    super::{
        document::{Failure, Got, Known},
        freshness::{Times, is_cooling},
    },
    Progress, Shared, Snapshot,
};
use crate::{KeySet, SkippedKey, VerifyingKey, schedule::delta, secret::random};

impl Shared {
    /// Begins an attempt that goes on whoever waits for it or does not. There is none yet.
    pub(super) fn start(
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
}

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
