use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Digest, Session, refresh::Salt};

/// A session as a store keeps it: with what its next rotation is judged by.
///
/// No field is a secret that opens anything: hashes, a salt, times and counts. A store may keep it in columns
/// of its own or as serde writes it.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Family {
    /// The session.
    pub session: Session,
    /// How often it has been rotated.
    pub generation: u32,
    /// SHA-256 of the secret in the newest token.
    pub current: Digest,
    /// SHA-256 of the secret in the token before that.
    pub previous: Option<Digest>,
    /// What the newest secret was derived with from the one before it.
    pub salt: Option<Salt>,
    /// When the newest token replaced the one before it.
    pub rotated_at: Option<DateTime<Utc>>,
    /// A hash of the client's name for the attempt that did this.
    pub attempt: Option<Digest>,
    /// How often the newest token was given out again.
    pub reissues: u32,
}

impl Family {
    /// A family as a store reads it: one that has not been rotated, with SHA-256 of the secret in its token. What
    /// is otherwise is put into the fields.
    ///
    /// ```
    /// use buttress_jwt::{Digest, Family, Session};
    ///
    /// fn read(session: Session, row: &Row) -> Family {
    ///     let mut family = Family::new(session, Digest::from(row.current));
    ///     family.generation = row.generation;
    ///     family.previous = row.previous.map(Digest::from);
    ///     // ...
    ///     family
    /// }
    /// # struct Row { generation: u32, current: [u8; 32], previous: Option<[u8; 32]> }
    /// ```
    #[must_use]
    pub fn new(session: Session, current: Digest) -> Self {
        Self {
            session,
            generation: 0,
            current,
            previous: None,
            salt: None,
            rotated_at: None,
            attempt: None,
            reissues: 0,
        }
    }
}

/// Takes the same time whatever the digests are.
impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        // Each field, also those that come to be.
        let Self {
            session,
            generation,
            current,
            previous,
            salt,
            rotated_at,
            attempt,
            reissues,
        } = self;
        let digests = [
            current.matches(&other.current),
            Digest::both_match(previous.as_ref(), other.previous.as_ref()),
            Digest::both_match(attempt.as_ref(), other.attempt.as_ref()),
        ];
        digests == [true; 3]
            && *session == other.session
            && *generation == other.generation
            && *salt == other.salt
            && *rotated_at == other.rotated_at
            && *reissues == other.reissues
    }
}

impl Eq for Family {}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .field("rotated_at", &self.rotated_at)
            .field("reissues", &self.reissues)
            .finish_non_exhaustive()
    }
}
