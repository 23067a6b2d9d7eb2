//! One call at a time for each key: who comes meanwhile waits, and shares the next one.
//!
//! Whoever finds nobody in flight makes a call of his own. When it is over, or given up, a task makes the next one for all who have
//! come since, and so on until nobody waits. So nobody's going away takes the others with it.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::{Charge, Shared, refused};
use crate::{Key, Quotas, resilience::Failure};

const SHARDS: usize = 64;

/// Keys of which a call is in flight, and who waits for it to end.
pub(super) struct Flights {
    shards: Box<[Mutex<Lines>]>,
}

type Lines = HashMap<Key, Vec<Waiter>>;

/// Somebody who waits for an answer.
pub(super) struct Waiter {
    pub(super) quotas: Arc<Quotas>,
    pub(super) cost: u32,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Charge, Failure>;

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub(super) async fn charge(
        &self,
        shared: &Arc<Shared>,
        key: &Key,
        hash: u64,
        quotas: &Arc<Quotas>,
        cost: u32,
    ) -> Answer {
        loop {
            let (answer, answered) = oneshot::channel();
            let waiter = Waiter {
                quotas: Arc::clone(quotas),
                cost,
                answer,
            };
            if let Some(waiter) = self.join(key, hash, waiter) {
                let _lead = Lead { shared, key, hash };
                shared.serve(key, hash, vec![waiter]).await;
            }
            if let Ok(answer) = answered.await {
                return answer;
            }
            // The runtime of who made the call has shut down.
        }
    }

    /// Takes a place among those who wait. Whoever gets himself back is to make the call.
    fn join(&self, key: &Key, hash: u64, waiter: Waiter) -> Option<Waiter> {
        let mut shard = self.shard(hash);
        if let Some(waiting) = shard.get_mut(key) {
            waiting.push(waiter);
            return None;
        }
        shard.insert(key.clone(), Vec::new());
        Some(waiter)
    }

    /// All who wait and are to be decided by the quotas of the first. When there are none, the flight has ended.
    fn take(&self, key: &Key, hash: u64) -> Vec<Waiter> {
        let mut shard = self.shard(hash);
        let Entry::Occupied(mut flight) = shard.entry(key.clone()) else {
            return Vec::new();
        };
        let room = Vec::with_capacity(flight.get().len());
        let mut waiting = mem::replace(flight.get_mut(), room);
        waiting.retain(Waiter::waits);
        let Some(first) = waiting.first() else {
            flight.remove();
            return waiting;
        };
        let quotas = first.quotas.id();
        if waiting.iter().any(|waiter| waiter.quotas.id() != quotas) {
            let (these, later) = waiting
                .into_iter()
                .partition(|waiter| waiter.quotas.id() == quotas);
            *flight.get_mut() = later;
            return these;
        }
        waiting
    }

    /// All who wait, whatever for. The flight goes on.
    fn drain(&self, key: &Key, hash: u64) -> Vec<Waiter> {
        self.shard(hash)
            .get_mut(key)
            .map(mem::take)
            .unwrap_or_default()
    }

    /// Ends the flight. Who waits begins anew.
    fn abandon(&self, key: &Key, hash: u64) {
        let waiting = self.shard(hash).remove(key);
        // Not under the lock.
        drop(waiting);
    }

