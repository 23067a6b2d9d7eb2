use std::{fmt, time::Duration};

use crate::{Digest, Ended, SessionId, refresh::Salt};

/// A token that was presented, and what is to follow it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Proposal {
    /// The session that the token names. Its MAC has been checked.
    pub session: SessionId,
    /// The generation that the token names. Its MAC has been checked.
    pub generation: u32,
    /// SHA-256 of the token's secret.
    pub presented: Digest,
    /// SHA-256 of the secret that follows from the token's with this salt.
    pub successor: Digest,
    /// Random bytes, new for this attempt.
    pub salt: Salt,
    /// A hash of the client's name for this attempt, which it uses again if it has to retry.
    pub attempt: Option<Digest>,
    /// How long the parent of the newest token is taken for a racer or a retry.
    pub grace: Duration,
    /// How often the newest token is given out again, at most.
    pub reissue_limit: u32,
    /// How old the newest token has to be to be replaced.
    pub min_age: Duration,
    /// Whether a token is believed that is one newer than what the store knows.
    pub accept_ahead: bool,
}

/// What becomes of a token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It was the newest, and has been replaced by the successor that was proposed.
    Rotated,
    /// It is the newest, and too young to be replaced: it stays the newest, and counts as used.
    Kept {
        /// How old it is.
        since: Duration,
    },
    /// It is the parent of the newest, and comes from a racer or as a retry: its holder gets the same
    /// successor as whoever came first, derived with this salt.
    Reissued {
        /// What the newest secret was derived with.
        salt: Salt,
        /// How long ago the newest token replaced this one.
        since: Duration,
        /// Whether it came with the same name for the attempt as the first one.
        same_attempt: bool,
    },
    /// The session had ended before.
    Ended(Ended),
    /// The session has ended by time, which is kept from now on.
    Expired,
    /// It claims the newest generation, whose secret is another one. The key of the MAC is known to someone
    /// else, or the store was restored and went on from there: it has two holders. The session is ended by
    /// this.
    Forged,
    /// It was replaced, and comes too late, too often or is too old for a race or a retry: it has two holders.
    /// The session is ended by this.
    Reused {
        /// How many times the session had been rotated since this was its newest token.
        generations: u32,
        /// How long ago the newest token came into being.
        since: Duration,
    },
    /// It is newer than anything that the store has seen: the store has lost writes. Nothing is changed.
    Ahead {
        /// How many rotations were lost, at least.
        generations: u32,
    },
    /// It is newer by one than anything that the store has seen, and was believed
    /// ([`Proposal::accept_ahead`]): it has been replaced by the successor that was proposed.
    CaughtUp,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
