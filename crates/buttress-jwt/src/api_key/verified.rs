//! Keys that were accepted a moment ago, so that the store is not asked on every request.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ApiKey, WhichKeys};

/// A bounded memory, found by digest: no key is in it, and nobody can choose digests that meet in one place.
#[derive(Debug)]
pub(super) struct Verified {
    kept: Mutex<Kept>,
    /// Of each of the two halves.
    capacity: usize,
    age: TimeDelta,
}

/// Two halves: what is used moves to the young one, and when that is full, the old one is forgotten.
#[derive(Debug, Default)]
struct Kept {
    epoch: Epoch,
    young: HashMap<[u8; 32], Entry>,
    old: HashMap<[u8; 32], Entry>,
}

/// Counts how often something was forgotten: what was read from the store before that is not to be remembered after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch(u64);

#[derive(Clone, Debug)]
struct Entry {
    key: Arc<ApiKey>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Verified {
    /// For about this many keys, each for so long.
    pub(super) fn new(keys: usize, age: Duration) -> Self {
        Self {
            kept: Mutex::default(),
            capacity: (keys / 2).max(1),
            age: TimeDelta::from_std(age).unwrap_or_default(),
        }
    }

    pub(super) fn find(&self, digest: &[u8; 32], now: DateTime<Utc>) -> Option<Arc<ApiKey>> {
        let mut kept = self.kept();
        // A clock that was set back does not make the memory longer.
        let is_good = |entry: &&Entry| entry.from <= now && now < entry.until;
        if let Some(entry) = kept.young.get(digest) {
            return Some(entry)
                .filter(is_good)
                .map(|entry| Arc::clone(&entry.key));
        }
        let entry = kept.old.remove(digest)?;
        let key = Some(&entry)
            .filter(is_good)
            .map(|entry| Arc::clone(&entry.key))?;
        let forgotten = kept.insert(*digest, entry, self.capacity);
        drop(kept);
        drop(forgotten);
        Some(key)
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.kept().epoch
    }

    /// Remembers a key that the store was asked about from this time on, and that it accepts for so much longer, or for
    /// ever. Nothing was to be forgotten since `epoch`, or it is not remembered.
    pub(super) fn insert(
        &self,
        epoch: Epoch,
        digest: [u8; 32],
        key: Arc<ApiKey>,
        from: DateTime<Utc>,
        left: Option<TimeDelta>,
    ) {
        let age = left.map_or(self.age, |left| left.min(self.age));
        let Some(until) = from.checked_add_signed(age) else {
            return;
        };
        let entry = Entry { key, from, until };
        let mut kept = self.kept();
        if kept.epoch != epoch {
            return;
        }
        let forgotten = kept.insert(digest, entry, self.capacity);
        // Outside of the lock, since it may be many.
        drop(kept);
        drop(forgotten);
    }

    /// Forgets these keys, as when they were revoked or rotated: which entries are of them is not worth an index. Of
    /// what is being read meanwhile, nothing will be remembered.
    pub(super) fn forget(&self, which: &WhichKeys) {
        let mut kept = self.kept();
        kept.epoch = Epoch(kept.epoch.0.wrapping_add(1));
        kept.young.retain(|_, entry| !which.includes(&entry.key));
        kept.old.retain(|_, entry| !which.includes(&entry.key));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What there is no room for any more comes back.
    #[must_use]
    fn insert(
        &mut self,
        digest: [u8; 32],
        entry: Entry,
        capacity: usize,
    ) -> (Option<Entry>, HashMap<[u8; 32], Entry>) {
        let mut forgotten = HashMap::new();
        if self.young.len() >= capacity && !self.young.contains_key(&digest) {
            let young = mem::take(&mut self.young);
            forgotten = mem::replace(&mut self.old, young);
        }
        (self.young.insert(digest, entry), forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiKeyId, Environment, api_key::KeyIssuance};

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    fn key() -> Arc<ApiKey> {
        let issuance = KeyIssuance {
            id: ApiKeyId::new("user-1").unwrap(),
            subject: "user-1".into(),
            environment: Environment::Live,
            label: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            lifetime: None,
            digest: [1; 32].into(),
        };
        Arc::new(issuance.kept(at(0)).key)
    }

    fn memory(keys: usize) -> Verified {
        Verified::new(keys, Duration::from_secs(1))
    }

    #[test]
    fn a_key_is_remembered_for_a_while() {
        let memory = memory(10);
        memory.insert(memory.epoch(), [1; 32], key(), at(0), None);
        assert!(memory.find(&[1; 32], at(0)).is_some());
        assert!(memory.find(&[1; 32], at(999)).is_some());
        assert!(memory.find(&[1; 32], at(1000)).is_none());
        assert!(memory.find(&[1; 32], at(-1)).is_none());
        assert!(memory.find(&[2; 32], at(0)).is_none());
    }

    #[test]
    fn not_beyond_its_end() {
        let memory = memory(10);
        let left = Some(TimeDelta::milliseconds(10));
        memory.insert(memory.epoch(), [1; 32], key(), at(0), left);
        assert!(memory.find(&[1; 32], at(9)).is_some());
        assert!(memory.find(&[1; 32], at(10)).is_none());
    }

    #[test]
    fn what_was_read_before_something_was_forgotten_is_not_remembered() {
        let memory = memory(10);
        let epoch = memory.epoch();
        let key = key();
        memory.insert(epoch, [1; 32], Arc::clone(&key), at(0), None);
        memory.forget(&WhichKeys::One(key.id));
        assert!(memory.find(&[1; 32], at(0)).is_none());
        memory.insert(epoch, [1; 32], Arc::clone(&key), at(0), None);
        assert!(memory.find(&[1; 32], at(0)).is_none());
        memory.insert(memory.epoch(), [1; 32], key, at(0), None);
        assert!(memory.find(&[1; 32], at(0)).is_some());
    }

    #[test]
    fn what_is_forgotten_is_of_the_keys_that_are_meant() {
        let memory = memory(2);
        let (first, second) = (key(), key());
        // One in each half, and both of one subject.
        memory.insert(memory.epoch(), [1; 32], Arc::clone(&first), at(0), None);
        memory.insert(memory.epoch(), [2; 32], second, at(0), None);
        memory.forget(&WhichKeys::One(first.id));
        assert!(memory.find(&[1; 32], at(0)).is_none());
        assert!(memory.find(&[2; 32], at(0)).is_some());
        memory.forget(&WhichKeys::AllOf {
            subject: "user-1".into(),
            environment: Environment::Live,
        });
        assert!(memory.find(&[2; 32], at(0)).is_none());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let memory = memory(8);
        memory.insert(memory.epoch(), [255; 32], key(), at(0), None);
        for number in 0..100 {
            memory.insert(memory.epoch(), [number; 32], key(), at(0), None);
            assert!(memory.find(&[255; 32], at(0)).is_some(), "{number}");
            let kept = memory.kept();
            assert!(kept.young.len() + kept.old.len() <= 8);
        }
    }
}
