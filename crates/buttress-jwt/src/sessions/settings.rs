//! What can be set, and what follows from it.

use std::{error::Error as StdError, num::NonZeroU32, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::sync::Semaphore;

use super::{Inner, SessionEvents, Sessions, minting};
use crate::{
    Error, ErrorKind, Grant, Issuer, RefreshKeys, RefreshStore, Session, gate::check_timeout,
    schedule::MAX_LEEWAY, tasks::Tasks,
};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// The longest grace: for longer, an old token is not a race but a copy.
const MAX_GRACE: Duration = Duration::from_secs(5 * MINUTE);

impl Sessions {
    /// Sessions whose access tokens come from this issuer and whose refresh tokens bear the mark of these
    /// keys.
    ///
    /// Unless set otherwise, a session ends when it is not refreshed for 14 days, and after 90 days; a subject
    /// has at most 50; the grace is 30 seconds; the store has 5 seconds to answer, and so have the claims.
    #[must_use]
    pub fn new(issuer: Issuer, keys: RefreshKeys, store: impl RefreshStore) -> Self {
        let inner = Inner {
            mint: minting::bare(issuer.clone()),
            tasks: Tasks::default(),
            issuer,
            keys,
            store: Arc::new(store),
            events: Vec::new(),
            watchers: Arc::default(),
            grace: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(14 * DAY),
            lifetime: Duration::from_secs(90 * DAY),
            limit: const { NonZeroU32::new(50).unwrap() },
            reissue_limit: 100,
            min_rotation_age: Duration::ZERO,
            rollback: OnRollback::Deny,
            places: Arc::new(Semaphore::new(1000)),
            store_timeout: Duration::from_secs(5),
            claims_timeout: Duration::from_secs(5),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Asks the application at each refresh what the access token is to say: roles and scopes as they are
    /// now. `None` ends the session, for a user who has been locked out.
    ///
    /// This is asked after the refresh token was replaced. When it fails, or takes longer than
    /// [it may](Self::with_claims_timeout), the client may try again with the
    /// token that it has, as after a lost answer: within the grace, or in the same
    /// [attempt](crate::Refresh::with_attempt).
    #[must_use]
    pub fn with_claims<C, F, Fut, E>(self, claims: F) -> Self
    where
        C: Serialize,
        F: Fn(Session) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Grant<C>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|inner| inner.mint = minting::with_claims(inner.issuer.clone(), claims))
    }

    /// Tells of what happens. All who are to know are told, in the order in which they were added.
    #[must_use]
    pub fn with_events(self, events: impl SessionEvents) -> Self {
        self.with(|inner| inner.events.push(Arc::new(events)))
    }

    /// How long the parent of the newest token is taken for a racer or a retry. Nothing makes every second
    /// use a theft, also that of a tab which refreshed at the same time.
    ///
    /// # Errors
    ///
    /// When it is longer than 5 minutes.
    pub fn with_grace(self, grace: Duration) -> Result<Self, Error> {
        if grace > MAX_GRACE {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "the grace of a proposal is at most 5 minutes",
            ));
        }
        Ok(self.with(|inner| inner.grace = grace))
    }

    /// How often the newest token is given out again, to racers and retries, 100 times unless set. One who
    /// comes more often is taken for a thief who found a way to look like a retry.
    #[must_use]
    pub fn with_reissue_limit(self, reissues: u32) -> Self {
        self.with(|inner| inner.reissue_limit = reissues)
    }

    /// How old a refresh token has to be to be replaced, nothing unless set. Who comes earlier gets a fresh
    /// access token and the same refresh token again.
    ///
    /// It spares clients that refresh without need many rotations. It also lets a thief and the owner of a
    /// token use it side by side for so long, which RFC 9700 would rather not have.
    ///
    /// # Errors
    ///
    /// When it is longer than 5 minutes.
    pub fn with_min_rotation_age(self, age: Duration) -> Result<Self, Error> {
        if age > MAX_GRACE {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "a refresh token is replaced when it is 5 minutes old, or earlier",
            ));
        }
        Ok(self.with(|inner| inner.min_rotation_age = age))
    }

    /// What becomes of a token that is newer than what the store knows, as after a failover that lost the last
    /// rotation. Unless set, it is refused.
    #[must_use]
    pub fn with_rollback(self, policy: OnRollback) -> Self {
        self.with(|inner| inner.rollback = policy)
    }

    /// How long a session lives without being refreshed, unless it says so itself.
    ///
    /// # Errors
    ///
    /// When it is shorter than a millisecond, which is as exact as stores are.
    pub fn with_idle_timeout(self, timeout: Duration) -> Result<Self, Error> {
        check_time(timeout)?;
        Ok(self.with(|inner| inner.idle_timeout = timeout))
    }

    /// How long a session lives however much it is refreshed, unless it says so itself. No access token
    /// outlives it.
    ///
    /// # Errors
    ///
    /// When it is shorter than a millisecond.
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, Error> {
        check_time(lifetime)?;
        Ok(self.with(|inner| inner.lifetime = lifetime))
    }

    /// How many sessions a subject may have. One more ends that which was not used for longest.
    #[must_use]
    pub fn with_session_limit(self, limit: NonZeroU32) -> Self {
        self.with(|inner| inner.limit = limit)
    }

    /// How long a caller waits for one answer of the store. What the store answers later is still told to
    /// [those who listen](Self::with_events).
    ///
    /// # Errors
    ///
    /// When it is zero.
    pub fn with_store_timeout(self, timeout: Duration) -> Result<Self, Error> {
        check_timeout(timeout)?;
        Ok(self.with(|inner| inner.store_timeout = timeout))
    }

    /// How many calls may wait for the store at a time, 1 000 unless set. One more fails at once, as if the store
    /// had not answered. A call has its place for up to a minute longer than its caller waits, for the answer
    /// that comes late.
    ///
    /// The questions of a [`SessionRevocation`](crate::SessionRevocation) are among them. It is for the store that hangs, so that it does not take the memory with it: well above what is under way
    /// when all is well.
    #[must_use]
    pub fn with_store_calls(self, calls: NonZeroU32) -> Self {
        let calls = usize::try_from(calls.get()).unwrap_or(usize::MAX);
        let places = Semaphore::new(calls.min(Semaphore::MAX_PERMITS));
        self.with(|inner| inner.places = Arc::new(places))
    }

    /// How long the application's function may take to give the claims of one token.
    ///
    /// It is asked when the session has been begun or continued, and what it gives may say so long after the
    /// session has ended that it is live: see [`denial_time`](Self::denial_time).
    ///
    /// # Errors
    ///
    /// When it is zero.
    pub fn with_claims_timeout(self, timeout: Duration) -> Result<Self, Error> {
        check_timeout(timeout)?;
        Ok(self.with(|inner| inner.claims_timeout = timeout))
    }

    /// How long after the end of a session its access tokens may be valid by time, and have to be denied.
    ///
    /// It is the lifetime of a token; before that the time that the store and the claims may take, since the
    /// token of a refresh that was done before the end is issued when both have answered; and 5 minutes for
    /// clocks that do not agree.
    #[must_use]
    pub fn denial_time(&self) -> Duration {
        self.inner.denial_time()
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }
}

/// What becomes of a refresh token that is newer than what the store knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnRollback {
    /// It is refused, and the client has to log in again. Whoever has an older token goes on.
    #[default]
    Deny,
    /// It is accepted if it is one rotation newer, on the word of its MAC alone: the store never knew its
    /// secret. Whoever has the older token, such as a tab that has not refreshed yet, is then one too late, and
    /// ends the session. For stores whose failover may lose the last write.
    AcceptOneAhead,
}

pub(super) fn check_time(time: Duration) -> Result<(), Error> {
    if time < Duration::from_millis(1) {
        return Err(Error::new(
            ErrorKind::InvalidConfiguration,
            "a session lives for a millisecond at least, also without being used",
        ));
    }
    Ok(())
}

impl Inner {
    pub(super) fn denial_time(&self) -> Duration {
        [self.store_timeout, self.claims_timeout, MAX_LEEWAY]
            .into_iter()
            .fold(self.issuer.lifetime(), Duration::saturating_add)
    }
}
