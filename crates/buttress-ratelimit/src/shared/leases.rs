//! Tokens that were taken ahead: values and the time in, values out. `leasing.rs` gets them and puts them back.
//!
//! A lot of tokens that lives for `t` lets at most `rate · t` fill again while it is held. When what is left of a lot is
//! put back, as much is kept: otherwise processes in turn could hold lots and put them back, and let the buckets fill behind
//! them for as long as they like. With it, a lot that was put back is as if it had never been taken, and what all may let pass in
//! excess stays below `rate · t`.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::put_back;
use crate::{Key, Levels, Quotas};

/// How many keys may have tokens that were taken ahead.
const MAX_KEYS: usize = 10_000;

const SHARDS: usize = 64;

pub(super) struct Leases {
    tokens: u32,
    time_to_live: u64,
    keys: AtomicUsize,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    /// How often something was forgotten. What was asked for before is not to be kept after.
    epoch: u64,
    leases: HashMap<Key, Lease>,
}

/// What one key has of tokens that were taken ahead.
pub(super) struct Lease {
    quotas: Arc<Quotas>,
    /// What was missing of its buckets after the last ones were taken, and when.
    missing: Levels,
    seen: u64,
    /// The oldest one first.
    lots: Vec<Lot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lot {
    pub(super) tokens: u32,
    /// Before the store was asked for it.
    pub(super) taken: u64,
}

/// What is to be done when lots have come to their end.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// To be put back.
    pub(super) tokens: u32,
    /// When to look again: not, if nothing is left.
    pub(super) next: Option<u64>,
}

impl Lease {
    pub(super) fn new(quotas: Arc<Quotas>) -> Self {
        Self {
            missing: Levels::full(quotas.len()),
            quotas,
            seen: 0,
            lots: Vec::new(),
        }
    }

    /// Adds tokens that were taken, of buckets of which this is missing after it.
    pub(super) fn add(&mut self, lot: Lot, missing: Levels, seen: u64) {
        self.missing = missing;
        self.seen = seen;
        if lot.tokens > 0 {
            self.lots.push(lot);
        }
    }

    /// How many tokens there are.
    pub(super) fn held(&self, time_to_live: u64, now: u64) -> u32 {
        let lots = self.lots.iter().filter(|lot| lot.lives(time_to_live, now));
        lots.map(|lot| lot.tokens).fold(0, u32::saturating_add)
    }

    /// What is missing of the buckets, by what was last seen of them. What is held is not spent.
    pub(super) fn missing(&self, time_to_live: u64, now: u64) -> Levels {
        let missing = self.missing.later(now.saturating_sub(self.seen));
        put_back(&missing, &self.quotas, self.held(time_to_live, now))
    }

    /// Pays by the oldest tokens, and answers what was missing before.
    pub(super) fn pay(&mut self, cost: u32, time_to_live: u64, now: u64) -> Option<Levels> {
        if self.held(time_to_live, now) < cost {
            return None;
        }
        let before = self.missing(time_to_live, now);
        let mut rest = cost;
        let lots = self.lots.iter_mut();
        for lot in lots.filter(|lot| lot.lives(time_to_live, now)) {
            let paid = lot.tokens.min(rest);
            lot.tokens -= paid;
            rest -= paid;
        }
        self.lots.retain(|lot| lot.tokens > 0);
        Some(before)
    }

    /// Takes out what has come to its end. What is put back of it arrives at the store within `delay`.
    fn expire(&mut self, time_to_live: u64, now: u64, delay: u64) -> Due {
        let fastest = self.quotas.iter().zip(self.quotas.rates());
        let fastest = fastest
            .filter(|(quota, _)| !quota.is_shadow())
            .map(|(_, rate)| rate.interval())
            .min();
        let mut due = Due::default();
        self.lots.retain(|lot| {
            if lot.lives(time_to_live, now) {
                return true;
            }
            let age = now.saturating_sub(lot.taken).saturating_add(delay);
            let filled = fastest.map_or(0, |interval| age.div_ceil(interval));
            let left = u64::from(lot.tokens).saturating_sub(filled);
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            due.tokens = due.tokens.saturating_add(left);
            false
        });
        let next = self.lots.iter().map(|lot| lot.taken).min();
        due.next = next.map(|taken| taken.saturating_add(time_to_live));
        due
    }
}

