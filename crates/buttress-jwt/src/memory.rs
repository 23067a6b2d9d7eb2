//! Tokens that were accepted, so that a signature is not verified on every request.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::de::DeserializeOwned;

use crate::{Claims, TokenError, Verifier, VerifyingKey, metrics};

/// A bounded memory of the tokens that one verifier has accepted.
///
/// It belongs to one verifier and must not be shared: what another one accepts is not accepted by this one.
pub(crate) struct Memory<C> {
    /// Random, so that nobody can choose tokens that meet in one place.
    hasher: RandomState,
    shards: Box<[Mutex<Shard<C>>]>,
    /// Of each of the two halves of a shard.
    capacity: usize,
}

/// Two halves: what is used moves to the young one, and when that is full, the old one is forgotten. So what was not
/// used for the longest time goes first, roughly, without any list to keep in order.
struct Shard<C> {
    young: HashMap<u64, Entry<C>>,
    old: HashMap<u64, Entry<C>>,
}

struct Entry<C> {
    token: Box<str>,
    claims: Arc<Claims<C>>,
    key: VerifyingKey,
}

impl<C> Memory<C> {
    pub(crate) fn new(tokens: usize) -> Self {
        // Few tokens are not spread so thinly that a place is never found again.
        let shards = (tokens / 64).next_power_of_two().clamp(1, 16);
        Self {
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            capacity: (tokens / shards / 2).max(1),
        }
    }

    /// What the verifier says of the token, from memory if it can only say the same again.
    pub(crate) fn verify(
        &self,
        token: &str,
        verifier: &Verifier,
    ) -> Result<Arc<Claims<C>>, TokenError>
    where
        C: DeserializeOwned,
    {
        let hash = self.hasher.hash_one(tail(token));
        if let Some((claims, key)) = self.find(hash, token)
            && verifier.accepts_still(&claims, &key)
        {
            metrics::memory_hit();
            return Ok(claims);
        }
        metrics::memory_miss();
        // Why it is not accepted any more is for the verifier to say.
        let (claims, key) = verifier.verify_with_key(token)?;
        let claims = Arc::new(claims);
        let entry = Entry {
            token: token.into(),
            claims: Arc::clone(&claims),
            key,
        };
        self.insert(hash, entry);
        Ok(claims)
    }

    fn find(&self, hash: u64, token: &str) -> Option<(Arc<Claims<C>>, VerifyingKey)> {
        let mut shard = self.shard(hash);
        let is_it = |entry: &&Entry<C>| &*entry.token == token;
        let found = |entry: &Entry<C>| (Arc::clone(&entry.claims), entry.key.clone());
        if let Some(entry) = shard.young.get(&hash).filter(is_it) {
            return Some(found(entry));
        }
        let entry = shard.old.get(&hash).filter(is_it).map(found)?;
        if let Some(used) = shard.old.remove(&hash) {
            let forgotten = shard.insert(hash, used, self.capacity);
            drop(shard);
            drop(forgotten);
        }
        Some(entry)
    }

    fn insert(&self, hash: u64, entry: Entry<C>) {
        let forgotten = self.shard(hash).insert(hash, entry, self.capacity);
        // Outside of the lock, since it may be many.
        drop(forgotten);
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<C>> {
        // The table takes the rest of the bits.
        let at = (hash >> 56) as usize & (self.shards.len() - 1);
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Shard<C> {
    /// What there is no room for any more comes back.
    #[must_use]
    fn insert(
        &mut self,
        hash: u64,
        entry: Entry<C>,
        capacity: usize,
    ) -> (Option<Entry<C>>, HashMap<u64, Entry<C>>) {
        let mut forgotten = HashMap::new();
        if self.young.len() >= capacity && !self.young.contains_key(&hash) {
            let young = mem::take(&mut self.young);
            forgotten = mem::replace(&mut self.old, young);
        }
        (self.young.insert(hash, entry), forgotten)
    }
}

impl<C> Default for Shard<C> {
    fn default() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }
}

/// The end of the signature, by which any two tokens that were accepted differ. It is only where to look: what is
/// found there is compared as a whole.
fn tail(token: &str) -> &[u8] {
    let bytes = token.as_bytes();
    &bytes[bytes.len().saturating_sub(TAIL)..]
}

/// 192 bits of a signature.
const TAIL: usize = 32;

impl<C> fmt::Debug for Memory<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &(self.capacity * 2 * self.shards.len()))
            .finish_non_exhaustive()
    }
}
