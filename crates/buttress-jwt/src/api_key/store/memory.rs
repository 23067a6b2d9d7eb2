use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{ApiKeyStore, RETAINED, newest_first, taken};
use crate::{
    ApiKey, ApiKeyId, Clock, Error, KeptKey, KeyIssuance, KeyRotated, KeyRotation, WhichKeys,
    refresh::later, schedule::delta,
};

/// API keys in the memory of this process: for tests.
///
/// Clones share what they keep.
#[derive(Clone)]
pub struct MemoryApiKeyStore {
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Those of one subject stand together.
    keys: BTreeMap<ApiKeyId, KeptKey>,
    by_end: BTreeSet<(DateTime<Utc>, ApiKeyId)>,
}

impl MemoryApiKeyStore {
    /// An empty one, on the clock of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: Clock::system(),
            kept: Arc::default(),
        }
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What is kept. Nobody waits while holding it, nor panics: every change is made of whole steps.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryApiKeyStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryApiKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryApiKeyStore")
            .field("keys", &self.kept().keys.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ApiKeyStore for MemoryApiKeyStore {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        kept.forget(now);
        if kept.keys.contains_key(&issuance.id) {
            return Err(taken());
        }
        let issued = issuance.kept(now);
        let key = issued.key.clone();
        if let Some(end) = key.expires_at {
            kept.by_end.insert((later(end, RETAINED), key.id));
        }
        kept.keys.insert(key.id, issued);
        Ok(key)
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        let kept = self.kept();
        let read_at = self.clock.now();
        let mut found: Vec<KeptKey> = kept
            .ids(which)
            .into_iter()
            .filter_map(|id| kept.keys.get(&id))
            .map(|kept| KeptKey {
                read_at,
                ..kept.clone()
            })
            .collect();
        newest_first(&mut found);
        Ok(found)
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        let rotated = kept.keys.get_mut(&rotation.id);
        Ok(rotated.map_or(KeyRotated::Unknown, |kept| kept.rotate(rotation, now)))
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        let mut kept = self.kept();
        let mut revoked: Vec<KeptKey> = kept
            .ids(which)
            .into_iter()
            .filter_map(|id| kept.keys.remove(&id))
            .collect();
        newest_first(&mut revoked);
        Ok(revoked.into_iter().map(|kept| kept.key).collect())
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        if let Some(KeptKey { key, .. }) = kept.keys.get_mut(&id)
            && key
                .last_used_at
                .is_none_or(|last| now - last >= delta(apart))
        {
            key.last_used_at = Some(now);
        }
        Ok(())
    }
}

impl Kept {
    fn ids(&self, which: &WhichKeys) -> Vec<ApiKeyId> {
        let is_meant = |kept: &&KeptKey| which.includes(&kept.key);
        match which {
            WhichKeys::One(id) | WhichKeys::OneOf { id, .. } => {
                let found = self.keys.get(id).filter(is_meant);
                found.map(|kept| kept.key.id).into_iter().collect()
            }
            WhichKeys::AllOf { subject, .. } => {
                let group = ApiKeyId::group_of(subject);
                let found = self.keys.values();
                let found = found.skip_while(|kept| kept.key.id.group() < &*group);
                let found = found.take_while(|kept| kept.key.id.group() == group);
                found.filter(is_meant).map(|kept| kept.key.id).collect()
            }
        }
    }

    /// Forgets what has expired long ago.
    fn forget(&mut self, now: DateTime<Utc>) {
        while let Some(&(end, id)) = self.by_end.first()
            && end <= now
        {
            self.by_end.pop_first();
            self.keys.remove(&id);
        }
    }
}