    /// Whether nobody waits: then the flight has ended.
    fn ended(&self, key: &Key, hash: u64) -> bool {
        let mut shard = self.shard(hash);
        if shard.get(key).is_some_and(|waiting| !waiting.is_empty()) {
            return false;
        }
        shard.remove(key);
        true
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Lines> {
        let shard = &self.shards[hash as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    pub(super) fn waits(&self) -> bool {
        !self.answer.is_closed()
    }

    pub(super) fn answer(self, answer: Answer) {
        // Who does not want it any more has charged it, as who leaves during a call of his own.
        let _ = self.answer.send(answer);
    }
}

impl Shared {
    /// Answers all of these, who have come in this order and go by the same quotas.
    async fn serve(self: &Arc<Self>, key: &Key, hash: u64, batch: Vec<Waiter>) {
        let served = async {
            let mut rest = self.serve_by_lease(key, hash, batch).await?;
            while let Some(first) = rest.first() {
                let cost = first.cost;
                let equal = |waiter: &Waiter| waiter.cost == cost;
                let (equal, others) = match rest.iter().all(equal) {
                    true => (rest, Vec::new()),
                    false => rest.into_iter().partition(equal),
                };
                rest = others;
                if let Err(failure) = self.serve_equal(key, hash, equal).await {
                    fail(rest, &failure);
                    return Err(failure);
                }
            }
            Ok(())
        };
        if let (Err(failure), Some(flights)) = (served.await, &self.flights) {
            // Those who came meanwhile would only wait for the same.
            fail(flights.drain(key, hash), &failure);
        }
    }

    /// Answers all of these by one call. They pay the same.
    async fn serve_equal(&self, key: &Key, hash: u64, equal: Vec<Waiter>) -> Result<(), Failure> {
        let Some(first) = equal.first() else {
            return Ok(());
        };
        let (quotas, cost) = (Arc::clone(&first.quotas), first.cost);
        let unknown = match self.look(hash, &quotas, cost) {
            Ok(before) => {
                for waiter in equal {
                    waiter.answer(Ok(refused(before)));
                }
                return Ok(());
            }
            Err(unknown) => unknown,
        };
        let count = u32::try_from(equal.len()).unwrap_or(u32::MAX);
        let asked = self.clock.nanos();
        let call = self
            .store
            .call(|store| store.charge(key, &quotas, cost, count));
        let mut levels = match call.await {
            Ok(before) => before,
            Err(failure) => {
                fail(equal, &failure);
                return Err(failure);
            }
        };
        let granted = quotas.granted(&levels, cost, count);
        for (waiter, number) in equal.into_iter().zip(0..) {
            let allowed = number < granted;
            let before = levels;
            if allowed {
                quotas.charge(&mut levels, cost, 1);
            }
            waiter.answer(Ok(Charge { before, allowed }));
        }
        self.remember(hash, unknown, &quotas, asked, &levels, granted < count);
        Ok(())
    }
}

pub(super) fn fail(waiting: Vec<Waiter>, failure: &Failure) {
    for waiter in waiting {
        waiter.answer(Err(failure.clone()));
    }
}

/// Makes a call. Whatever becomes of it, the others are seen to.
struct Lead<'a> {
    shared: &'a Arc<Shared>,
    key: &'a Key,
    hash: u64,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let Some(flights) = &self.shared.flights else {
            return;
        };
        if flights.ended(self.key, self.hash) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return flights.abandon(self.key, self.hash);
        };
        let follow = Follow {
            shared: Arc::clone(self.shared),
            key: self.key.clone(),
            hash: self.hash,
            ended: false,
        };
        runtime.spawn(follow.run());
    }
}

/// Makes the calls after that one. Dropped before the end, with its runtime, it leaves them to those who wait.
struct Follow {
    shared: Arc<Shared>,
    key: Key,
    hash: u64,
    ended: bool,
}

impl Follow {
    /// Calls for all who wait, until nobody does.
    async fn run(mut self) {
        let Some(flights) = &self.shared.flights else {
            return;
        };
        loop {
            // Those who have just been answered may ask again at once: they come along, and need no call of their own.
            yield_now().await;
            let batch = flights.take(&self.key, self.hash);
            if batch.is_empty() {
                self.ended = true;
                return;
            }
            self.shared.serve(&self.key, self.hash, batch).await;
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if let (false, Some(flights)) = (self.ended, &self.shared.flights) {
            flights.abandon(&self.key, self.hash);
        }
    }
}
