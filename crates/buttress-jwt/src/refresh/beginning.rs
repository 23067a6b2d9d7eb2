use std::{fmt, num::NonZeroU32, time::Duration};

use chrono::{DateTime, Utc};

use super::{Family, Session, SessionId, Verdict, session::later};
use crate::Digest;

/// A session that a store is to begin.
#[derive(Clone)]
#[non_exhaustive]
pub struct Beginning {
    /// Its name, which no other session has.
    pub id: SessionId,
    /// Whose it is.
    pub subject: String,
    /// What the user knows the device by.
    pub label: Option<String>,
    /// What the application keeps with it.
    pub context: Option<String>,
    /// How long it lives without being continued.
    pub idle_timeout: Duration,
    /// How long it lives at most.
    pub lifetime: Duration,
    /// SHA-256 of the secret in its first token.
    pub current: Digest,
    /// How many sessions its subject may have, this one included.
    pub limit: NonZeroU32,
}

impl Beginning {
    /// The family that begins at this time of the store's.
    #[must_use]
    pub fn family(&self, now: DateTime<Utc>) -> Family {
        let ends_at = later(now, self.lifetime);
        let mut session = Session::new(self.id, &self.subject, now, self.idle_timeout, ends_at);
        session.label.clone_from(&self.label);
        session.context.clone_from(&self.context);
        Family::new(session, self.current)
    }
}

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beginning")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What a store answers to a [`Beginning`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "stores of others make it, and it answers one question"
)]
pub struct Begun {
    /// The session.
    pub session: Session,
    /// The sessions of its subject that have ended by this: those that had to make room, and those that were
    /// found to be past their time.
    pub ended: Vec<Session>,
}

/// What a store answers to a [`Proposal`](super::Proposal).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "stores of others make it, and it answers one question"
)]
pub struct Judged {
    /// What becomes of the token.
    pub verdict: Verdict,
    /// The session, as it is after that.
    pub session: Session,
}
