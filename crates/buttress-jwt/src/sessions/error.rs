use std::{error::Error as StdError, fmt, time::Duration};

use crate::{EndReason, Error};

/// Why there is no new pair of tokens.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshError {
    /// The token is not accepted. The client has to log in again: it will not be accepted later either, but for
    /// [`Refusal::Ahead`].
    ///
    /// What the client is told is the same for every reason: `401`, or `400` with `invalid_grant` (RFC 6749,
    /// section 5.2). The reason is for logs.
    Refused(Refusal),
    /// Something failed that has nothing to do with the token: the store, the claims, the signature. The
    /// client may try again with the same token, as if the response had been lost.
    Failed(Error),
}

impl RefreshError {
    /// Why the token was refused, if it was.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "the refresh token is not accepted",
            Self::Failed(_) => "the session could not be refreshed",
        })
    }
}

impl StdError for RefreshError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl From<Error> for RefreshError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Why a refresh token was refused: for logs and metrics, and not for the one who presented it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is none of ours: junk, or made with a key that is not known. The store was not asked.
    Malformed,
    /// It is authentic, and its session is not known: past its absolute end, or lost.
    Unknown,
    /// The session had ended before.
    Ended(EndReason),
    /// The session has ended by time.
    Expired,
    /// It claims the newest generation, whose secret is another one: the refresh keys have leaked, or the store
    /// was restored from a backup and went on from there. The session has been ended. Worth an alarm.
    Forged,
    /// It was replaced too long ago for a race or a retry, or came too often. The session has been ended.
    Reused {
        /// How many times the session had been rotated since. One is more often a tab that slept, or an
        /// answer that was lost for long, than a thief.
        generations: u32,
        /// How long ago the newest token was made.
        since: Duration,
    },
    /// It is newer than what the store knows: the store has lost writes, as in a failover. Worth an alarm. It is
    /// accepted again if the store gets back what it has lost.
    Ahead {
        /// How many rotations are missing, at least.
        generations: u32,
    },
    /// The application refused to continue the session. It has been ended.
    Denied,
}

impl Refusal {
    /// Its stable name, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Ended(_) => "ended",
            Self::Expired => "expired",
            Self::Forged => "forged",
            Self::Reused { generations: 1, .. } => "stale-tab",
            Self::Reused { .. } => "reuse",
            Self::Ahead { .. } => "store-rollback",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Ended(reason) => write!(f, " ({reason})"),
            Self::Reused { generations, since } => write!(
                f,
                " ({generations} generations old, replaced {} s ago)",
                since.as_secs()
            ),
            Self::Ahead { generations } => write!(f, " ({generations} generations lost)"),
            _ => Ok(()),
        }
    }
}
