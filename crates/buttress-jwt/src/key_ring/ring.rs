//! The keys of a ring and when each one does what: values and the time in, keys out.

use chrono::{DateTime, Utc};

use super::{KeyState, KeyStatus};
use crate::{Error, ErrorKind, Schedule, SigningKey, VerifyingKey, schedule::delta};

/// The keys of a ring. It is never changed: a change makes another one.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    /// In the order in which they sign. No two bear the same name.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: RingKey,
    /// From when on it signs, until the next one does.
    active_from: DateTime<Utc>,
    /// From when on it is gone, once another key has taken or will take its place.
    removed_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
enum RingKey {
    Signing(SigningKey),
    /// One that signs no more, or signs elsewhere.
    Verifying(VerifyingKey),
}

impl Ring {
    pub(super) fn new(key: SigningKey) -> Self {
        let entry = Entry {
            key: RingKey::Signing(key),
            active_from: DateTime::<Utc>::MIN_UTC,
            removed_at: None,
        };
        Self {
            entries: vec![entry],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// With a key that signs from `active_from` on and is published since `published_at`.
    pub(super) fn with_next(
        &self,
        schedule: &Schedule,
        now: DateTime<Utc>,
        key: SigningKey,
        published_at: DateTime<Utc>,
        active_from: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let mut ring = self.without_gone(now);
        ring.check_name(key.key_id())?;
        let lead = active_from.signed_duration_since(published_at);
        if lead < delta(schedule.publish_lead()) {
            return Err(unsafe_schedule(format!(
                "the key would sign {} s after it is published: verifiers that keep an older JWKS document would \
                 refuse its tokens; {} s are needed",
                lead.num_seconds(),
                schedule.publish_lead().as_secs(),
            )));
        }
        // The last one is the one that signs at the end: it is what the new one comes after.
        let Some(last) = ring.entries.last_mut() else {
            return Err(no_key());
        };
        if active_from <= last.active_from || last.active_from > now {
            return Err(unsafe_schedule(
                "another key is waiting to sign: one key at a time takes over, or none has been in use for long \
                 enough to be told apart in an incident"
                    .to_owned(),
            ));
        }
        last.removed_at = Some(
            active_from
                .checked_add_signed(delta(schedule.retire_hold()))
                .ok_or_else(|| {
                    unsafe_schedule("the key would sign in no year that there is".to_owned())
                })?,
        );
        ring.entries.push(Entry {
            key: RingKey::Signing(key),
            active_from,
            removed_at: None,
        });
        Ok(ring)
    }

    /// With a key that has signed before all others, for the last time at `retired_at`.
    pub(super) fn with_retired(
        &self,
        schedule: &Schedule,
        now: DateTime<Utc>,
        key: VerifyingKey,
        retired_at: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let mut ring = self.without_gone(now);
        ring.check_name(key.key_id())?;
        let removed_at = retired_at.checked_add_signed(delta(schedule.retire_hold()));
        ring.entries.insert(
            0,
            Entry {
                key: RingKey::Verifying(key),
                active_from: DateTime::<Utc>::MIN_UTC,
                removed_at,
            },
        );
        Ok(ring.without_gone(now))
    }

    /// Without the key of this name. If it signs now, the one that waits signs in its place at once.
    pub(super) fn without(&self, now: DateTime<Utc>, key_id: &str) -> Result<Self, Error> {
        let mut ring = self.without_gone(now);
        let Some(at) = ring.position(key_id) else {
            return Err(Error::new(
                ErrorKind::UnknownKey,
                "no key of this name is in the ring",
            ));
        };
        let active = ring.active_position(now);
        let removed = ring.entries.remove(at);
        if Some(at) == active {
            match ring.entries.get_mut(at) {
                // It may have been published too late for some verifiers. They refuse its tokens until they ask
                // again, which is better than tokens that anyone can make.
                Some(next) => next.active_from = now,
                None => {
                    return Err(unsafe_schedule(
                        "this is the only key that signs: add the next one with `rotate` first, then remove it"
                            .to_owned(),
                    ));
                }
            }
        } else if removed.active_from > now
            && let Some(last) = ring.entries.last_mut()
        {
            // The one that was to be replaced stays.
            last.removed_at = None;
        }
        Ok(ring)
    }

    /// The key that signs at this time.
    pub(super) fn active(&self, now: DateTime<Utc>) -> Option<&SigningKey> {
        match &self.entries.get(self.active_position(now)?)?.key {
            RingKey::Signing(key) => Some(key),
            RingKey::Verifying(_) => None,
        }
    }

    /// The keys whose tokens are accepted at this time: those that are published.
    ///
    /// A key that waits is among them. An instance whose clock is ahead may sign with it already.
    pub(super) fn published(&self, now: DateTime<Utc>) -> impl Iterator<Item = &VerifyingKey> {
        self.entries
            .iter()
            .filter(move |entry| !entry.is_gone(now))
            .map(|entry| entry.key.verifying())
    }

    pub(super) fn statuses(&self, now: DateTime<Utc>) -> Vec<KeyStatus> {
        let active = self.active_position(now);
        let status = |(at, entry): (usize, &Entry)| {
            let state = if Some(at) == active {
                KeyState::Active
            } else if entry.active_from > now {
                KeyState::Pending
            } else {
                KeyState::Retiring
            };
            KeyStatus {
                key_id: entry.key.verifying().key_id().to_owned(),
                algorithm: entry.key.verifying().algorithm(),
                state,
                active_from: (entry.active_from > DateTime::<Utc>::MIN_UTC)
                    .then_some(entry.active_from),
                removed_at: entry.removed_at,
            }
        };
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_gone(now))
            .map(status)
            .collect()
    }

    fn active_position(&self, now: DateTime<Utc>) -> Option<usize> {
        let signs = |entry: &Entry| matches!(entry.key, RingKey::Signing(_));
        self.entries
            .iter()
            .rposition(|entry| entry.active_from <= now && signs(entry))
            // A clock that was set back shows a time before all keys that are left. Tokens of the oldest are
            // better than none.
            .or_else(|| self.entries.iter().position(signs))
    }

    fn position(&self, key_id: &str) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.key.verifying().key_id() == key_id)
    }

    fn check_name(&self, key_id: &str) -> Result<(), Error> {
        if self.position(key_id).is_none() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::DuplicateKey,
            "a key of this name is in the ring",
        ))
    }

    fn without_gone(&self, now: DateTime<Utc>) -> Self {
        let mut ring = self.clone();
        ring.entries.retain(|entry| !entry.is_gone(now));
        ring
    }
}

impl Entry {
    fn is_gone(&self, now: DateTime<Utc>) -> bool {
        self.removed_at.is_some_and(|removed_at| removed_at <= now)
    }
}

impl RingKey {
    fn verifying(&self) -> &VerifyingKey {
        match self {
            Self::Signing(key) => key.verifying_key(),
            Self::Verifying(key) => key,
        }
    }
}

fn unsafe_schedule(message: String) -> Error {
    Error::new(ErrorKind::UnsafeSchedule, message)
}

fn no_key() -> Error {
    Error::new(ErrorKind::UnknownKey, "the ring has no key")
}
