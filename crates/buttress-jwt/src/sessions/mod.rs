//! Sessions: begun at a login, continued by refresh tokens, listed and ended.

mod ending;
mod error;
mod events;
mod log;
mod minting;
mod pair;
mod refresh;
mod refreshing;
mod revocation;
mod settings;
mod starting;
mod tasks;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

pub use error::{RefreshError, Refusal};
pub use events::{ReissueCause, SessionEvent, SessionEvents};
pub use pair::TokenPair;
pub use refresh::Refresh;
pub use revocation::SessionRevocation;
pub use settings::OnRollback;

use tokio::sync::Semaphore;

use crate::{
    EndReason, Error, Issuer, NewSession, RefreshKeys, RefreshStore, Session, SessionId, Which,
    refresh::attempt_digest, tasks::Tasks,
};
use minting::Mint;
use revocation::Watchers;

/// Sessions: begins them at a login, refreshes, lists and ends them. Clones are the same.
///
/// A refresh replaces the refresh token and gives a new access token. Everyone who comes with the same token
/// within the grace gets the same successor, so two tabs, a retry or a lost answer end no session; a token
/// that was replaced before that ends it, because then there are two holders. With
/// [an attempt](Refresh::with_attempt), a retry is recognised however late it comes.
///
/// Everything that is begun here is finished in a task of its own: a client that hangs up does not leave
/// anything half done, and a shutdown can [wait](Self::idle) for it. It needs a Tokio runtime with its time enabled:
/// without a runtime, every call that asks the store is an error.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    issuer: Issuer,
    mint: Mint,
    tasks: Tasks,
    keys: RefreshKeys,
    store: Arc<dyn RefreshStore>,
    events: Vec<Arc<dyn SessionEvents>>,
    watchers: Arc<Watchers>,
    grace: Duration,
    idle_timeout: Duration,
    lifetime: Duration,
    limit: NonZeroU32,
    reissue_limit: u32,
    min_rotation_age: Duration,
    rollback: OnRollback,
    /// Of calls that have no answer of the store yet.
    places: Arc<Semaphore>,
    store_timeout: Duration,
    claims_timeout: Duration,
}

impl Sessions {
    /// Begins a session: after the password, the passkey, or whatever proves who it is.
    ///
    /// # Errors
    ///
    /// When the subject is empty or longer than 255 bytes, the label longer than 256 or the context than
    /// 4096, or one of them has a NUL, or the session is to live less than a millisecond; when the store or the
    /// claims fail, or the claims are refused. What has
    /// begun by then is ended again: nobody has a token of it.
    pub async fn start(&self, session: impl Into<NewSession>) -> Result<TokenPair, Error> {
        let inner = Arc::clone(&self.inner);
        let session = session.into();
        starting::check(&session)?;
        self.apart(async move { inner.start(session).await }).await
    }

    /// Continues a session: replaces its refresh token and gives an access token with the claims of now.
    ///
    /// # Errors
    ///
    /// [`RefreshError::Refused`] when the client has to log in again, [`RefreshError::Failed`] when it may
    /// try again.
    pub async fn refresh(
        &self,
        refresh: impl Into<Refresh<'_>>,
    ) -> Result<TokenPair, RefreshError> {
        let refresh = refresh.into();
        let Some(token) = self.inner.keys.open(refresh.token) else {
            let refusal = Refusal::Malformed;
            return Err(self.inner.refuse(None, refusal));
        };
        let attempt = refresh
            .attempt
            .map(|name| attempt_digest(token.session, token.generation, name));
        let inner = Arc::clone(&self.inner);
        self.apart(async move { inner.refresh(token, attempt).await })
            .await
    }

    /// The live sessions of a subject, last used first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        if !starting::can_be_kept(subject) {
            return Ok(Vec::new());
        }
        let (store, subject) = (Arc::clone(&self.inner.store), subject.to_owned());
        let list = async move { store.list(&subject).await };
        self.inner.ask(list).await
    }

    /// A session, also one that has ended: [`Session::ended`] says why. Kept until its absolute end at least,
    /// `None` when it is not known.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let store = Arc::clone(&self.inner.store);
        self.inner.ask(async move { store.find(id).await }).await
    }

    /// Ends a session of this subject, and says whether it was live.
    ///
    /// Of one that had ended shortly before, [`SessionEvent::Ended`] is told again: so whoever had no answer
    /// repeats the call.
    ///
    /// # Errors
    ///
    /// When the store fails. It may have been done all the same.
    pub async fn end(&self, subject: &str, id: SessionId) -> Result<bool, Error> {
        let subject = subject.to_owned();
        let ended = self.end_which(Which::OneOf { subject, id }).await?;
        Ok(!ended.is_empty())
    }

    /// Ends the session that a refresh token belongs to, however old the token, and returns the session if it
    /// was live. A token that is not authentic ends nothing, without an error: there is nothing left to log
    /// out of. To be repeated like [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end_by_token(&self, refresh_token: &str) -> Result<Option<Session>, Error> {
        let Some(token) = self.inner.keys.open(refresh_token) else {
            return Ok(None);
        };
        let ended = self.end_which(Which::One(token.session)).await?;
        Ok(ended.into_iter().next())
    }

    /// Ends all sessions of a subject, as after a new password, and returns those that were live. To be repeated
    /// like [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end_all(&self, subject: &str) -> Result<Vec<Session>, Error> {
        let (subject, except) = (subject.to_owned(), None);
        self.end_which(Which::AllOf { subject, except }).await
    }

    /// Ends all sessions of a subject but this one, and returns those that were live. To be repeated like
    /// [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end_all_but(&self, subject: &str, id: SessionId) -> Result<Vec<Session>, Error> {
        let (subject, except) = (subject.to_owned(), Some(id));
        self.end_which(Which::AllOf { subject, except }).await
    }

    async fn end_which(&self, which: Which) -> Result<Vec<Session>, Error> {
        // Nobody's sessions are of a subject that no store can keep.
        if let Which::OneOf { subject, .. } | Which::AllOf { subject, .. } = &which
            && !starting::can_be_kept(subject)
        {
            return Ok(Vec::new());
        }
        let inner = Arc::clone(&self.inner);
        self.apart(async move { inner.end(which, EndReason::SignedOut).await })
            .await
    }

    /// Ends when nothing is under way any more of what was begun here: what a client that hung up has left, and
    /// what the store answers late.
    ///
    /// For a shutdown: awaited when the server has no more requests and before the runtime ends, no end of a session is
    /// left untold. A store that hangs is listened to for a minute longer than its
    /// [timeout](Self::with_store_timeout), so give it a limit too.
    ///
    /// ```no_run
    /// # async fn example(sessions: buttress_jwt::Sessions) {
    /// let patience = std::time::Duration::from_secs(10);
    /// let _ = tokio::time::timeout(patience, sessions.idle()).await;
    /// # }
    /// ```
    pub async fn idle(&self) {
        self.inner.tasks.idle().await;
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("keys", &self.inner.keys)
            .field("store", &self.inner.store)
            .field("grace", &self.inner.grace)
            .field("idle_timeout", &self.inner.idle_timeout)
            .field("lifetime", &self.inner.lifetime)
            .field("limit", &self.inner.limit)
            .finish_non_exhaustive()
    }
}
