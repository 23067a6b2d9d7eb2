use std::thread;

use http::response::Parts;

use super::{Reserved, Settle, When, settle_in_passing};
use crate::{Key, RateLimiter, answer::Hold};

/// A request whose cost is to be settled: once, whatever becomes of it.
#[derive(Debug)]
pub(crate) struct Settling {
    limiter: RateLimiter,
    key: Key,
    reserved: Reserved,
    settle: Settle,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Its answer is not there yet.
    Running,
    /// So many bytes of its answer were sent.
    Sending(u64),
    Settled,
}

impl Settling {
    pub(crate) fn new(
        limiter: &RateLimiter,
        key: Key,
        reserved: Reserved,
        settle: &Settle,
    ) -> Self {
        Self {
            limiter: limiter.clone(),
            key,
            reserved,
            settle: settle.clone(),
            phase: Phase::Running,
        }
    }

    /// The answer is there. What has to wait for its body is held by that.
    pub(crate) fn answered(mut self: Box<Self>, answer: &Parts) -> Hold {
        if let When::Answer(cost) = &self.settle.when {
            let actual = cost(answer);
            self.settle_with(actual);
            return Hold::Nothing;
        }
        self.phase = Phase::Sending(0);
        Hold::Settling(self)
    }

    pub(crate) fn sent(&mut self, bytes: u64) {
        if let Phase::Sending(sent) = &mut self.phase {
            *sent = sent.saturating_add(bytes);
        }
    }

    fn settle_with(&mut self, actual: u32) {
        self.phase = Phase::Settled;
        settle_in_passing(&self.limiter, &self.key, self.reserved.difference(actual));
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        let actual = match (self.phase, &self.settle.when) {
            (Phase::Settled, _) => return,
            // No closure of others is called while a panic unwinds: its panic would be the end of the process.
            (Phase::Sending(bytes), When::Body(cost)) if !thread::panicking() => cost(bytes),
            _ => self.settle.cancelled.unwrap_or(self.reserved.tokens),
        };
        self.settle_with(actual);
    }
}
