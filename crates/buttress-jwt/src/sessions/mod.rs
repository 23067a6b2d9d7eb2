//! Sessions: begun at a login, continued by refresh tokens, listed and ended.

mod error;
mod events;
mod minting;
mod pair;
mod refresh;

use std::{error::Error as StdError, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use serde::Serialize;

pub use error::{RefreshError, Refusal};
pub use events::{ReissueCause, SessionEvent, SessionEvents};
pub use pair::TokenPair;
pub use refresh::Refresh;

use crate::{
    Beginning, EndReason, Error, ErrorKind, Grant, Issuer, Judged, NewSession, Proposal,
    RefreshKeys, RefreshStore, Session, SessionId, Verdict, Which,
    refresh::{RefreshToken, Secret, attempt_digest, successor},
    secret::random,
};
use minting::{Mint, Minted};

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// The longest grace: for longer, an old token is not a race but a copy.
const MAX_GRACE: Duration = Duration::from_secs(5 * MINUTE);
const MAX_SUBJECT: usize = 255;
const MAX_LABEL: usize = 256;
const MAX_CONTEXT: usize = 4096;

/// Sessions: begins them at a login, refreshes, lists and ends them. Clones are the same.
///
/// A refresh replaces the refresh token and gives a new access token. Everyone who comes with the same token
/// within the grace gets the same successor, so two tabs, a retry or a lost answer end no session; a token
/// that was replaced before that ends it, because then there are two holders. With
/// [an attempt](Refresh::with_attempt), a retry is recognised however late it comes.
///
/// Everything that is begun here is finished in a task of its own: a client that hangs up does not leave
/// anything half done. It needs a tokio runtime.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    issuer: Issuer,
    mint: Mint,
    keys: RefreshKeys,
    store: Arc<dyn RefreshStore>,
    events: Vec<Arc<dyn SessionEvents>>,
    grace: Duration,
    idle_timeout: Duration,
    lifetime: Duration,
    limit: NonZeroU32,
    store_timeout: Duration,
}

impl Sessions {
    /// Sessions whose access tokens come from this issuer and whose refresh tokens bear the mark of these
    /// keys.
    ///
    /// Unless set otherwise, a session ends when it is not refreshed for 14 days, and after 90 days; a subject
    /// has at most 50; the grace is 30 seconds; the store has 5 seconds to answer.
    #[must_use]
    pub fn new(issuer: Issuer, keys: RefreshKeys, store: impl RefreshStore) -> Self {
        let inner = Inner {
            mint: minting::bare(issuer.clone()),
            issuer,
            keys,
            store: Arc::new(store),
            events: Vec::new(),
            grace: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(14 * DAY),
            lifetime: Duration::from_secs(90 * DAY),
            limit: const { NonZeroU32::new(50).unwrap() },
            store_timeout: Duration::from_secs(5),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Asks the application at each refresh what the access token is to say: roles and scopes as they are
    /// now. `None` ends the session, for a user who has been locked out.
    ///
    /// This is asked after the refresh token was replaced. When it fails, the client may try again with the
    /// token that it has, as after a lost answer: within the grace, or in the same
    /// [attempt](Refresh::with_attempt).
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

    /// How long a session lives without being refreshed, unless it says so itself.
    #[must_use]
    pub fn with_idle_timeout(self, timeout: Duration) -> Self {
        self.with(|inner| inner.idle_timeout = timeout)
    }

    /// How long a session lives however much it is refreshed, unless it says so itself. No access token
    /// outlives it.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        self.with(|inner| inner.lifetime = lifetime)
    }

    /// How many sessions a subject may have. One more ends that which was not used for longest.
    #[must_use]
    pub fn with_session_limit(self, limit: NonZeroU32) -> Self {
        self.with(|inner| inner.limit = limit)
    }

    /// How long the store may take for one answer.
    #[must_use]
    pub fn with_store_timeout(self, timeout: Duration) -> Self {
        self.with(|inner| inner.store_timeout = timeout)
    }

    /// Begins a session: after the password, the passkey, or whatever proves who it is.
    ///
    /// # Errors
    ///
    /// When the subject is empty or longer than 255 bytes, the label longer than 256 or the context than
    /// 4096, or one of them has a NUL; when the store or the claims fail, or the claims are refused. Then
    /// there is no session.
    pub async fn start(&self, session: impl Into<NewSession>) -> Result<TokenPair, Error> {
        let inner = Arc::clone(&self.inner);
        let session = session.into();
        check(&session)?;
        apart(async move { inner.start(session).await }).await
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
            .map(|name| attempt_digest(token.session, name));
        let inner = Arc::clone(&self.inner);
        apart(async move { inner.refresh(token, attempt).await }).await
    }

    /// The live sessions of a subject, last used first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.inner.ask(self.inner.store.list(subject)).await
    }

