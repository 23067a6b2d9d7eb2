use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chrono::{DateTime, Utc};

use super::{Revocation, RevocationAnswer, TokenIdentity};
use crate::{
    Clock, Error, ErrorKind, SessionEvent, SessionEvents,
    schedule::{MAX_LEEWAY, delta},
};

/// The tokens, sessions and subjects that were revoked, in the memory of this process.
///
/// An entry is kept until the tokens that it is about have expired, and is then of no use. The list is bounded, and
/// never forgets an entry before its time to make room for another: that would let a thief back in.
/// Clones share the entries. Other instances are to be told by whatever connects them, or ask the store of the
/// sessions: [`Sessions::revocation`](crate::Sessions::revocation).
///
/// As a listener of [`Sessions`](crate::Sessions::with_events), it revokes every session that ends there.
///
/// # When it is full
///
/// Who calls `revoke_token`, `revoke_session` or `revoke_subject` gets an error, and decides. A session that ends has
/// nobody to decide: rather than let its tokens in, the list then refuses **every** token that was issued until that
/// moment, whosever it is, and logs an error once for each time that it becomes full. Whoever refreshes goes on with a
/// token that is issued from the next second on; a token that is being issued in that moment, by a refresh that was
/// before the end, may be let in. As long as there is no room, each further end does it again. If the clock was ahead then
/// and is set back by more than 5 minutes, the moment in which that is noticed counts instead.
///
/// So give it room for all sessions that may end within [`denial_time`](crate::Sessions::denial_time), 20 minutes or
/// so: an entry takes some 100 bytes. A user can end as many sessions as they can log in, above the
/// [limit](crate::Sessions::with_session_limit): limit how often one may log in, or have
/// [`Sessions::revocation`](crate::Sessions::revocation), which has nothing to fill.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use buttress_jwt::RevocationList;
///
/// let list = RevocationList::new(10_000);
/// list.revoke_session("session-1", (SystemTime::now() + Duration::from_secs(900)).into())?;
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone)]
pub struct RevocationList {
    capacity: usize,
    clock: Clock,
    entries: Arc<RwLock<Entries>>,
}

#[derive(Default)]
struct Entries {
    tokens: HashMap<Box<str>, DateTime<Utc>>,
    sessions: HashMap<Box<str>, DateTime<Utc>>,
    subjects: HashMap<Box<str>, Epoch>,
    /// Before this, no entry is of no use.
    next_end: Option<DateTime<Utc>>,
    /// Every token that was issued until then is refused: a session ended for which there was no room.
    issued_until: Option<DateTime<Utc>>,
    /// That this was logged, and there has been no room since.
    is_overflowing: bool,
}

