//! Charges that come at the same time are one call. To call a script and to ask for the time is half of what a charge costs the server, and to
//! send and to be answered most of what it costs here.
//!
//! Nobody waits for others to come: who is the first starts a task that lets those have their turn who are about to ask as well, and then calls
//! for all who have come. That task may be held up, behind one that blocks its thread, or in a runtime that nobody drives. So the second, the
//! fourth, the eighth and so on start one too: whichever comes first calls for all, and the others find nobody.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use buttress_redis::Reply;
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::{RedisStore, failed};
use crate::Error;

/// So many charges take a server about a tenth of a millisecond, for which all others wait.
const MOST: usize = 32;

#[derive(Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<Charge>>,
    /// Each is to be a call of its own: that is wanted, or the server has refused keys of several slots in one call.
    apart: AtomicBool,
}

/// The charge of somebody who waits for what comes of it.
struct Charge {
    name: Vec<u8>,
    packed: Vec<u8>,
    answer: oneshot::Sender<Result<Reply, Error>>,
}

impl Together {
    /// With a call for each charge.
    pub(super) fn apart() -> Self {
        Self {
            apart: AtomicBool::new(true),
            ..Self::default()
        }
    }

    /// For another connection, or another script.
    pub(super) fn anew(&self) -> Self {
        let apart = AtomicBool::new(self.apart.load(Ordering::Relaxed));
        Self {
            apart,
            ..Self::default()
        }
    }

    /// Takes a place among those who wait. Answers whether it is to start a task that calls for them.
    fn join(&self, charge: Charge) -> bool {
        let mut waiting = self.waiting();
        waiting.push(charge);
        waiting.len().is_power_of_two()
    }

    fn take(&self) -> Vec<Charge> {
        let mut waiting = self.waiting();
        let room = Vec::with_capacity(waiting.len());
        std::mem::replace(&mut waiting, room)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Charge>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RedisStore {
    /// Charges with all who come at the same time. `None` if this charge has failed, and not all of them: nothing has been done for it then.
    pub(super) async fn charge_together(
        &self,
        name: Vec<u8>,
        packed: Vec<u8>,
    ) -> Option<Result<Reply, Error>> {
        if self.together.apart.load(Ordering::Relaxed) {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let (answer, answered) = oneshot::channel();
        let charge = Charge {
            name,
            packed,
            answer,
        };
        if self.together.join(charge) {
            runtime.spawn(Caller(Some(self.clone())).run(runtime.clone()));
        }
        match answered.await {
            Ok(Ok(Reply::Nothing)) => None,
            Ok(answer) => Some(answer),
            Err(_) => Some(Err(Error::store("the runtime of a call has shut down"))),
        }
    }

    async fn charge_all(self, charges: Vec<Charge>) {
        let scripts = &self.scripts;
        let names: Vec<_> = charges.iter().map(|charge| &charge.name[..]).collect();
        let mut call = match names.len() {
            1 => scripts.charge.call(&names),
            _ => scripts.charge_many.call(&names),
        };
        // Most callers pay the same, by the same quotas.
        let first = charges.first().map(|charge| &charge.packed);
        let alike = charges.iter().all(|charge| Some(&charge.packed) == first);
        let told = if alike { 1 } else { charges.len() };
        for charge in &charges[..told.min(charges.len())] {
            call.arg(&charge.packed[..]);
        }
        self.tell_time(&mut call);
        let answers = match (self.connection.call(&call).await, charges.len()) {
            (Ok(answer), 1) => vec![answer],
            (Ok(Reply::Row(answers)), _) => answers,
            (Ok(_), _) => Vec::new(),
            // Nothing has been charged: each is charged alone.
            (Err(error), 2..) if error.code() == Some("CROSSSLOT") => {
                self.together.apart.store(true, Ordering::Relaxed);
                charges.iter().map(|_| Reply::Nothing).collect()
            }
            (Err(error), _) => {
                for charge in charges {
                    let _ = charge.answer.send(Err(failed(error.clone())));
                }
                return;
            }
        };
        let mut answers = answers.into_iter();
        for charge in charges {
            let answer = answers.next().ok_or_else(|| {
                Error::store("Redis has not answered what was missing of each of several keys")
            });
            // Who does not want it any more has charged it.
            let _ = charge.answer.send(answer);
        }
    }
}

/// Calls for all who have come, in a task of its own: nobody's going away takes the others with it. Dropped before, with its runtime, it leaves
/// nobody waiting.
struct Caller(Option<RedisStore>);

impl Caller {
    async fn run(mut self, runtime: Handle) {
        // Others are about to come.
        yield_now().await;
        let Some(store) = self.0.take() else {
            return;
        };
        let mut charges = store.together.take();
        // Who has gone already is not charged.
        charges.retain(|charge| !charge.answer.is_closed());
        while charges.len() > MOST {
            let rest = charges.split_off(MOST);
            runtime.spawn(store.clone().charge_all(charges));
            charges = rest;
        }
        if !charges.is_empty() {
            store.charge_all(charges).await;
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(store) = self.0.take() {
            drop(store.together.take());
        }
    }
}