    /// Ends a session of this subject, and says whether it was live.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end(&self, subject: &str, id: SessionId) -> Result<bool, Error> {
        let subject = subject.to_owned();
        let ended = self.end_which(Which::OneOf { subject, id }).await?;
        Ok(!ended.is_empty())
    }

    /// Ends the session that a refresh token belongs to, however old the token, and returns the session if it
    /// was live. A token that is not authentic ends nothing, without an error: there is nothing left to log
    /// out of.
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

    /// Ends all sessions of a subject, as after a new password, and returns those that were live.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end_all(&self, subject: &str) -> Result<Vec<Session>, Error> {
        let (subject, except) = (subject.to_owned(), None);
        self.end_which(Which::AllOf { subject, except }).await
    }

    /// Ends all sessions of a subject but this one, and returns those that were live.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn end_all_but(&self, subject: &str, id: SessionId) -> Result<Vec<Session>, Error> {
        let (subject, except) = (subject.to_owned(), Some(id));
        self.end_which(Which::AllOf { subject, except }).await
    }

    async fn end_which(&self, which: Which) -> Result<Vec<Session>, Error> {
        let inner = Arc::clone(&self.inner);
        apart(async move { inner.end(&which, EndReason::SignedOut).await }).await
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
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

impl Inner {
    async fn start(&self, new: NewSession) -> Result<TokenPair, Error> {
        let secret = Secret::random()?;
        let beginning = Beginning {
            id: SessionId::new(&new.subject)?,
            subject: new.subject,
            label: new.label,
            context: new.context,
            idle_timeout: new.idle_timeout.unwrap_or(self.idle_timeout),
            lifetime: new.lifetime.unwrap_or(self.lifetime),
            current: secret.digest(),
            limit: self.limit,
        };
        let begun = self.ask(self.store.begin(&beginning)).await?;
        for session in &begun.evicted {
            self.tell_end(session);
        }
        self.tell(&SessionEvent::Started {
            session: &begun.session,
        });

        let minted = (self.mint)(begun.session.clone()).await;
        let failure = match minted {
            Ok(Minted::Token(access_token)) => {
                let token = RefreshToken {
                    session: begun.session.id,
                    generation: 0,
                    secret,
                };
                return Ok(TokenPair {
                    access_token,
                    refresh_token: self.keys.seal(&token),
                    session: begun.session,
                });
            }
            Ok(Minted::Denied) => {
                Error::new(ErrorKind::Claims, "the claims of a session were refused")
            }
            Ok(Minted::Over) => Error::new(
                ErrorKind::InvalidConfiguration,
                "the session is over before a token of it is valid",
            ),
            Err(error) => error,
        };
        // Nobody has its token: it would only stand in the list. That it could not be begun is the answer,
        // whether or not the store can end it.
        let which = Which::One(begun.session.id);
        let _ = self.end(&which, EndReason::Denied).await;
        Err(failure)
    }

    async fn refresh(
        &self,
        token: RefreshToken,
        attempt: Option<[u8; 32]>,
    ) -> Result<TokenPair, RefreshError> {
        // The last generation has no successor. The store says that it has expired.
        let generation = token.generation.saturating_add(1);
        let salt = random()?;
        let proposed = successor(&token.secret, &salt, token.session, generation)?;
        let proposal = Proposal {
            session: token.session,
            generation: token.generation,
            presented: token.secret.digest(),
            successor: proposed.digest(),
            salt,
            attempt,
            grace: self.grace,
        };
        let Some(judged) = self.ask(self.store.rotate(&proposal)).await? else {
            return Err(self.refuse(None, Refusal::Unknown));
        };
        let Judged { verdict, session } = judged;

        let secret = match verdict {
            Verdict::Rotated => {
                self.tell(&SessionEvent::Rotated { session: &session });
                proposed
            }
            Verdict::Reissued {
                salt,
                since,
                same_attempt,
            } => {
                self.tell(&SessionEvent::Reissued {
                    session: &session,
                    cause: ReissueCause::new(since, same_attempt),
                    since,
                });
                successor(&token.secret, &salt, token.session, generation)?
            }
            Verdict::Ended(ended) => {
                return Err(self.refuse(Some(&session), Refusal::Ended(ended.reason)));
            }
            Verdict::Forged => return Err(self.refuse(Some(&session), Refusal::Forged)),
            Verdict::Ahead { generations } => {
                return Err(self.refuse(Some(&session), Refusal::Ahead { generations }));
            }
            Verdict::Expired => return Err(self.refuse_and_end(&session, Refusal::Expired)),
            Verdict::Reused { generations, since } => {
                let refusal = Refusal::Reused { generations, since };
                return Err(self.refuse_and_end(&session, refusal));
            }
        };

        match (self.mint)(session.clone()).await? {
            Minted::Token(access_token) => {
                let token = RefreshToken {
                    session: session.id,
                    generation,
                    secret,
                };
                Ok(TokenPair {
                    access_token,
                    refresh_token: self.keys.seal(&token),
                    session,
                })
            }
            Minted::Over => Err(self.refuse(Some(&session), Refusal::Expired)),
            Minted::Denied => {
                self.end(&Which::One(session.id), EndReason::Denied).await?;
                Err(self.refuse(Some(&session), Refusal::Denied))
            }
        }
    }

    async fn end(&self, which: &Which, reason: EndReason) -> Result<Vec<Session>, Error> {
        let ended = self.ask(self.store.end(which, reason)).await?;
        for session in &ended {
            self.tell_end(session);
        }
        Ok(ended)
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout(self.store_timeout, answer)
            .await
            .unwrap_or_else(|elapsed| {
                Err(Error::new(
                    ErrorKind::Store,
                    "the store of sessions did not answer in time",
                )
                .with_source(elapsed))
            })
    }

    fn refuse(&self, session: Option<&Session>, refusal: Refusal) -> RefreshError {
        self.tell(&SessionEvent::Refused { session, refusal });
        RefreshError::Refused(refusal)
    }

    fn refuse_and_end(&self, session: &Session, refusal: Refusal) -> RefreshError {
        let error = self.refuse(Some(session), refusal);
        self.tell_end(session);
        error
    }

    fn tell_end(&self, session: &Session) {
        if let Some(ended) = session.ended {
            self.tell(&SessionEvent::Ended {
                session,
                reason: ended.reason,
            });
        }
    }

    fn tell(&self, event: &SessionEvent<'_>) {
        for listener in &self.events {
            listener.on_event(event);
        }
    }
}

/// Runs in a task of its own, which goes on when the caller goes away.
async fn apart<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(failed) => Err(Error::new(
                ErrorKind::Store,
                "the runtime stopped before the session was done with",
            )
            .with_source(failed)
            .into()),
        },
    }
}

fn check(session: &NewSession) -> Result<(), Error> {
    let invalid = |message| Err(Error::new(ErrorKind::InvalidSession, message));
    if session.subject.is_empty() || session.subject.len() > MAX_SUBJECT {
        return invalid("the subject of a session has 1 to 255 bytes");
    }
    let [label, context] =
        [&session.label, &session.context].map(|text| text.as_deref().unwrap_or_default());
    if label.len() > MAX_LABEL {
        return invalid("the label of a session has at most 256 bytes");
    }
    if context.len() > MAX_CONTEXT {
        return invalid("the context of a session has at most 4096 bytes");
    }
    // Databases cannot keep it.
    if [&session.subject, label, context]
        .iter()
        .any(|text| text.contains('\0'))
    {
        return invalid("the texts of a session have no NUL");
    }
    Ok(())
}
