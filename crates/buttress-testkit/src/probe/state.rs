use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::InnerError;

/// What the inner service does and what has happened to it, shared by its clones, its futures and
/// the case.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

#[derive(Debug)]
pub(super) struct State {
    /// How many requests may be readied or in flight. A permit is taken by `poll_ready`, moves into
    /// the future with `call`, and comes back when the service or the future that has it is
    /// dropped, as with tower's `ConcurrencyLimit`.
    pub(super) permits: usize,
    /// How many services were readied and not called since.
    pub(super) reserved: usize,
    /// What `poll_ready` fails with.
    pub(super) unready: Option<InnerError>,
    /// What calls fail with.
    pub(super) failing: Option<InnerError>,
    /// Whether futures wait for this to be lifted.
    pub(super) held: bool,
    /// How many calls there were.
    pub(super) calls: usize,
    /// How many futures are neither finished nor dropped.
    pub(super) in_flight: usize,
    /// How many futures have finished.
    pub(super) finished: usize,
    /// Set by a call without readiness. The panic alone is not enough, as it may end in a task of
    /// the layer's.
    pub(super) called_unready: bool,
    waiting: Vec<Waker>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            permits: 1,
            reserved: 0,
            unready: None,
            failing: None,
            held: false,
            calls: 0,
            in_flight: 0,
            finished: 0,
            called_unready: false,
            waiting: Vec::new(),
        })))
    }

    /// Looks at the state. A panic elsewhere does not make it wrong: every change is one step.
    pub(super) fn get(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes all who wait for any change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, waiting) = {
            let mut state = self.get();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.waiting))
        };
        waiting.into_iter().for_each(Waker::wake);
        result
    }
}

impl State {
    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|known| known.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}
