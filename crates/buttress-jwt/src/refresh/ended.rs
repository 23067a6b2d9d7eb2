use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// That a session has ended: why, and when by the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: DateTime<Utc>,
}

impl Ended {
    /// For this reason, at this time of the store's.
    #[must_use]
    pub fn new(reason: EndReason, at: DateTime<Utc>) -> Self {
        Self { reason, at }
    }
}

/// Why a session has ended. What ended once stays ended, for the first reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EndReason {
    /// The user, or someone for the user, ended it.
    SignedOut,
    /// A token that had been replaced came again, too late for a race or a retry: there are two holders.
    Reused,
    /// A token came that nobody was ever given, or that was given by a store which has been restored since:
    /// there are two holders, or the refresh keys have leaked.
    Forged,
    /// It was not used for its idle time, or it came to its absolute end.
    Expired,
    /// The subject began more sessions than allowed, and this one had been used least recently.
    Evicted,
    /// The application refused to continue it when it was asked for the claims.
    Denied,
    /// A reason that this version does not know, written by a newer one.
    #[serde(other)]
    Other,
}

impl EndReason {
    /// Its stable name, for stores, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Reused => "reused",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Denied => "denied",
            Self::Other => "other",
        }
    }

    /// The reason of that name; [`Other`](Self::Other) for one that is not known, since a session that has
    /// ended for whatever reason has ended.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [
            Self::SignedOut,
            Self::Reused,
            Self::Forged,
            Self::Expired,
            Self::Evicted,
            Self::Denied,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == name)
        .unwrap_or(Self::Other)
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_also_by_serde() {
        for reason in [
            EndReason::SignedOut,
            EndReason::Reused,
            EndReason::Forged,
            EndReason::Expired,
            EndReason::Evicted,
            EndReason::Denied,
            EndReason::Other,
        ] {
            assert_eq!(EndReason::from_name(reason.as_str()), reason);
            let json = serde_json::to_value(reason).unwrap();
            assert_eq!(json, reason.as_str());
        }
        assert_eq!(EndReason::from_name("of-tomorrow"), EndReason::Other);
        let read: EndReason = serde_json::from_str("\"of-tomorrow\"").unwrap();
        assert_eq!(read, EndReason::Other);
    }
}
