//! What the store waits with: of loom when that tries the orders of its steps.

#[cfg(not(buttress_loom))]
pub(super) use std::sync::{Mutex, MutexGuard};

#[cfg(buttress_loom)]
pub(super) use loom::sync::{Mutex, MutexGuard};
