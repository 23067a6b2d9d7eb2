//! A part of the table, under one lock.

use std::{mem, sync::Arc};

use super::table::{Place, Table, fingerprint};
use crate::{Clock, Levels, Quotas, bucket::Rate};

pub(super) struct Shard {
    groups: usize,
    /// Of which the buckets are.
    quotas: Arc<Quotas>,
    table: Table,
    /// When the bucket of those is full who find no place.
    overflow: Levels,
    /// The latest time that was looked at.
    latest: u64,
}

/// Processors do not quite agree on the time. What is further back is a clock that was set back.
const SET_BACK: u64 = 1_000_000_000;

impl Shard {
    pub(super) fn new(groups: usize, quotas: &Arc<Quotas>) -> Self {
        Self {
            groups,
            quotas: Arc::clone(quotas),
            table: Table::new(groups, quotas.len()),
            overflow: Levels::full(quotas.len()),
            latest: 0,
        }
    }

    /// The time, which is looked at under the lock: whoever has waited for that would see a time before the last change
    /// otherwise, and a bucket that seems to be full too late.
    #[inline]
    pub(super) fn now(&mut self, clock: &Clock) -> u64 {
        let now = clock.nanos();
        if now >= self.latest || self.latest - now > SET_BACK {
            self.latest = now;
        }
        self.latest
    }

    /// Charges the buckets of a key, if the change says so, and answers what was missing before.
    /// `None` when the quotas have been replaced by others.
    #[inline]
    pub(super) fn change(
        &mut self,
        hash: u64,
        quotas: &Arc<Quotas>,
        now: u64,
        change: impl FnOnce(&Quotas, &mut [u64]) -> bool,
    ) -> Option<Levels> {
        self.adopt(quotas, now)
            .then(|| self.change_current(hash, now, change))
    }

    /// Changes what is missing of the buckets of a key, whatever it is, and answers what was missing before. In a bucket that
    /// others share, no more than that more is missing, and no debt: nothing is put back there that one of them may have
    /// paid elsewhere, and nobody is to pay for another one.
    pub(super) fn amend(
        &mut self,
        hash: u64,
        quotas: &Arc<Quotas>,
        now: u64,
        change: impl FnOnce(&Quotas, &mut [u64]),
    ) -> Option<Levels> {
        if !self.adopt(quotas, now) {
            return None;
        }
        let print = fingerprint(hash);
        let found = self.table.find(print);
        let before = self.missing(found, now);
        let mut after = before;
        change(quotas, &mut after);
        match found.or_else(|| self.table.claim(print, now)) {
            Some(place) => write(&mut self.table, place, &after, now),
            None => {
                let both = before.iter().zip(&*after).zip(quotas.rates());
                let shared =
                    both.map(|((before, after), rate)| *after.min(&rate.capacity()).max(before));
                self.overflow = full_at(&shared.collect::<Levels>(), now);
            }
        }
        Some(before)
    }

    /// The same by the quotas that are there.
    #[inline]
    fn change_current(
        &mut self,
        hash: u64,
        now: u64,
        change: impl FnOnce(&Quotas, &mut [u64]) -> bool,
    ) -> Levels {
        let print = fingerprint(hash);
        let found = self.table.find(print);
        let before = self.missing(found, now);
        let (table, overflow) = (&mut self.table, &mut self.overflow);
        let mut after = before;
        if !change(&self.quotas, &mut after) {
            // Nothing changes, but where a clock that was set back would make it last.
            for (at, missing) in before.iter().enumerate() {
                let time = match found {
                    Some(place) => table.time(place, at),
                    None => &mut overflow[at],
                };
                let latest = now.saturating_add(*missing);
                if *time > latest {
                    *time = latest;
                }
            }
            return before;
        }
        match found.or_else(|| table.claim(print, now)) {
            Some(place) => write(table, place, &after, now),
            None => *overflow = full_at(&after, now),
        }
        before
    }

