//! Buckets in this process for the time in which the store is away.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{
    Basis, Decision, Error, ErrorKind, Inherit, Key, MemoryStore, Quotas, decision::Snapshot,
    store::memory::Memory,
};

pub(crate) struct Local {
    share: f64,
    quotas: ArcSwap<Quotas>,
    memory: Memory,
}

impl Local {
    /// # Errors
    ///
    /// When the share is none, or so small that a bucket would take for ever to fill.
    pub(crate) fn new(store: &MemoryStore, quotas: &Quotas, share: f64) -> Result<Self, Error> {
        let quotas = Arc::new(at_share(quotas, share)?);
        Ok(Self {
            share,
            memory: Memory::new(store, &quotas),
            quotas: ArcSwap::new(quotas),
        })
    }

    /// The quotas to [replace](Self::replace) these by, to be made before anything is changed, and not by two
    /// at once: what is made later is later.
    pub(crate) fn prepare(&self, quotas: &Quotas) -> Result<Quotas, Error> {
        at_share(quotas, self.share)
    }

    /// Not to be called by two at once.
    pub(crate) fn replace(&self, quotas: Quotas, inherit: Inherit) {
        let previous = self.quotas.load().without_previous();
        let quotas = Arc::new(quotas.after(previous, inherit, 0));
        self.quotas.store(Arc::clone(&quotas));
        self.memory.adopt(&quotas);
    }

    pub(crate) fn check(&self, key: &Key, cost: u32) -> Decision {
        loop {
            let quotas = Snapshot::new(self.quotas.load());
            if let Some(decision) = self.charge(key, &quotas, cost) {
                return decision;
            }
        }
    }

    /// `None` when the quotas were replaced meanwhile.
    fn charge(&self, key: &Key, snapshot: &Snapshot, cost: u32) -> Option<Decision> {
        let quotas = snapshot.get();
        let payable = quotas.payable(cost);
        let before = self.memory.charge(key, quotas, payable, 1)?;
        let allowed = quotas.granted(&before, payable, 1) == 1;
        if allowed && cost > payable {
            // The smallest bucket is empty now, so nobody comes between. If other quotas do, the rest is theirs.
            self.adjust(key, i64::from(cost - payable));
        }
        let decision = Decision::new(snapshot.clone(), before, cost, allowed);
        Some(decision.resting_on(Basis::Local))
    }

    pub(crate) fn adjust(&self, key: &Key, by: i64) {
        while self.memory.adjust(key, &self.quotas.load(), by).is_none() {}
    }

    pub(crate) fn set(&self, key: &Key, tokens: u32) {
        let set = || {
            let quotas = self.quotas.load();
            self.memory.set(key, &quotas, &quotas.missing_with(tokens))
        };
        while set().is_none() {}
    }
}

fn at_share(quotas: &Quotas, share: f64) -> Result<Quotas, Error> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidConfiguration, message);
    if !(share > 0.0 && share <= 1.0) {
        return Err(invalid(format!(
            "a share of {share} of each quota is none: more than 0 and at most 1 are allowed"
        )));
    }
    Quotas::new(quotas.iter().map(|quota| quota.at_share(share))).map_err(|error| {
        invalid(format!("a share of {share} of each quota is too small")).with_source(error)
    })
}
