//! Where sessions are kept, and what every place has to promise.

mod memory;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub(crate) mod millis;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod schema;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::{cmp::Reverse, error::Error as StdError, fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

#[cfg(feature = "redis")]
pub use self::redis::{RedisClient, RedisRefreshStore};
pub use memory::MemoryRefreshStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresRefreshStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteRefreshStore;

use crate::{
    Beginning, Begun, Ending, Endings, Error, ErrorKind, Judged, Proposal, Session, SessionId,
    refresh::later,
};

/// Where [`Sessions`](crate::Sessions) are kept.
///
/// What every store promises, and the `testing` feature checks:
///
/// - Each call is one atomic operation on the families that it touches: callers see it wholly or not at all,
///   and two calls for one session have an order. A family that has ended is never changed again, so
///   whichever of an end and a rotation comes first, the end wins.
/// - Time is the store's own clock, read while the operation has its place in that order. The clocks of the
///   processes that call it play no part.
/// - A call that returns an error may or may not have been done; a caller may repeat it. Conflicts that a
///   repetition solves are repeated inside of the store.
/// - A family is kept at least until the session's absolute end, also when it has ended before, so that an
///   old token is recognised for what it is. After that it may be forgotten.
/// - What is kept opens nothing: hashes, a salt, times, counts, and what the application put beside them.
#[async_trait]
pub trait RefreshStore: Debug + Send + Sync + 'static {
    /// Keeps a new session, and ends those of its subject that have not been used for longest, until no more
    /// than [`Beginning::limit`] live ones are left, the new one included. Those of its subject that are past
    /// their time end as well, which is kept from then on.
    ///
    /// Begun at the same time, two sessions of a subject see each other: the limit holds when both are done.
    ///
    /// # Errors
    ///
    /// When the store fails, and when the id is that of a session which is kept already.
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error>;

    /// Judges a token that was presented by the rules of [`Family::rotate`](crate::Family::rotate), and keeps
    /// what that changes. `None` when the session is not known.
    ///
    /// Of any number of callers with the same token one gets [`Rotated`](crate::Verdict::Rotated), and the
    /// others within the grace the salt that this one proposed.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error>;

    /// Ends sessions: all that are meant and have not ended yet, also those that are past their time. Says
    /// which they were, and which had ended shortly before.
    ///
    /// A rotation that comes after this finds them ended; one that came before cannot undo it. A session that
    /// begins while all of its subject are ended may come after.
    ///
    /// Of an end whose answer was lost, only the next call can tell: so it names again what has ended not
    /// longer than [`Ending::again`] ago. A store may leave out what ended more than two days ago.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn end(&self, ending: &Ending) -> Result<Endings, Error>;

    /// The live sessions of a subject, last used first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error>;

    /// A session as it is now ([`Session::as_of`]), also one that has ended, for as long as it is kept. `None`
    /// when it is not known.
    ///
    /// A session that has ended by an acknowledged call, through whichever process, is not found live.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error>;
}

/// How long an index of what has ended goes back: longer than any access token lives.
#[cfg(feature = "redis")]
const INDEXED: Duration = Duration::from_secs(2 * 24 * 3600);

impl Error {
    /// A failure of a store, for those who write one.
    pub fn store(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Store, "the store failed").with_source(source)
    }
}

/// As [`RefreshStore::list`] wants them.
fn last_used_first(sessions: &mut [Session]) {
    sessions.sort_unstable_by_key(|session| Reverse((session.last_used_at, session.id)));
}

/// Whether it has ended and is to be named again.
fn ended_lately(session: &Session, now: DateTime<Utc>, again: Duration) -> bool {
    session
        .ended
        .is_some_and(|ended| now <= later(ended.at, again))
}

/// A store that several share.
#[async_trait]
impl<S: RefreshStore + ?Sized> RefreshStore for Arc<S> {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        (**self).begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        (**self).rotate(proposal).await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        (**self).end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        (**self).list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        (**self).find(id).await
    }
}
