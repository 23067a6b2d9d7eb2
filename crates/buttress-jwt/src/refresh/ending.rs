use std::time::Duration;

use super::{EndReason, Session, SessionId};

/// Sessions that a store is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// Which.
    pub which: Which,
    /// Why. Those that are past their time have ended for that reason instead:
    /// [`Expired`](EndReason::Expired).
    pub reason: EndReason,
    /// How long ago a session may have ended to be [named again](Endings::earlier).
    pub again: Duration,
}

impl Ending {
    /// Ends these, and names none again.
    #[must_use]
    pub fn new(which: Which, reason: EndReason) -> Self {
        Self {
            which,
            reason,
            again: Duration::ZERO,
        }
    }

    /// Names those again that had ended up to so long ago.
    #[must_use]
    pub fn with_again(mut self, again: Duration) -> Self {
        self.again = again;
        self
    }
}

/// What a store answers to an [`Ending`]: sessions as they are now, last used first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "stores of others make it, and it answers one question"
)]
pub struct Endings {
    /// Those that have ended by this, also the ones that were past their time without anyone having said so.
    pub ended: Vec<Session>,
    /// Those that had ended before, not longer ago than [`Ending::again`].
    ///
    /// Whoever ended them may not have had the answer: then nobody has been told of it yet.
    pub earlier: Vec<Session>,
}

/// Which sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Which {
    /// This one, whosever it is.
    One(SessionId),
    /// This one, if it is the subject's.
    OneOf {
        /// Whose.
        subject: String,
        /// Which.
        id: SessionId,
    },
    /// All of the subject, but one if it is named.
    AllOf {
        /// Whose.
        subject: String,
        /// The one that stays.
        except: Option<SessionId>,
    },
}

impl Which {
    /// Whether the session is among them.
    #[must_use]
    pub fn includes(&self, session: &Session) -> bool {
        match self {
            Self::One(id) => session.id == *id,
            Self::OneOf { subject, id } => session.id == *id && session.subject == *subject,
            Self::AllOf { subject, except } => {
                session.subject == *subject && *except != Some(session.id)
            }
        }
    }
}
