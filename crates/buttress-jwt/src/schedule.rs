use std::time::Duration;

use chrono::TimeDelta;

use crate::{Error, ErrorKind};

/// How far the clocks of those who issue and those who verify may be apart, and the most leeway that a verifier
/// gives.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// For how long tokens are valid and JWKS documents are kept: from this follows when a new key may sign and when
/// an old one may go.
///
/// ```
/// use std::time::Duration;
/// use buttress_jwt::Schedule;
///
/// let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
/// let schedule = Schedule::new(minutes(15), minutes(10))?;
/// // A key is in the JWKS for that long before it signs: nobody has an older document by then.
/// assert_eq!(schedule.publish_lead(), minutes(15));
/// // And for that long after it has signed for the last time: by then no token of it is valid.
/// assert_eq!(schedule.retire_hold(), minutes(20));
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    token_lifetime: Duration,
    cache_lifetime: Duration,
}

impl Schedule {
    /// Tokens are valid for at most `token_lifetime`; whoever verifies them keeps a JWKS document for at most
    /// `cache_lifetime`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the first is not one second to one day, or the second more than
    /// seven days.
    pub fn new(token_lifetime: Duration, cache_lifetime: Duration) -> Result<Self, Error> {
        if token_lifetime < Duration::from_secs(1) || token_lifetime > MAX_TOKEN_LIFETIME {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "access tokens are valid for one second to one day",
            ));
        }
        if cache_lifetime > MAX_CACHE_LIFETIME {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "a JWKS document is kept for at most seven days",
            ));
        }
        Ok(Self {
            token_lifetime,
            cache_lifetime,
        })
    }

    /// For how long a token is valid at most.
    #[must_use]
    pub fn token_lifetime(&self) -> Duration {
        self.token_lifetime
    }

    /// For how long a JWKS document is kept at most.
    #[must_use]
    pub fn cache_lifetime(&self) -> Duration {
        self.cache_lifetime
    }

    /// For how long a key must be published before it signs.
    ///
    /// Five minutes of it are for clocks that do not agree, as in [`retire_hold`](Self::retire_hold).
    #[must_use]
    pub fn publish_lead(&self) -> Duration {
        self.cache_lifetime + MAX_LEEWAY
    }

    /// For how long a key must be published after it has signed for the last time.
    #[must_use]
    pub fn retire_hold(&self) -> Duration {
        self.token_lifetime + MAX_LEEWAY
    }
}

/// Tokens of up to an hour, JWKS documents that are kept for up to an hour.
impl Default for Schedule {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            token_lifetime: hour,
            cache_lifetime: hour,
        }
    }
}

const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
const MAX_CACHE_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// For durations that this crate has bounded.
pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_bounded() {
        let seconds = Duration::from_secs;
        assert!(Schedule::new(seconds(1), seconds(0)).is_ok());
        assert!(Schedule::new(MAX_TOKEN_LIFETIME, MAX_CACHE_LIFETIME).is_ok());
        for (token, cache) in [
            (seconds(0), seconds(0)),
            (MAX_TOKEN_LIFETIME + seconds(1), seconds(0)),
            (seconds(1), MAX_CACHE_LIFETIME + seconds(1)),
        ] {
            let error = Schedule::new(token, cache).expect_err("out of bounds");
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        }
    }
}
