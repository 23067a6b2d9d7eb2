use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use super::Refusal;
use crate::{EndReason, Session};

/// Who wants to know what happens to sessions: logs, metrics, an alarm, and whatever has to refuse the access
/// tokens of a session that has ended.
///
/// A closure that takes a [`SessionEvent`] is one, and so is a [`RevocationList`](crate::RevocationList). It is
/// called after the store has done what the event says, in the task that does it, and before the caller has its
/// answer, unless that came too late for the caller: it should be quick. What has to wait goes into a channel.
/// One that panics is logged as an error, and the others are told all the same.
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
    /// Its token was too young to be replaced, and there is a new access token alone.
    #[non_exhaustive]
    Kept {
        /// The session, as it is now.
        session: &'a Session,
        /// How old the refresh token is.
        since: Duration,
    },
    /// The store had lost the last rotation, and the session went on from the token that it did not know
    /// ([`OnRollback::AcceptOneAhead`](crate::OnRollback::AcceptOneAhead)). Worth an alarm.
    #[non_exhaustive]
    CaughtUp {
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
    ///
    /// This is told at least once, and sometimes more often: whoever ended the session may not have had the
    /// answer of the store, and nobody knows whether it was told. So it is told
    /// [again](Self::Ended::again) to whoever ends the session again while its access tokens may be valid,
    /// and whenever a refresh token of it comes. Listeners have to bear that. One that a store has ended but
    /// about which nobody asks any more is told when somebody does.
    #[non_exhaustive]
    Ended {
        /// The session.
        session: &'a Session,
        /// Why.
        reason: EndReason,
        /// Until when its access tokens may be valid by time:
        /// [`Sessions::denial_time`](crate::Sessions::denial_time) after its end.
        denied_until: DateTime<Utc>,
        /// Whether it had ended before, and may have been told already. What counts ends counts the others.
        again: bool,
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
