//! Everything that remembers the keys of one store in this process.

use std::{
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use super::verified::Verified;
use crate::WhichKeys;

/// The memories of all clones, which may be several: what is revoked on one is to be forgotten by all.
#[derive(Debug, Default)]
pub(super) struct Memories(RwLock<Vec<Weak<Verified>>>);

impl Memories {
    /// Another one, for about this many keys, each for so long.
    pub(super) fn another(&self, keys: usize, age: Duration) -> Arc<Verified> {
        let memory = Arc::new(Verified::new(keys, age));
        let mut memories = self.0.write().unwrap_or_else(PoisonError::into_inner);
        memories.retain(|memory| memory.strong_count() > 0);
        memories.push(Arc::downgrade(&memory));
        memory
    }

    pub(super) fn forget(&self, which: &WhichKeys) {
        let memories = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for memory in memories.iter().filter_map(Weak::upgrade) {
            memory.forget(which);
        }
    }
}
