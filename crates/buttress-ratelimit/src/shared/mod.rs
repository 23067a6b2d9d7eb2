//! Decisions by a store that is elsewhere: what is known here comes first, then the store, and what is decided when that
//! fails comes last.

mod coalescing;
mod leases;
mod leasing;
mod refusals;

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use coalescing::Flights;
use leases::Leases;
use refusals::{Refusals, Span, Unknown};

use crate::{
    Basis, Clock, Decision, Error, Inherit, Key, Levels, MemoryStore, OnStoreError, Quotas,
    SharedStore,
    decision::Snapshot,
    metrics,
    resilience::{Failure, Guarded, Local},
    shared_store::check_quotas,
};

pub(crate) struct Shared {
    store: Guarded,
    otherwise: Otherwise,
    refusals: Option<Refusals>,
    flights: Option<Flights>,
    leases: Option<Leases>,
    clock: Clock,
    hasher: RandomState,
}

/// What decides when the store does not.
enum Otherwise {
    Allow,
    Deny,
    Local(Box<Local>),
}

/// What came of one charge.
#[derive(Clone, Debug)]
struct Charge {
    before: Levels,
    allowed: bool,
}

/// What is checked before the quotas of a limiter are replaced.
pub(crate) struct Replacement(Option<Quotas>);

impl Shared {
    pub(crate) fn new(options: SharedStore, quotas: &Quotas) -> Result<Self, Error> {
        options.check()?;
        options.store.check_quotas(quotas, false)?;
        check_quotas(options.leases.map(|(tokens, _)| tokens), quotas)?;
        let clock = options.clock;
        let otherwise = match options.on_error {
            OnStoreError::Allow => Otherwise::Allow,
            OnStoreError::Deny => Otherwise::Deny,
            OnStoreError::Local { share } => {
                let memory = MemoryStore::new()
                    .with_max_keys(options.local_keys)
                    .with_clock(clock.clone());
                Otherwise::Local(Box::new(Local::new(&memory, quotas, share)?))
            }
        };
        let leases = options
            .leases
            .map(|(tokens, time_to_live)| Leases::new(tokens, time_to_live));
        Ok(Self {
            store: Guarded::new(options.store, options.timeout, clock.clone()),
            otherwise,
            refusals: options.refusals.map(Refusals::new),
            flights: (options.coalescing || leases.is_some()).then(Flights::new),
            leases,
            clock,
            hasher: RandomState::new(),
        })
    }

    pub(crate) async fn check(
        self: &Arc<Self>,
        key: &Key,
        quotas: Arc<Quotas>,
        cost: u32,
    ) -> Result<Decision, Error> {
        let hash = self.hash(key);
        let answer = match &self.flights {
            _ if cost == 0 => self.peek(key, &quotas).await,
            None => self.charge(key, hash, &quotas, cost).await,
            Some(flights) => match self.known(key, hash, &quotas, cost) {
                Some(charge) => Ok(charge),
                None => flights.charge(self, key, hash, &quotas, cost).await,
            },
        };
        match answer {
            Ok(charge) => {
                let quotas = Snapshot::of(quotas);
                Ok(Decision::new(quotas, charge.before, cost, charge.allowed))
            }
            Err(failure) => self.otherwise(key, quotas, cost, failure),
        }
    }

    async fn peek(&self, key: &Key, quotas: &Quotas) -> Result<Charge, Failure> {
        let missing = self.store.charge(key, quotas, 0, 1).await?;
        // What was taken ahead is not spent.
        let held = self.held(key, quotas);
        Ok(Charge {
            before: put_back(&missing, quotas, held),
            allowed: true,
        })
    }

    /// One charge by a call of its own, if what is remembered does not refuse it.
    async fn charge(
        &self,
        key: &Key,
        hash: u64,
        quotas: &Quotas,
        cost: u32,
    ) -> Result<Charge, Failure> {
        let unknown = match self.look(hash, quotas, cost) {
            Ok(before) => return Ok(refused(before)),
            Err(unknown) => unknown,
        };
        let asked = self.clock.nanos();
        let before = self.store.charge(key, quotas, cost, 1).await?;
        let allowed = quotas.granted(&before, cost, 1) == 1;
        if self.refusals.is_some() {
            let mut after = before;
            quotas.charge(&mut after, cost, u32::from(allowed));
            self.remember(hash, unknown, quotas, asked, &after, !allowed);
        }
        Ok(Charge { before, allowed })
    }

    /// What the store answers to several charges at once.
    #[cfg(feature = "testing")]
    pub(crate) async fn charge_many(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        Ok(self.store.charge(key, quotas, cost, count).await?)
    }

    /// What is decided without a call, and without a place in a line.
    fn known(&self, key: &Key, hash: u64, quotas: &Quotas, cost: u32) -> Option<Charge> {
        if let Some(before) = self.pay(key, quotas, cost) {
            return Some(Charge {
                before,
                allowed: true,
            });
        }
        let held = self.held(key, quotas);
        let before = self.look(hash, quotas, cost.saturating_sub(held)).ok()?;
        Some(refused(put_back(&before, quotas, held)))
    }

