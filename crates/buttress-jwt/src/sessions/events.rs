use std::{fmt, time::Duration};

use super::Refusal;
use crate::{EndReason, Session};

/// Who wants to know what happens to sessions: logs, metrics, an alarm, and whatever has to refuse the access
/// tokens of a session that has ended.
///
/// A closure that takes a [`SessionEvent`] is one. It is called after the store has done what the event says,
/// in the task that does it, and before the caller has its answer: it should be quick. What has to wait goes
/// into a channel.
pub trait SessionEvents: Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &SessionEvent<'_>);
}

impl<F> SessionEvents for F
where
    F: Fn(&SessionEvent<'_>) + Send + Sync + 'static,
{
    fn on_event(&self, event: &SessionEvent<'_>) {
        self(event);
    }
}

/// What happened to a session. Nothing in it is secret.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SessionEvent<'a> {
    /// It began.
    #[non_exhaustive]
    Started {
        /// The session.
        session: &'a Session,
    },
    /// Its token was replaced by a new one.
    #[non_exhaustive]
    Rotated {
        /// The session, as it is now.
        session: &'a Session,
    },
    /// Its newest token was given out again to one who had the parent.
    #[non_exhaustive]
    Reissued {
        /// The session.
        session: &'a Session,
        /// What this looks like.
        cause: ReissueCause,
        /// How long ago the newest token was made.
        since: Duration,
    },
    /// A refresh token was not accepted.
    #[non_exhaustive]
    Refused {
        /// The session, if the token was authentic and the store knows it.
        session: Option<&'a Session>,
        /// Why.
        refusal: Refusal,
    },
    /// It ended: its access tokens are to be refused from now on.
    #[non_exhaustive]
    Ended {
        /// The session.
        session: &'a Session,
        /// Why.
        reason: EndReason,
    },
}

/// Why somebody needs the newest token again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReissueCause {
    /// Two at a time: tabs of one browser, or a client that refreshes twice at once.
    Race,
    /// The answer did not arrive, and the client tries again.
    LostResponse,
}

impl ReissueCause {
    /// Longer than callers that start together are apart, shorter than most clients wait before they retry.
    const RACE: Duration = Duration::from_secs(2);

    pub(super) fn new(since: Duration, same_attempt: bool) -> Self {
        if since < Self::RACE && !same_attempt {
            Self::Race
        } else {
            Self::LostResponse
        }
    }

    /// Its stable name, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::LostResponse => "lost-response",
        }
    }
}

impl fmt::Display for ReissueCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
