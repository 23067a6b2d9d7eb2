use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;

/// What a key of a [`KeyRing`](crate::KeyRing) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// It is published and does not sign yet.
    Pending,
    /// It signs.
    Active,
    /// It signs no more, and its tokens are accepted still.
    Retiring,
}

/// A key of a [`KeyRing`](crate::KeyRing), as [`KeyRing::keys`](crate::KeyRing::keys) shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub(super) key_id: String,
    pub(super) algorithm: Algorithm,
    pub(super) state: KeyState,
    pub(super) active_from: Option<DateTime<Utc>>,
    pub(super) removed_at: Option<DateTime<Utc>>,
}

impl KeyStatus {
    /// The name of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it does now.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// From when on it signs: `None` for one that has since the beginning.
    #[must_use]
    pub fn active_from(&self) -> Option<DateTime<Utc>> {
        self.active_from
    }

    /// When it leaves: `None` until another one takes its place.
    #[must_use]
    pub fn removed_at(&self) -> Option<DateTime<Utc>> {
        self.removed_at
    }
}

/// The times of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub(super) active_from: DateTime<Utc>,
    pub(super) old_removed_at: DateTime<Utc>,
}

impl Rotation {
    /// From when on the new key signs.
    #[must_use]
    pub fn active_from(&self) -> DateTime<Utc> {
        self.active_from
    }

    /// When the old key leaves.
    #[must_use]
    pub fn old_removed_at(&self) -> DateTime<Utc> {
        self.old_removed_at
    }
}
