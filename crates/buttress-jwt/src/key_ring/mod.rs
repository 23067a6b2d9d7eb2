mod ring;
mod status;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use chrono::{DateTime, Utc};

use self::ring::Ring;
pub use self::status::{KeyState, KeyStatus, Rotation};
use crate::{Clock, Error, ErrorKind, Schedule, SigningKey, VerifyingKey, schedule::delta};

/// The keys of an issuer: one that signs, one that may be waiting to, and those that have signed.
///
/// A key is published before it signs and stays published until its last token has expired. For how long follows
/// from the [`Schedule`]; what would be too short is refused. Nothing runs in the background: what a key does is
/// decided by the clock at each use.
///
/// Clones share the keys: a rotation is seen by all of them at once, as a whole or not at all.
///
/// ```
/// use buttress_jwt::{Algorithm, KeyRing, KeyState, SigningKey};
///
/// let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let rotation = ring.rotate(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let states: Vec<_> = ring.keys().iter().map(|key| key.state()).collect();
/// assert_eq!(states, [KeyState::Active, KeyState::Pending]);
/// assert_eq!(ring.keys()[0].removed_at(), Some(rotation.old_removed_at()));
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
///
/// With several instances, generate the key once, and give it to all with the same times:
/// [`with_next`](Self::with_next). An instance that starts between is given the old key by
/// [`with_retired`](Self::with_retired).
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    schedule: Schedule,
    clock: Clock,
    ring: RwLock<Arc<Ring>>,
}

impl KeyRing {
    /// A ring whose only key signs from now on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Crypto`] when the key does not verify what it signs: it is tried once.
    pub fn new(key: SigningKey) -> Result<Self, Error> {
        try_out(&key)?;
        Ok(Self::of(
            Schedule::default(),
            Clock::system(),
            Ring::new(key),
        ))
    }

    fn of(schedule: Schedule, clock: Clock, ring: Ring) -> Self {
        Self {
            shared: Arc::new(Shared {
                schedule,
                clock,
                ring: RwLock::new(Arc::new(ring)),
            }),
        }
    }

    /// Takes the times of rotations from this schedule. Clones that were made before keep theirs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsafeSchedule`] when the ring has several keys: their times follow from the schedule that it had.
    pub fn with_schedule(self, schedule: Schedule) -> Result<Self, Error> {
        let ring = Ring::clone(&self.ring());
        if ring.len() > 1 {
            return Err(Error::new(
                ErrorKind::UnsafeSchedule,
                "the times of the keys follow from the schedule: set it before there is a second key",
            ));
        }
        Ok(Self::of(schedule, self.shared.clock.clone(), ring))
    }

