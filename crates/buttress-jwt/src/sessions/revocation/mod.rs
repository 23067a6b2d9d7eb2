//! Whether the session of an access token is live, asked of the store.

mod memory;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout},
};

use super::{Inner, Sessions, tasks::unanswered};
use crate::{Error, ErrorKind, Revocation, RevocationAnswer, SessionId, TokenIdentity};
use memory::{Answer, Asked, Memory, Question};

const MAX_AGE: Duration = Duration::from_secs(1);
const CAPACITY: usize = 10_000;

/// Revokes the access tokens of sessions that have ended, on whichever instance: it asks the store of the sessions
/// about the `sid` of every token.
///
/// An answer is good for [a second](Self::with_max_age), so that one session asks the store once in that time
/// however many requests it makes; all that ask at once share one question. An end on the [`Sessions`] that this
/// is of, or a clone of it, holds at once, an end elsewhere when the answer is that old. Nothing has to be told
/// from instance to instance, and a restart forgets nothing.
///
/// A token whose session the store does not know is revoked, also when its `sid` is not the name of any session.
/// A token without `sid` is not: whoever issues such tokens revokes them by other means. When the store fails,
/// nobody knows: [`BearerLayer`](crate::BearerLayer) answers 503.
///
/// Clones share what they remember.
///
/// ```
/// use buttress_jwt::{BearerLayer, MemoryRefreshStore, Sessions, Verifier};
/// # use buttress_jwt::{Algorithm, Issuer, KeyRing, RefreshKeys, SigningKey};
/// # let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// # let issuer = Issuer::new("https://api.example.com", "shop", ring.clone());
/// # let verifier = Verifier::new("https://api.example.com", "shop", ring);
/// # let keys = RefreshKeys::new(1, [1; 32])?;
///
/// let sessions = Sessions::new(issuer, keys, MemoryRefreshStore::new());
/// let layer: BearerLayer = BearerLayer::new(verifier).with_revocation(sessions.revocation());
/// # let _ = layer;
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone)]
pub struct SessionRevocation {
    inner: Arc<Inner>,
    memory: Arc<Memory>,
    max_age: Duration,
}

impl Sessions {
    /// What revokes the access tokens of sessions that have ended, also by other instances. To be taken when
    /// everything is set: it asks this store, and waits as long as is set now.
    #[must_use]
    pub fn revocation(&self) -> SessionRevocation {
        SessionRevocation {
            inner: Arc::clone(&self.inner),
            memory: self.inner.watchers.memory(CAPACITY),
            max_age: MAX_AGE,
        }
    }
}

impl SessionRevocation {
    /// How old an answer may be, 1 second unless set: how long an end on another instance may be unknown here.
    /// Nothing asks the store about every token.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How many sessions are remembered, 10 000 unless set. What was not asked for longest is forgotten first,
    /// and asked again.
    #[must_use]
    pub fn with_capacity(mut self, sessions: usize) -> Self {
        self.memory = self.inner.watchers.memory(sessions);
        self
    }

    async fn ask(&self, id: SessionId) -> Answer {
        let now = Instant::now();
        let mut answer = match self.memory.ask(id, now, self.max_age) {
            Asked::Known(live) => return Ok(live),
            Asked::Already(answer) => answer,
            Asked::First(question, answer) => {
                match self.inner.place() {
                    Ok(place) => {
                        let put = put(question, Arc::clone(&self.inner), place);
                        self.inner.tasks.spawn(put)?;
                    }
                    Err(full) => question.answer(Err(full)),
                }
                answer
            }
        };
        match answer.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => answer.clone(),
            // Its task has panicked, or the runtime stops.
            Ok(None) | Err(_) => Err(Arc::new(Error::new(
                ErrorKind::Store,
                "whether a session is live was not answered",
            ))),
        }
    }
}

impl Revocation for SessionRevocation {
    fn check(&self, token: &TokenIdentity<'_>) -> RevocationAnswer {
        let Some(id) = token.session_id else {
            return RevocationAnswer::now(false);
        };
        let Ok(id) = id.parse() else {
            return RevocationAnswer::now(true);
        };
        if let Some(live) = self.memory.find(id, Instant::now(), self.max_age) {
            return RevocationAnswer::now(!live);
        }
        let this = self.clone();
        RevocationAnswer::later(async move { this.ask(id).await.map(|live| !live) })
    }
}

/// In a task of its own, since those who wait for the answer may go away.
async fn put(question: Question, inner: Arc<Inner>, _place: OwnedSemaphorePermit) {
    let found = timeout(inner.store_timeout, inner.store.find(question.id()))
        .await
        .unwrap_or_else(|_| Err(unanswered()));
    question.answer(found);
}

impl fmt::Debug for SessionRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRevocation")
            .field("store", &self.inner.store)
            .field("max_age", &self.max_age)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// Who remembers which sessions are live, and has to know at once when one ends here.
#[derive(Default)]
pub(super) struct Watchers(RwLock<Vec<Weak<Memory>>>);

impl Watchers {
    fn memory(&self, capacity: usize) -> Arc<Memory> {
        let memory = Arc::new(Memory::new(capacity));
        let mut watchers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(&memory));
        memory
    }

    pub(super) fn ended(&self, id: SessionId) {
        let watchers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for memory in watchers.iter().filter_map(Weak::upgrade) {
            memory.ended(id);
        }
    }
}
