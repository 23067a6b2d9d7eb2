//! One call at a time for each key: who comes meanwhile waits, and shares the next one.
//!
//! Whoever finds nobody in flight makes a call of his own. When it is over, or given up, a task makes the next one for all who have
//! come since, and so on until nobody waits. So nobody's going away takes the others with it.
//!
//! Nobody waits for longer than two calls may take: whoever makes the calls may be a future that nobody polls, or in a runtime that nobody
//! drives. Who gives up ends such a flight, and begins anew.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::oneshot, task::yield_now, time::timeout};

use super::{Charge, Shared, refused};
use crate::{Key, Quotas, resilience::Failure};

const SHARDS: usize = 64;

/// So many are waited for. Who has got no answer then calls alone.
const FLIGHTS: usize = 2;

/// Keys of which a call is in flight, and who waits for it to end.
pub(super) struct Flights {
    shards: Box<[Mutex<Lines>]>,
}

#[derive(Default)]
struct Lines {
    /// How many there were.
    turns: u64,
    of: HashMap<Key, Line>,
}

struct Line {
    /// Which call is in flight. Whoever has made another one has nothing to say any more.
    turn: u64,
    waiting: Vec<Waiter>,
}

enum Place {
    /// Of who is to make the call.
    First(Waiter, u64),
    /// Behind this one.
    Behind(u64),
}

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
        for _ in 0..FLIGHTS {
            let (answer, mut answered) = oneshot::channel();
            let waiter = Waiter {
                quotas: Arc::clone(quotas),
                cost,
                answer,
            };
            let turn = match self.join(key, hash, waiter) {
                Place::First(waiter, turn) => {
                    let _lead = Lead {
                        shared,
                        key,
                        hash,
                        turn,
                    };
                    shared.serve(key, hash, turn, vec![waiter]).await;
                    turn
                }
                Place::Behind(turn) => turn,
            };
            // For the call that is in flight, and for the next one.
            let patience = shared.store.timeout().saturating_mul(2);
            match timeout(patience, &mut answered).await {
                Ok(Ok(answer)) => return answer,
                // The runtime of who made the call has shut down, or the flight was given up. A call that was under way then may have
                // been charged, and this is charged again.
                Ok(Err(_)) => {}
                Err(_) => {
                    // Nobody calls for it from here on.
                    answered.close();
                    if let Ok(answer) = answered.try_recv() {
                        return answer;
                    }
                    self.abandon(key, hash, turn);
                }
            }
        }
        shared.charge(key, hash, quotas, cost).await
    }

    fn join(&self, key: &Key, hash: u64, waiter: Waiter) -> Place {
        let mut shard = self.shard(hash);
        if let Some(line) = shard.of.get_mut(key) {
            line.waiting.push(waiter);
            return Place::Behind(line.turn);
        }
        let turn = shard.next_turn();
        let waiting = Vec::new();
        shard.of.insert(key.clone(), Line { turn, waiting });
        Place::First(waiter, turn)
    }

    /// All who wait and are to be decided by the quotas of the first, and the turn that is theirs. When there are none, the flight has ended.
    fn take(&self, key: &Key, hash: u64, turn: u64) -> (u64, Vec<Waiter>) {
        let mut shard = self.shard(hash);
        let next = shard.next_turn();
        let Some(line) = shard.of.get_mut(key).filter(|line| line.turn == turn) else {
            return (turn, Vec::new());
        };
        line.turn = next;
        let room = Vec::with_capacity(line.waiting.len());
        let mut waiting = mem::replace(&mut line.waiting, room);
        waiting.retain(Waiter::waits);
        let Some(first) = waiting.first() else {
            shard.of.remove(key);
            return (next, waiting);
        };
        let quotas = first.quotas.id();
        if waiting.iter().any(|waiter| waiter.quotas.id() != quotas) {
            let (these, later) = waiting
                .into_iter()
                .partition(|waiter| waiter.quotas.id() == quotas);
            line.waiting = later;
            return (next, these);
        }
        (next, waiting)
    }

    /// All who wait, whatever for. The flight goes on.
    fn drain(&self, key: &Key, hash: u64, turn: u64) -> Vec<Waiter> {
        let mut shard = self.shard(hash);
        let line = shard.of.get_mut(key).filter(|line| line.turn == turn);
        line.map(|line| mem::take(&mut line.waiting))
            .unwrap_or_default()
    }

    /// Ends the flight, if it has come no further than that. Who waits begins anew.
    fn abandon(&self, key: &Key, hash: u64, turn: u64) {
        let mut shard = self.shard(hash);
        let waiting = match shard.of.get(key) {
            Some(line) if line.turn == turn => shard.of.remove(key),
            _ => None,
        };
        // Not under the lock.
        drop(shard);
        drop(waiting);
    }

    /// Whether nobody waits, or for somebody else: then the flight has ended.
    fn ended(&self, key: &Key, hash: u64, turn: u64) -> bool {
        let mut shard = self.shard(hash);
        match shard.of.get(key) {
            Some(line) if line.turn == turn => {
                if !line.waiting.is_empty() {
                    return false;
                }
                shard.of.remove(key);
                true
            }
            _ => true,
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Lines> {
        let shard = &self.shards[hash as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn next_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
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
    async fn serve(self: &Arc<Self>, key: &Key, hash: u64, turn: u64, batch: Vec<Waiter>) {
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
            fail(flights.drain(key, hash, turn), &failure);
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
        let call = self.store.charge(key, &quotas, cost, count);
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
    turn: u64,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let Some(flights) = &self.shared.flights else {
            return;
        };
        if flights.ended(self.key, self.hash, self.turn) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return flights.abandon(self.key, self.hash, self.turn);
        };
        let follow = Follow {
            shared: Arc::clone(self.shared),
            key: self.key.clone(),
            hash: self.hash,
            turn: self.turn,
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
    turn: u64,
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
            let (turn, batch) = flights.take(&self.key, self.hash, self.turn);
            self.turn = turn;
            if batch.is_empty() {
                self.ended = true;
                return;
            }
            self.shared.serve(&self.key, self.hash, turn, batch).await;
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if let (false, Some(flights)) = (self.ended, &self.shared.flights) {
            flights.abandon(&self.key, self.hash, self.turn);
        }
    }
}