impl Lot {
    fn lives(&self, time_to_live: u64, now: u64) -> bool {
        now < self.taken.saturating_add(time_to_live)
    }
}

impl Leases {
    pub(super) fn new(tokens: u32, time_to_live: Duration) -> Self {
        Self {
            tokens,
            time_to_live: u64::try_from(time_to_live.as_nanos()).unwrap_or(u64::MAX),
            keys: AtomicUsize::new(0),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// How many a key may hold.
    pub(crate) fn tokens(&self) -> u32 {
        self.tokens
    }

    pub(super) fn time_to_live(&self) -> u64 {
        self.time_to_live
    }

    /// Whether this key may take tokens ahead.
    pub(super) fn has_room(&self, key: &Key) -> bool {
        self.keys.load(Ordering::Relaxed) < MAX_KEYS || self.shard(key).leases.contains_key(key)
    }

    /// Works with the lease of these quotas, if there is one.
    pub(super) fn with<T>(
        &self,
        key: &Key,
        quotas: &Quotas,
        work: impl FnOnce(&mut Lease) -> T,
    ) -> Option<T> {
        let mut shard = self.shard(key);
        let lease = shard.leases.get_mut(key);
        lease
            .filter(|lease| lease.quotas.id() == quotas.id())
            .map(work)
    }

    /// What tells whether something is forgotten from now on.
    pub(super) fn epoch(&self, key: &Key) -> u64 {
        self.shard(key).epoch
    }

    /// Works with the lease of these quotas, which takes the place of one of others. Answers whether somebody has to look after it
    /// from now on. If something was forgotten since that epoch, nothing is kept.
    pub(super) fn with_new(
        &self,
        key: &Key,
        quotas: &Arc<Quotas>,
        epoch: u64,
        work: impl FnOnce(&mut Lease),
    ) -> bool {
        let mut shard = self.shard(key);
        if shard.epoch != epoch {
            work(&mut Lease::new(Arc::clone(quotas)));
            return false;
        }
        if let Some(lease) = shard.leases.get_mut(key) {
            if lease.quotas.id() != quotas.id() {
                *lease = Lease::new(Arc::clone(quotas));
            }
            work(lease);
            return false;
        }
        let mut lease = Lease::new(Arc::clone(quotas));
        work(&mut lease);
        if lease.lots.is_empty() {
            return false;
        }
        shard.leases.insert(key.clone(), lease);
        self.keys.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// What has come to its end, and of which quotas. A lease of which nothing is left has gone.
    pub(super) fn expire(&self, key: &Key, now: u64, delay: u64) -> Option<(Arc<Quotas>, Due)> {
        let mut shard = self.shard(key);
        let lease = shard.leases.get_mut(key)?;
        let due = lease.expire(self.time_to_live, now, delay);
        let quotas = Arc::clone(&lease.quotas);
        if due.next.is_none() {
            shard.leases.remove(key);
            self.keys.fetch_sub(1, Ordering::Relaxed);
        }
        Some((quotas, due))
    }

    /// Forgets what a key holds, and what it is asking for.
    pub(super) fn forget(&self, key: &Key) {
        let mut shard = self.shard(key);
        shard.epoch += 1;
        if let Some(lease) = shard.leases.get_mut(key) {
            lease.lots.clear();
        }
    }

    /// Forgets the key, since nobody looks after it any more.
    pub(super) fn remove(&self, key: &Key) {
        if self.shard(key).leases.remove(key).is_some() {
            self.keys.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // Of the bytes alone: which key it is, the table finds out by a hash that nobody can foresee.
        let sum = key.as_bytes().iter().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        let shard = &self.shards[sum % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