    /// Takes the time from this clock. Clones that were made before keep theirs.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        let ring = Ring::clone(&self.ring());
        Self::of(self.shared.schedule, clock, ring)
    }

    /// Adds a key that is published elsewhere since `published_at` and signs from `active_from` on.
    ///
    /// Clones that were made before do not see it: for those there is [`rotate`](Self::rotate).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsafeSchedule`] when there is less than [`Schedule::publish_lead`] between, or another key
    /// is waiting; [`ErrorKind::DuplicateKey`]; [`ErrorKind::Crypto`] as for [`new`](Self::new).
    pub fn with_next(
        self,
        key: SigningKey,
        published_at: DateTime<Utc>,
        active_from: DateTime<Utc>,
    ) -> Result<Self, Error> {
        try_out(&key)?;
        let shared = &self.shared;
        let ring =
            self.ring()
                .with_next(&shared.schedule, self.now(), key, published_at, active_from)?;
        Ok(Self::of(shared.schedule, shared.clock.clone(), ring))
    }

    /// Adds a key that has signed for the last time at `retired_at`. It leaves when its tokens have expired, and
    /// is not added if they have.
    ///
    /// Clones that were made before do not see it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateKey`] when a key of its name is in the ring.
    pub fn with_retired(self, key: VerifyingKey, retired_at: DateTime<Utc>) -> Result<Self, Error> {
        let shared = &self.shared;
        let ring = self
            .ring()
            .with_retired(&shared.schedule, self.now(), key, retired_at)?;
        Ok(Self::of(shared.schedule, shared.clock.clone(), ring))
    }

    /// Publishes the key now and lets it sign as soon as everyone knows it.
    ///
    /// # Errors
    ///
    /// As [`with_next`](Self::with_next).
    pub fn rotate(&self, next: SigningKey) -> Result<Rotation, Error> {
        self.rotate_with(next, |now| {
            now.checked_add_signed(delta(self.shared.schedule.publish_lead()))
        })
    }

    /// Publishes the key now and lets it sign from this time on.
    ///
    /// # Errors
    ///
    /// As [`with_next`](Self::with_next).
    pub fn rotate_at(
        &self,
        next: SigningKey,
        active_from: DateTime<Utc>,
    ) -> Result<Rotation, Error> {
        self.rotate_with(next, |_| Some(active_from))
    }

    fn rotate_with(
        &self,
        next: SigningKey,
        active_from: impl FnOnce(DateTime<Utc>) -> Option<DateTime<Utc>>,
    ) -> Result<Rotation, Error> {
        try_out(&next)?;
        let schedule = &self.shared.schedule;
        // One look at the clock: two could be further apart than the schedule allows.
        let now = self.now();
        let times = active_from(now).and_then(|active_from| {
            let old_removed_at = active_from.checked_add_signed(delta(schedule.retire_hold()))?;
            Some((active_from, old_removed_at))
        });
        let Some((active_from, old_removed_at)) = times else {
            return Err(Error::new(
                ErrorKind::UnsafeSchedule,
                "the key would sign in no year that there is",
            ));
        };
        self.change(|ring| ring.with_next(schedule, now, next, now, active_from))?;
        Ok(Rotation {
            active_from,
            old_removed_at,
        })
    }

    /// Removes a key at once, with all its tokens: it is known to others, or never should have been there.
    ///
    /// If it is the one that signs, the one that waits takes its place without waiting any longer. So the answer to
    /// a stolen key is [`rotate`](Self::rotate) and then this.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownKey`] when it is not there; [`ErrorKind::UnsafeSchedule`] when no other key could sign.
    pub fn remove(&self, key_id: &str) -> Result<(), Error> {
        let now = self.now();
        self.change(|ring| ring.without(now, key_id))
    }

    /// The keys and what each one does, in the order in which they sign.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyStatus> {
        self.ring().statuses(self.now())
    }

    /// What the times of rotations follow from.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.shared.schedule
    }

    /// The JWKS document (RFC 7517, section 5): all keys that are published, and no symmetric ones.
    #[must_use]
    pub fn jwks(&self) -> String {
        let ring = self.ring();
        let keys: Vec<serde_json::Value> = ring
            .published(self.now())
            .filter_map(VerifyingKey::jwk)
            .map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), serde_json::Value::from(value)))
                    .collect()
            })
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// The key that signs at this time.
    pub(crate) fn active(&self, now: DateTime<Utc>) -> Result<SigningKey, Error> {
        self.ring()
            .active(now)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::UnknownKey, "no key of the ring signs"))
    }

    /// Calls the function with the keys whose tokens are accepted at this time.
    pub(crate) fn with_published<T>(
        &self,
        now: DateTime<Utc>,
        with: impl FnOnce(&mut dyn Iterator<Item = &VerifyingKey>) -> T,
    ) -> T {
        // What is done with them is short, and takes no lock.
        with(&mut self.read().published(now))
    }

    fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.read())
    }

    /// Nobody panics while holding the lock, which only swaps a pointer; a poisoned one is as good as new.
    fn read(&self) -> RwLockReadGuard<'_, Arc<Ring>> {
        self.shared
            .ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&Ring) -> Result<Ring, Error>) -> Result<(), Error> {
        let mut ring = self
            .shared
            .ring
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *ring = Arc::new(change(&ring)?);
        Ok(())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys())
            .field("schedule", &self.shared.schedule)
            .finish_non_exhaustive()
    }
}

/// A key whose halves do not belong together, or that the library cannot use, is found at the start.
fn try_out(key: &SigningKey) -> Result<(), Error> {
    let token = key.token(b"{}")?;
    let signed = token.rsplit_once('.').and_then(|(message, signature)| {
        let signature = crate::token::base64url::decode(signature)?;
        Some(key.verifying_key().verifies(message.as_bytes(), &signature))
    });
    if signed == Some(true) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Crypto,
        "the key does not verify what it signs",
    ))
}
