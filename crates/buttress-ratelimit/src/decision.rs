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
    basis: Basis,
}

/// What a [`Decision`] rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// The buckets of the limiter, wherever they are.
    Store,
    /// Buckets of this process, since the store has failed: [`OnStoreError::Local`](crate::OnStoreError::Local).
    Local,
    /// Nothing, since the store has failed: [`OnStoreError::Allow`](crate::OnStoreError::Allow). The decision has no
    /// states.
    Nothing,
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
            basis: Basis::Store,
        }
    }

    pub(crate) fn resting_on(self, basis: Basis) -> Self {
        Self { basis, ..self }
    }

    /// The refusal of one who comes after others that have waited for this many tokens: `None` if there is enough for all of them.
    pub(crate) fn behind(&self, tokens: u32, cost: u32) -> Option<Self> {
        let rates = self.quotas.get().rates().iter().zip(&*self.before);
        let before = rates.map(|(rate, missing)| rate.charged(*missing, tokens, 1));
        let refusal = Self {
            quotas: self.quotas.clone(),
            before: before.collect(),
            cost,
            allowed: false,
            basis: self.basis,
        };
        let is_one = self.basis != Basis::Nothing && refusal.violated().next().is_some();
        is_one.then_some(refusal)
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        self.quotas.get()
    }

    /// Whether the cost was paid.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// What it rests on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// How long it takes until all quotas could pay the same cost, if nobody else spends: `None` when it was paid.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.violated().filter_map(|state| state.retry_after).max()
    }

    /// How each quota stands.
    pub fn states(&self) -> impl Iterator<Item = QuotaState<'_>> {
        let quotas = self.quotas.get();
        // At a share of the quotas, what is too much for a full bucket waits for that.
        let payable = quotas.payable(self.cost);
        quotas
            .iter()
            .zip(quotas.rates())
            .zip(&*self.before)
            .map(move |((quota, rate), before)| {
                let cost = if quota.is_shadow() {
                    self.cost
                } else {
                    payable
                };
                let affords = rate.affords(*before, cost, 1) == 1;
                let missing = match self.allowed && affords {
                    true => rate.charged(*before, self.cost, 1),
                    false => *before,
                };
                let wait = || Duration::from_nanos(rate.wait(*before, cost));
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
            basis: self.basis,
        }
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("allowed", &self.allowed)
            .field("cost", &self.cost)
            .field("basis", &self.basis)
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

    pub(crate) fn of(quotas: Arc<Quotas>) -> Self {
        Self(Guard::from_inner(quotas))
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
