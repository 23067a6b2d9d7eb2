use std::{error::Error as StdError, fmt};

use crate::Error;

/// Why an API key does not speak for anybody.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The key is not accepted. What the client is told is the same for every reason; the reason is for logs.
    Refused(ApiKeyRefusal),
    /// The store failed, which has nothing to do with the key.
    Failed(Error),
}

impl ApiKeyError {
    /// Why the key was refused, if it was.
    #[must_use]
    pub fn refusal(&self) -> Option<ApiKeyRefusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for ApiKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "the API key is not accepted",
            Self::Failed(_) => "whether the API key is accepted could not be found out",
        })
    }
}

impl StdError for ApiKeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl From<Error> for ApiKeyError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Why an API key was refused: for logs and metrics, and not for the one who presented it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiKeyRefusal {
    /// It is none of ours, or was not copied in full: its form or its checksum is wrong. The store was not asked.
    Malformed,
    /// It is of another environment: a test key where things are live, or the other way round. The store was not
    /// asked.
    WrongEnvironment,
    /// There is no key of that id: it was revoked, has expired long ago, or was never issued.
    Unknown,
    /// There is a key of that id, and this is not its secret: it was replaced, or is a guess.
    WrongSecret,
    /// It has expired.
    Expired,
}

impl ApiKeyRefusal {
    /// Its stable name, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongEnvironment => "wrong-environment",
            Self::Unknown => "unknown",
            Self::WrongSecret => "wrong-secret",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for ApiKeyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