#[derive(Clone, Copy)]
struct Epoch {
    issued_until: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl RevocationList {
    /// A list of this many entries at most.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            clock: Clock::system(),
            entries: Arc::default(),
        }
    }

    /// Takes the time from this clock. It is looked at only to make room, and where there was none.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Revokes the token of this `jti`, which expires at `expires_at`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CapacityExhausted`] when the list is full of what may not be forgotten yet.
    pub fn revoke_token(&self, token_id: &str, expires_at: DateTime<Utc>) -> Result<(), Error> {
        let end = end(expires_at);
        let mut entries = self.room_for(|entries| entries.tokens.contains_key(token_id))?;
        extend(entries.tokens.entry(token_id.into()).or_insert(end), end);
        entries.ends_at(end);
        Ok(())
    }

    /// Revokes the tokens of the session of this `sid`, the last of which expires at `expires_at`.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub fn revoke_session(&self, session_id: &str, expires_at: DateTime<Utc>) -> Result<(), Error> {
        let end = end(expires_at);
        let mut entries = self.room_for(|entries| entries.sessions.contains_key(session_id))?;
        extend(
            entries.sessions.entry(session_id.into()).or_insert(end),
            end,
        );
        entries.ends_at(end);
        Ok(())
    }

    /// Revokes the tokens of this subject that were issued at `issued_until` or before, the last of which expires at
    /// `expires_at`.
    ///
    /// `iat` has whole seconds: tokens that are issued later in the same second are revoked with the others.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub fn revoke_subject(
        &self,
        subject: &str,
        issued_until: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let end = end(expires_at);
        let mut entries = self.room_for(|entries| entries.subjects.contains_key(subject))?;
        let epoch = Epoch { issued_until, end };
        let epoch = entries.subjects.entry(subject.into()).or_insert(epoch);
        extend(&mut epoch.issued_until, issued_until);
        extend(&mut epoch.end, end);
        entries.ends_at(end);
        Ok(())
    }

    /// How many entries there are, those that are of no use any more included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn room_for(
        &self,
        is_there: impl FnOnce(&Entries) -> bool,
    ) -> Result<RwLockWriteGuard<'_, Entries>, Error> {
        let mut entries = self.write();
        if is_there(&entries) {
            return Ok(entries);
        }
        if entries.len() >= self.capacity {
            entries.sweep(self.clock.now());
        }
        if entries.len() < self.capacity {
            entries.is_overflowing = false;
            return Ok(entries);
        }
        Err(Error::new(
            ErrorKind::CapacityExhausted,
            "the list of what is revoked is full: give it more room, or let tokens live shorter",
        ))
    }

    /// Refuses every token that was issued until now, and says whether this is to be logged.
    fn revoke_everything(&self, now: DateTime<Utc>) -> bool {
        let mut entries = self.write();
        extend(entries.issued_until.get_or_insert(now), now);
        !mem::replace(&mut entries.is_overflowing, true)
    }

    /// Whether it was issued until then, which was the time when there was no room.
    fn is_before(&self, token: &TokenIdentity<'_>, until: DateTime<Utc>) -> bool {
        if token.issued_at > until {
            return false;
        }
        // By a clock that was wrong by more than clocks disagree, nobody could come in before that time.
        let now = self.clock.now();
        if now
            .checked_add_signed(delta(MAX_LEEWAY))
            .is_some_and(|latest| latest < until)
        {
            let mut entries = self.write();
            if entries.issued_until == Some(until) {
                entries.issued_until = Some(now);
            }
        }
        true
    }

    /// Nobody panics while holding the lock.
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Revocation for RevocationList {
    fn check(&self, token: &TokenIdentity<'_>) -> RevocationAnswer {
        let entries = self.read();
        let by_session = || {
            token
                .session_id
                .is_some_and(|id| entries.sessions.contains_key(id))
        };
        let by_subject = || {
            let epoch = entries.subjects.get(token.subject);
            epoch.is_some_and(|epoch| token.issued_at <= epoch.issued_until)
        };
        let revoked = entries.tokens.contains_key(token.token_id) || by_session() || by_subject();
        let until = entries.issued_until;
        drop(entries);
        RevocationAnswer::now(revoked || until.is_some_and(|until| self.is_before(token, until)))
    }
}

/// Every session that ends is revoked, for as long as access tokens of it may be valid; with all others, [when there is
/// no room](RevocationList#when-it-is-full).
impl SessionEvents for RevocationList {
    fn on_event(&self, event: &SessionEvent<'_>) {
        let SessionEvent::Ended {
            session,
            denied_until,
            ..
        } = *event
        else {
            return;
        };
        if let Err(error) = self.revoke_session(&session.id.to_string(), denied_until) {
            let now = self.clock.now();
            if now < end(denied_until) && self.revoke_everything(now) {
                let error: &(dyn StdError + 'static) = &error;
                tracing::error!(
                    session = %session.id, error,
                    "a session ended and there is no room for it: every access token from before is refused"
                );
            }
        }
    }
}

impl Entries {
    fn len(&self) -> usize {
        self.tokens.len() + self.sessions.len() + self.subjects.len()
    }

    fn ends_at(&mut self, end: DateTime<Utc>) {
        self.next_end = Some(self.next_end.map_or(end, |next| next.min(end)));
    }

    /// Removes what is of no use. It looks at everything, but only if there is something to remove.
    fn sweep(&mut self, now: DateTime<Utc>) {
        if self.next_end.is_none_or(|next| now < next) {
            return;
        }
        self.tokens.retain(|_, end| now < *end);
        self.sessions.retain(|_, end| now < *end);
        self.subjects.retain(|_, epoch| now < epoch.end);
        let subjects = self.subjects.values().map(|epoch| &epoch.end);
        let ends = self.tokens.values().chain(self.sessions.values());
        self.next_end = ends.chain(subjects).min().copied();
    }
}

/// Verifiers accept a token for a while after it has expired.
fn end(expires_at: DateTime<Utc>) -> DateTime<Utc> {
    expires_at
        .checked_add_signed(delta(MAX_LEEWAY))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn extend(time: &mut DateTime<Utc>, to: DateTime<Utc>) {
    *time = to.max(*time);
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
