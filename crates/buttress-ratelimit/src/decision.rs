use std::{fmt, sync::Arc, time::Duration};

use arc_swap::Guard;

use crate::{Levels, Quota, Quotas};

/// What a [`RateLimiter`](crate::RateLimiter) says of one charge, and how things stand after it.
#[must_use]
pub struct Decision {
    quotas: Snapshot,
    /// What was missing of each bucket before.
    before: Levels,
    cost: u32,
    allowed: bool,
}

/// How one quota stands after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaState<'a> {
    /// The quota.
    pub quota: &'a Quota,
    /// How many tokens are left.
    pub remaining: u32,
    /// How long it takes until the bucket is full.
    pub reset: Duration,
    /// How long it takes until this quota could pay the same cost, if it refused it. Of shadow quotas too, whose refusal
    /// does not count.
    pub retry_after: Option<Duration>,
}

impl Decision {
    pub(crate) fn new(quotas: Snapshot, before: Levels, cost: u32, allowed: bool) -> Self {
        Self {
            quotas,
            before,
            cost,
            allowed,
        }
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        self.quotas.get()
    }

    /// Whether the cost was paid.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// How long it takes until all quotas could pay the same cost, if nobody else spends: `None` when it was paid.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.violated().filter_map(|state| state.retry_after).max()
    }

    /// How each quota stands.
    pub fn states(&self) -> impl Iterator<Item = QuotaState<'_>> {
        let quotas = self.quotas.get();
        quotas
            .iter()
            .zip(quotas.rates())
            .zip(&*self.before)
            .map(|((quota, rate), before)| {
                let affords = rate.affords(*before, self.cost, 1) == 1;
                let missing = match self.allowed && affords {
                    true => rate.charged(*before, self.cost, 1),
                    false => *before,
                };
                let wait = || Duration::from_nanos(rate.wait(*before, self.cost));
                QuotaState {
                    quota,
                    remaining: rate.remaining(missing),
                    reset: Duration::from_nanos(missing),
                    retry_after: (!affords).then(wait),
                }
            })
    }

    /// The quotas that have refused it, all of them. None when it was allowed.
    pub fn violated(&self) -> impl Iterator<Item = QuotaState<'_>> {
        self.states()
            .filter(|state| !self.allowed && !state.quota.is_shadow())
            .filter(|state| state.retry_after.is_some())
    }

    /// The shadow quotas that would have refused it.
    pub fn shadowed(&self) -> impl Iterator<Item = QuotaState<'_>> {
        self.states()
            .filter(|state| state.quota.is_shadow() && state.retry_after.is_some())
    }

    /// What the charge has cost, or would have.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.cost
    }
}

impl Clone for Decision {
    fn clone(&self) -> Self {
        Self {
            quotas: self.quotas.clone(),
            before: self.before,
            cost: self.cost,
            allowed: self.allowed,
        }
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("allowed", &self.allowed)
            .field("cost", &self.cost)
            .field("states", &self.states().collect::<Vec<_>>())
            .finish()
    }
}

/// The quotas of the moment. To hold them does not touch a counter that all threads share.
pub(crate) struct Snapshot(Guard<Arc<Quotas>>);

impl Snapshot {
    pub(crate) fn new(quotas: Guard<Arc<Quotas>>) -> Self {
        Self(quotas)
    }

    pub(crate) fn get(&self) -> &Arc<Quotas> {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<Quotas> {
        Arc::clone(&self.0)
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        Self(Guard::from_inner(self.shared()))
    }
}
