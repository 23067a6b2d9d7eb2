//! Gets tokens ahead from the store, and puts back what is left of them.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{
    Charge, Shared,
    coalescing::{Waiter, fail},
    leases::{Lease, Leases, Lot},
    put_back, refused,
};
use crate::{Key, Levels, Quotas, resilience::Failure};

impl Shared {
    /// How many tokens the key holds.
    pub(super) fn held(&self, key: &Key, quotas: &Quotas) -> u32 {
        let Some(leases) = &self.leases else {
            return 0;
        };
        let held = |lease: &mut Lease| lease.held(leases.time_to_live(), self.clock.nanos());
        leases.with(key, quotas, held).unwrap_or(0)
    }

    /// Pays by tokens that were taken ahead, and answers what was missing before.
    pub(super) fn pay(&self, key: &Key, quotas: &Quotas, cost: u32) -> Option<Levels> {
        let leases = self.leases.as_ref()?;
        let pay = |lease: &mut Lease| lease.pay(cost, leases.time_to_live(), self.clock.nanos());
        leases.with(key, quotas, pay).flatten()
    }

    /// Answers those who can be paid by tokens that are taken ahead, with one call at most. The others are left.
    pub(super) async fn serve_by_lease(
        self: &Arc<Self>,
        key: &Key,
        hash: u64,
        batch: Vec<Waiter>,
    ) -> Result<Vec<Waiter>, Failure> {
        let Some(leases) = &self.leases else {
            return Ok(batch);
        };
        if !leases.has_room(key) {
            return Ok(batch);
        }
        let (small, large): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|waiter| waiter.cost <= leases.tokens());
        match self.serve_small(leases, key, hash, small).await {
            Ok(()) => Ok(large),
            Err(failure) => {
                fail(large, &failure);
                Err(failure)
            }
        }
    }

    async fn serve_small(
        self: &Arc<Self>,
        leases: &Leases,
        key: &Key,
        hash: u64,
        batch: Vec<Waiter>,
    ) -> Result<(), Failure> {
        let Some(first) = batch.first() else {
            return Ok(());
        };
        let quotas = Arc::clone(&first.quotas);
        // Those before them may have left some.
        let mut waiting = Vec::new();
        for waiter in batch {
            match self.pay(key, &quotas, waiter.cost) {
                Some(before) => waiter.answer(Ok(paid(before))),
                None => waiting.push(waiter),
            }
        }
        let Some(least) = waiting.iter().map(|waiter| waiter.cost).min() else {
            return Ok(());
        };
        let held = self.held(key, &quotas);
        let unknown = match self.look(hash, &quotas, least.saturating_sub(held)) {
            Ok(before) => {
                for waiter in waiting {
                    waiter.answer(Ok(refused(put_back(&before, &quotas, held))));
                }
                return Ok(());
            }
            Err(unknown) => unknown,
        };

        let costs = waiting.iter().map(|waiter| waiter.cost);
        let wanted = costs.fold(leases.tokens().saturating_sub(held), u32::saturating_add);
        let (taken, epoch) = (self.clock.nanos(), leases.epoch(key));
        let call = self.store.charge(key, &quotas, 1, wanted);
        let mut levels = match call.await {
            Ok(before) => before,
            Err(failure) => {
                fail(waiting, &failure);
                return Err(failure);
            }
        };
        let tokens = quotas.granted(&levels, 1, wanted);
        quotas.charge(&mut levels, 1, tokens);
        let lot = Lot { tokens, taken };

        let mut answers = Vec::with_capacity(waiting.len());
        let is_new = leases.with_new(key, &quotas, epoch, |lease| {
            let (time_to_live, now) = (leases.time_to_live(), self.clock.nanos());
            lease.add(lot, levels, now);
            for waiter in waiting {
                let answer = match lease.pay(waiter.cost, time_to_live, now) {
                    Some(before) => paid(before),
                    None => refused(lease.missing(time_to_live, now)),
                };
                answers.push((waiter, answer));
            }
        });
        let refused = answers.iter().any(|(_, answer)| !answer.allowed);
        self.remember(hash, unknown, &quotas, taken, &levels, refused);
        // Not under the lock, since who waits may be woken by it.
        for (waiter, answer) in answers {
            waiter.answer(Ok(answer));
        }
        if is_new {
            self.look_after(leases, key);
        }
        Ok(())
    }

    /// Sees to it that what is left is put back.
    fn look_after(self: &Arc<Self>, leases: &Leases, key: &Key) {
        let Ok(runtime) = Handle::try_current() else {
            return leases.remove(key);
        };
        let keeper = Keeper {
            shared: Arc::downgrade(self),
            key: key.clone(),
            ended: false,
        };
        runtime.spawn(keeper.run(Duration::from_nanos(leases.time_to_live())));
    }
}

fn paid(before: Levels) -> Charge {
    Charge {
        before,
        allowed: true,
    }
}

/// Looks after the tokens that a key holds. When it is dropped, with its runtime, they are forgotten.
struct Keeper {
    shared: Weak<Shared>,
    key: Key,
    ended: bool,
}

impl Keeper {
    async fn run(mut self, time_to_live: Duration) {
        let mut pause = time_to_live;
        loop {
            tokio::time::sleep(pause).await;
            let Some(next) = self.put_back().await else {
                self.ended = true;
                return;
            };
            pause = next;
        }
    }

    /// Puts back what has come to its end, and answers when to look again.
    async fn put_back(&self) -> Option<Duration> {
        let shared = self.shared.upgrade()?;
        let leases = shared.leases.as_ref()?;
        let delay = u64::try_from(shared.store.timeout().as_nanos()).unwrap_or(u64::MAX);
        let (quotas, due) = leases.expire(&self.key, shared.clock.nanos(), delay)?;
        if due.tokens > 0 {
            let _forgotten = shared.forgetting(&self.key, false);
            let tokens = -i64::from(due.tokens);
            let call = shared.store.adjust(&self.key, &quotas, tokens);
            if let Err(failure) = call.await {
                tracing::debug!(?failure, "tokens that were taken ahead are lost");
            }
        }
        let next = due.next?.saturating_sub(shared.clock.nanos());
        // At least a moment, should the clock stand still.
        Some(Duration::from_nanos(next).max(Duration::from_millis(1)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let shared = self.shared.upgrade();
        let leases = shared.as_ref().and_then(|shared| shared.leases.as_ref());
        if let (false, Some(leases)) = (self.ended, leases) {
            leases.remove(&self.key);
        }
    }
}
