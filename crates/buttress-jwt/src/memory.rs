//! Tokens that were accepted, so that a signature is not verified on every request.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    mem,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
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
    young: Half<C>,
    old: Half<C>,
}

type Half<C> = HashMap<u64, Entry<C>, BuildHasherDefault<Hashed>>;

/// Takes the key, which is a hash under random keys, for what it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

struct Entry<C> {
    token: Box<str>,
    claims: Arc<Claims<C>>,
    valid: Range<DateTime<Utc>>,
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

    /// The claims of a token that the verifier has accepted and would accept again.
    pub(crate) fn find(&self, token: &[u8], verifier: &Verifier) -> Option<Arc<Claims<C>>> {
        let hash = self.hash(token);
        let found = self.look(hash, token, |entry| {
            // Why it is not accepted any more is for the verifier to say.
            let accepted = verifier.accepts_still(&entry.valid, &entry.key);
            accepted.then(|| Arc::clone(&entry.claims))
        });
        match found {
            Some(_) => metrics::memory_hit(),
            None => metrics::memory_miss(),
        }
        found
    }

    /// What the verifier says of a token that is [not known](Self::find). If it accepts it, it is known from now on.
    pub(crate) fn verify(
        &self,
        token: &str,
        verifier: &Verifier,
    ) -> Result<Arc<Claims<C>>, TokenError>
    where
        C: DeserializeOwned,
    {
        let (claims, key) = verifier.verify_with_key(token)?;
        let claims = Arc::new(claims);
        let entry = Entry {
            token: token.into(),
            claims: Arc::clone(&claims),
            valid: verifier.valid(&claims),
            key,
        };
        self.insert(self.hash(token.as_bytes()), entry);
        Ok(claims)
    }

    fn hash(&self, token: &[u8]) -> u64 {
        self.hasher.hash_one(tail(token))
    }

    fn look<T>(
        &self,
        hash: u64,
        token: &[u8],
        with: impl FnOnce(&Entry<C>) -> Option<T>,
    ) -> Option<T> {
        let mut shard = self.shard(hash);
        let is_it = |entry: &&Entry<C>| entry.token.as_bytes() == token;
        if let Some(entry) = shard.young.get(&hash).filter(is_it) {
            return with(entry);
        }
        let found = with(shard.old.get(&hash).filter(is_it)?)?;
        if let Some(used) = shard.old.remove(&hash) {
            let forgotten = shard.insert(hash, used, self.capacity);
            drop(shard);
            drop(forgotten);
        }
        Some(found)
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
    ) -> (Option<Entry<C>>, Half<C>) {
        let mut forgotten = Half::default();
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
            young: Half::default(),
            old: Half::default(),
        }
    }
}

/// The end of the signature, by which any two tokens that were accepted differ. It is only where to look: what is
/// found there is compared as a whole.
fn tail(token: &[u8]) -> &[u8] {
    &token[token.len().saturating_sub(TAIL)..]
}

/// 96 bits of a signature.
const TAIL: usize = 16;

impl<C> fmt::Debug for Memory<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &(self.capacity * 2 * self.shards.len()))
            .finish_non_exhaustive()
    }
}
