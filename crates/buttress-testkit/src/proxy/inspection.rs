use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Direction;

/// What becomes of bytes that were seen, and of their connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passage {
    /// They are passed on.
    Pass,
    /// They are held back until [`resume`](super::Proxy::resume), and what comes after them that way.
    Hold,
    /// They are lost, and the connection is closed in order, with a FIN to both sides.
    Cut,
    /// They are lost, and the connection is broken, with an RST to both sides.
    Reset,
}

type Inspector = Box<dyn FnMut(Direction, &[u8]) -> Passage + Send>;

/// The inspector, if there is one. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Inspectors(Arc<Mutex<Option<Inspector>>>);

impl Inspectors {
    pub(super) fn set(&self, inspector: Option<Inspector>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = inspector;
    }

    pub(super) fn look(&self, direction: Direction, bytes: &[u8]) -> Passage {
        let mut inspector = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *inspector {
            Some(inspector) => inspector(direction, bytes),
            None => Passage::Pass,
        }
    }
}

impl fmt::Debug for Inspectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspectors").finish_non_exhaustive()
    }
}