    /// What is missing of the buckets of a key that stands there, or nowhere.
    #[inline]
    fn missing(&mut self, found: Option<Place>, now: u64) -> Levels {
        let mut missing = Levels::full(self.quotas.len());
        for (at, (rate, level)) in self.quotas.rates().iter().zip(&mut *missing).enumerate() {
            let full_at = match found {
                Some(place) => *self.table.time(place, at),
                // Who comes new may have been among those who share a bucket: what these have spent counts.
                None => self.overflow[at],
            };
            *level = rate.missing(full_at, now);
        }
        missing
    }

    /// Takes the cost out of all buckets of a key, if all have so much. `false`, and nothing has changed, otherwise, and where
    /// a quota only counts, which somebody may want to know.
    #[inline]
    pub(super) fn pay(&mut self, hash: u64, now: u64, cost: u32) -> bool {
        let quotas = &*self.quotas;
        if cost == 0 || quotas.has_shadow() {
            return false;
        }
        let table = &mut self.table;
        let Some(place) = table.find(fingerprint(hash)) else {
            return self.pay_anew(hash, now, cost);
        };
        let rates = || quotas.rates().iter().enumerate();
        for (at, rate) in rates() {
            let missing = rate.missing(*table.time(place, at), now);
            if rate.affords(missing, cost, 1) == 0 {
                return false;
            }
        }
        for (at, rate) in rates() {
            let full_at = table.time(place, at);
            let missing = rate.missing(*full_at, now);
            *full_at = now.saturating_add(rate.charged(missing, cost, 1));
        }
        true
    }

    /// The same for a key that has no place.
    #[cold]
    fn pay_anew(&mut self, hash: u64, now: u64, cost: u32) -> bool {
        let mut paid = false;
        self.change_current(hash, now, |quotas, missing| {
            paid = quotas.charge_up_to(missing, cost, 1) == 1;
            paid
        });
        paid
    }

    /// Whether the buckets are of these quotas now. Later ones are kept.
    #[inline]
    pub(super) fn adopt(&mut self, quotas: &Arc<Quotas>, now: u64) -> bool {
        if self.quotas.id() < quotas.id() {
            self.replace(quotas, now);
        }
        self.quotas.id() == quotas.id()
    }

    /// Makes buckets of these quotas of those that are there.
    #[cold]
    fn replace(&mut self, quotas: &Arc<Quotas>, now: u64) {
        let previous = quotas
            .previous()
            .filter(|previous| previous.id() == self.quotas.id());
        self.quotas = Arc::clone(quotas);
        let mut table = Table::new(self.groups, quotas.len());
        let shared = mem::replace(&mut self.overflow, Levels::full(quotas.len()));
        let Some(previous) = previous else {
            self.table = table;
            return;
        };
        let inherit = |times: &[u64]| quotas.inherited(&missing(previous.rates(), times, now));
        self.overflow = full_at(&inherit(&shared), now);
        for (print, place) in self.table.taken() {
            let times: Levels = (0..previous.len())
                .map(|at| *self.table.time(place, at))
                .collect();
            let missing = inherit(&times);
            if missing.iter().all(|missing| *missing == 0) {
                continue;
            }
            match table.claim(print, now) {
                Some(place) => write(&mut table, place, &missing, now),
                // It had a place before, but in another order there may be none.
                None => {
                    for (shared, missing) in self.overflow.iter_mut().zip(&*missing) {
                        *shared = now.saturating_add(*missing).max(*shared);
                    }
                }
            }
        }
        self.table = table;
    }
}

fn write(table: &mut Table, place: Place, missing: &[u64], now: u64) {
    for (at, missing) in missing.iter().enumerate() {
        *table.time(place, at) = now.saturating_add(*missing);
    }
}

fn missing(rates: &[Rate], times: &[u64], now: u64) -> Levels {
    rates
        .iter()
        .zip(times)
        .map(|(rate, time)| rate.missing(*time, now))
        .collect()
}

fn full_at(missing: &[u64], now: u64) -> Levels {
    missing
        .iter()
        .map(|missing| now.saturating_add(*missing))
        .collect()
}

/// What the tests with loom look at.
#[cfg(all(test, buttress_loom))]
impl Shard {
    pub(super) fn table(&mut self) -> &mut Table {
        &mut self.table
    }
}