    /// What is missing of the buckets of a key that would be refused this cost, if that is remembered.
    fn look(&self, hash: u64, quotas: &Quotas, cost: u32) -> Result<Levels, Option<Unknown>> {
        let refusals = self.refusals.as_ref().ok_or(None)?;
        let now = self.clock.nanos();
        refusals.look(hash, quotas, cost, now).map_err(Some)
    }

    fn remember(
        &self,
        hash: u64,
        unknown: Option<Unknown>,
        quotas: &Quotas,
        asked: u64,
        missing: &Levels,
        refused: bool,
    ) {
        if let (Some(refusals), Some(unknown)) = (&self.refusals, unknown) {
            let answered = self.clock.nanos();
            let span = Span { asked, answered };
            refusals.remember(hash, unknown, quotas, span, missing, refused);
        }
    }

    fn otherwise(
        &self,
        key: &Key,
        quotas: Arc<Quotas>,
        cost: u32,
        failure: Failure,
    ) -> Result<Decision, Error> {
        let decided = match (&self.otherwise, failure) {
            (_, failure @ Failure::Refused(_)) => return Err(failure.into()),
            (Otherwise::Deny, failure) => Err(failure.into()),
            (Otherwise::Allow, _) => {
                let decision = Decision::new(Snapshot::of(quotas), Levels::default(), cost, true);
                Ok(decision.resting_on(Basis::Nothing))
            }
            (Otherwise::Local(local), _) => Ok(local.check(key, cost)),
        };
        metrics::decided_otherwise(decided.as_ref().ok().map(Decision::basis));
        decided
    }

    pub(crate) async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<(), Error> {
        let failure = {
            let _forgotten = self.forgetting(key, false);
            match self.store.adjust(key, quotas, by).await {
                Ok(_) => return Ok(()),
                Err(failure) => failure,
            }
        };
        self.otherwise_do(failure, |local| local.adjust(key, by))
    }

    pub(crate) async fn set(&self, key: &Key, quotas: &Quotas, tokens: u32) -> Result<(), Error> {
        let levels = quotas.missing_with(tokens);
        let failure = {
            let _forgotten = self.forgetting(key, true);
            match self.store.set(key, quotas, &levels).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            }
        };
        self.otherwise_do(failure, |local| local.set(key, tokens))
    }

    fn otherwise_do(&self, failure: Failure, work: impl FnOnce(&Local)) -> Result<(), Error> {
        match (&self.otherwise, failure) {
            (_, failure @ Failure::Refused(_)) | (Otherwise::Deny, failure) => Err(failure.into()),
            (Otherwise::Allow, _) => Ok(()),
            (Otherwise::Local(local), _) => {
                work(local);
                Ok(())
            }
        }
    }

    /// # Errors
    ///
    /// When these quotas do not go with the settings.
    pub(crate) fn prepare(&self, quotas: &Quotas) -> Result<Replacement, Error> {
        self.store.check_quotas(quotas, true)?;
        check_quotas(self.leases.as_ref().map(Leases::tokens), quotas)?;
        let local = match &self.otherwise {
            Otherwise::Local(local) => Some(local.prepare(quotas)?),
            Otherwise::Allow | Otherwise::Deny => None,
        };
        Ok(Replacement(local))
    }

    /// What was remembered and taken ahead is of the quotas of before, and does not count for others.
    pub(crate) fn replace(&self, replacement: Replacement, inherit: Inherit) {
        if let (Otherwise::Local(local), Some(quotas)) = (&self.otherwise, replacement.0) {
            local.replace(quotas, inherit);
        }
    }

    /// The time by the clock of this process.
    pub(crate) fn now(&self) -> u64 {
        self.clock.nanos()
    }

    fn hash(&self, key: &Key) -> u64 {
        self.hasher.hash_one(key.as_bytes())
    }

    /// What is remembered of the key is forgotten when this is dropped: the buckets may have changed by then, whatever
    /// has become of the call.
    fn forgetting<'a>(&'a self, key: &'a Key, lease: bool) -> Forgetting<'a> {
        Forgetting {
            shared: self,
            key,
            lease,
        }
    }
}

struct Forgetting<'a> {
    shared: &'a Shared,
    key: &'a Key,
    lease: bool,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        if let Some(refusals) = &self.shared.refusals {
            refusals.forget(self.shared.hash(self.key));
        }
        if let (true, Some(leases)) = (self.lease, &self.shared.leases) {
            leases.forget(self.key);
        }
    }
}

fn refused(before: Levels) -> Charge {
    Charge {
        before,
        allowed: false,
    }
}

/// What would be missing if these tokens had not been taken.
fn put_back(missing: &[u64], quotas: &Quotas, tokens: u32) -> Levels {
    let rates = quotas.rates().iter().zip(missing);
    rates
        .map(|(rate, missing)| rate.adjusted(*missing, -i64::from(tokens)))
        .collect()
}
