#[cfg(all(test, buttress_loom))]
mod loom_tests;
mod shard;
mod sync;
mod table;

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, PoisonError},
};

use shard::Shard;
use sync::{Mutex, MutexGuard};

use crate::{Clock, Key, Levels, Quotas};

/// Keeps buckets in the memory of the process.
///
/// It has room for a fixed number of keys, 100,000 by default, and takes the memory for them at once: 22 bytes for a key
/// with one quota and 11 more for each further one, or 20 and 10 when there are a million. Of these, 16 and 8 are what is
/// kept, and the others are places that stay empty, so that chance leaves nobody without one. Nothing has to be cleaned up:
/// a bucket that is full again is no different from one that was never seen, so its place is free for another key.
///
/// When all places are taken by buckets that are not full, further keys share one bucket, in each of up to 256 parts of
/// the table, until a place is free. What they have spent together counts for each of them then, and nothing is put back
/// into that bucket for one of them. So a flood of new keys takes no memory, costs no more than any other request, and
/// frees nobody who is blocked.
///
/// Keys are known by 64 bits of a hash under random secrets: that any two of a million keys share a bucket by chance
/// has a probability of 1 to 37 million.
///
/// Each limiter that is made with it has its own buckets; the clones of a limiter share them.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    max_keys: usize,
    clock: Clock,
}

impl MemoryStore {
    /// Room for 100,000 keys.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_keys: DEFAULT_KEYS,
            clock: Clock::system(),
        }
    }

    /// Room for this many keys whose buckets are not full: at least 8, and at most 2³⁰.
    #[must_use]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys.clamp(8, 1 << 30);
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

const DEFAULT_KEYS: usize = 100_000;

/// The buckets of a limiter.
pub(crate) struct Memory {
    /// Random, so that nobody can choose keys that meet in one place.
    hasher: RandomState,
    clock: Clock,
    shards: Box<[Padded]>,
}

/// Alone in its cache lines, and in those that processors fetch along with them.
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl Memory {
    pub(crate) fn new(store: &MemoryStore, quotas: &Arc<Quotas>) -> Self {
        // Few keys are not spread so thinly that some parts are full while others have room.
        let shards = (store.max_keys / 1024).next_power_of_two().min(MAX_SHARDS);
        let mean = store.max_keys.div_ceil(shards);
        // As many as meet in one part by chance, if there are several.
        let most = if shards > 1 {
            mean + 4 * mean.isqrt()
        } else {
            mean
        };
        let groups = table::groups_for(most);
        let shards = (0..shards).map(|_| Padded(Mutex::new(Shard::new(groups, quotas))));
        Self {
            hasher: RandomState::new(),
            clock: store.clock.clone(),
            shards: shards.collect(),
        }
    }

    /// [`RateLimitStore::charge`](crate::RateLimitStore::charge), and so on: `None` when the buckets are those of later
    /// quotas by now.
    #[inline]
    pub(crate) fn charge(
        &self,
        key: &Key,
        quotas: &Arc<Quotas>,
        cost: u32,
        count: u32,
    ) -> Option<Levels> {
        self.with(key, |shard, hash, now| {
            shard.change(hash, quotas, now, |quotas, missing| {
                quotas.charge_up_to(missing, cost, count) > 0
            })
        })
    }

    /// Whether the cost was paid, by whatever quotas there are. It is not where some only count, which somebody may want
    /// to know.
    #[inline]
    pub(crate) fn pays(&self, key: &Key, cost: u32) -> bool {
        self.with(key, |shard, hash, now| shard.pay(hash, now, cost))
    }

    pub(crate) fn adjust(&self, key: &Key, quotas: &Arc<Quotas>, by: i64) -> Option<Levels> {
        self.with(key, |shard, hash, now| {
            shard.amend(hash, quotas, now, |quotas, missing| {
                for (missing, rate) in missing.iter_mut().zip(quotas.rates()) {
                    *missing = rate.adjusted(*missing, by);
                }
            })
        })
    }

    pub(crate) fn set(&self, key: &Key, quotas: &Arc<Quotas>, levels: &[u64]) -> Option<()> {
        self.with(key, |shard, hash, now| {
            shard.amend(hash, quotas, now, |quotas, missing| {
                for ((missing, level), rate) in missing.iter_mut().zip(levels).zip(quotas.rates()) {
                    *missing = rate.deepest().min(*level);
                }
            })
        })
        .map(drop)
    }

    /// Makes buckets of these quotas of all that are there.
    pub(crate) fn adopt(&self, quotas: &Arc<Quotas>) {
        for shard in &self.shards {
            let mut shard = lock(&shard.0);
            let now = shard.now(&self.clock);
            shard.adopt(quotas, now);
        }
    }

    #[inline]
    fn with<T>(&self, key: &Key, work: impl FnOnce(&mut Shard, u64, u64) -> T) -> T {
        let mut hasher = self.hasher.build_hasher();
        // Not its length, which parts of keys say of themselves.
        hasher.write(key.as_bytes());
        let hash = hasher.finish();
        // The table takes the lower bits.
        let at = (hash >> 56) as usize & (self.shards.len() - 1);
        let mut shard = lock(&self.shards[at].0);
        let now = shard.now(&self.clock);
        work(&mut shard, hash, now)
    }
}

const MAX_SHARDS: usize = 256;

/// Nobody panics while holding a lock; a poisoned one is as good as new.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
