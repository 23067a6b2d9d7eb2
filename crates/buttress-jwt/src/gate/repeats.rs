use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// An event that each request would write again for as long as something is wrong: it is written once a minute. Clones
/// are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    written_at: Option<Instant>,
    left_out: u64,
}

const APART: Duration = Duration::from_secs(60);

impl Repeats {
    /// Whether it is to be written now: then how often it was left out since it last was.
    pub(crate) fn left_out(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .written_at
            .is_some_and(|at| now.saturating_duration_since(at) < APART)
        {
            state.left_out += 1;
            return None;
        }
        state.written_at = Some(now);
        Some(mem::take(&mut state.left_out))
    }
}
