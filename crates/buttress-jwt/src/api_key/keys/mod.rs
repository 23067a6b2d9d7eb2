//! What can be done with API keys.

mod authentication;
mod lifecycle;
mod tasks;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::error::Elapsed;

pub(super) use authentication::Look;

use super::{
    ApiKey, ApiKeyId, ApiKeySecret, ApiKeyStore, Environment, format::Format, memories::Memories,
    verified::Verified,
};
use crate::{
    Clock, Error, ErrorKind,
    gate::check_timeout,
    tasks::{Tasks, runtime},
};

/// The longest age of what is remembered, which is how long a revoked key may work elsewhere.
const MAX_AGE: Duration = Duration::from_secs(60);

/// API keys: issues, rotates, revokes and lists them, and says whom one speaks for. Clones are the same.
///
/// A key is `prefix_environment_id_secret_checksum`, such as `shop_live_0Xm…_9bT…_1xdkSF`: everything in it is a letter,
/// a digit or an underscore. The secret has 256 random bits. What is kept is a SHA-256 of the whole, which is bound to
/// the prefix, the environment and the id; no slow hash is needed against secrets that nobody can guess. What is not of
/// this form, or whose checksum is wrong, is refused without asking the store. The checksum is no secret: who computes it for
/// a key that is made up makes the store look for it once.
///
/// Scanners for secrets find the keys of the prefix `shop` by this regular expression, and by the checksum, the CRC-32
/// of what stands before it as 6 digits of base 62 (`0-9A-Za-z`), which of them are real:
///
/// ```text
/// \bshop_(live|test)_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}\b
/// ```
///
/// ```
/// use std::time::Duration;
/// use buttress_jwt::{ApiKeys, Environment, MemoryApiKeyStore, NewApiKey};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new())?;
/// let issued = keys
///     .issue(NewApiKey::new("user-1").with_label("nightly export").with_scopes(["orders:read"]))
///     .await?;
/// let text = issued.secret.reveal(); // to be shown once
///
/// let key = keys.authenticate(&text).await?;
/// assert_eq!((&*key.subject, &*key.scopes[0]), ("user-1", "orders:read"));
///
/// let week = Duration::from_secs(7 * 24 * 60 * 60);
/// let rotated = keys.rotate("user-1", key.id, week).await?.expect("it is there");
/// assert!(keys.authenticate(&text).await.is_ok()); // for a week
/// assert!(keys.authenticate(&rotated.secret.reveal()).await.is_ok());
///
/// assert!(keys.revoke("user-1", key.id).await?);
/// assert!(keys.authenticate(&text).await.is_err());
/// # Ok(())
/// # }
/// ```
///
/// What is begun to rotate or revoke a key is finished in a task of its own: a client that hangs up does not leave it
/// half done, and a shutdown can [wait](Self::idle) for it. It needs a Tokio runtime with its time enabled: without a
/// runtime, every call that asks the store is an error.
#[derive(Clone)]
pub struct ApiKeys {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    format: Format,
    store: Arc<dyn ApiKeyStore>,
    store_timeout: Duration,
    verified: Option<Arc<Verified>>,
    /// Those of all clones, of which that is one.
    memories: Arc<Memories>,
    clock: Clock,
    writers: Arc<Mutex<HashSet<ApiKeyId>>>,
    tasks: Tasks,
}

/// A key that was issued or rotated.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedApiKey {
    /// What may be shown of it at any time.
    pub key: ApiKey,
    /// The key itself, which is to be had only here.
    pub secret: ApiKeySecret,
}

impl ApiKeys {
    /// The keys of this prefix in this environment.
    ///
    /// Unless set otherwise, about 1024 keys that were accepted are remembered for a second each, and the store has 5
    /// seconds to answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the prefix is not 1 to 16 small letters and digits, the first a letter,
    /// or begins as tokens do, with `ey` or `ew`.
    pub fn new(
        prefix: &str,
        environment: Environment,
        store: impl ApiKeyStore,
    ) -> Result<Self, Error> {
        let memories = Arc::new(Memories::default());
        let inner = Inner {
            format: Format::new(prefix, environment)?,
            store: Arc::new(store),
            store_timeout: Duration::from_secs(5),
            verified: Some(memories.another(1024, Duration::from_secs(1))),
            memories,
            clock: Clock::system(),
            writers: Arc::default(),
            tasks: Tasks::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Remembers about this many keys that were accepted, each for so long, without asking the store again; none if
    /// either is nothing.
    ///
    /// A key that is revoked or rotated here is forgotten at once, also if a clone does that which has another memory.
    /// Other instances may accept it for this long. None is accepted beyond its end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is longer than a minute.
    pub fn with_memory(self, keys: usize, age: Duration) -> Result<Self, Error> {
        if age > MAX_AGE {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "an API key is remembered for a minute at most, since a revoked one works for as long elsewhere",
            ));
        }
        let remembers = keys > 0 && !age.is_zero();
        Ok(self.with(|inner| {
            inner.verified = remembers.then(|| inner.memories.another(keys, age));
        }))
    }

    /// How long the store may take for one answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is zero.
    pub fn with_store_timeout(self, timeout: Duration) -> Result<Self, Error> {
        check_timeout(timeout)?;
        Ok(self.with(|inner| inner.store_timeout = timeout))
    }

    /// Takes the time from this clock. It is looked at only for the age of what is remembered.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    /// Ends when nothing is under way any more of what was begun here: what a client that hung up has left, and the uses
    /// of keys that are being written.
    ///
    /// For a shutdown: to be awaited when the server has no more requests and before the runtime ends. A store that hangs
    /// is listened to for a minute longer than its [timeout](Self::with_store_timeout), so give it a limit too.
    pub async fn idle(&self) {
        self.inner.tasks.idle().await;
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }
}

impl Inner {
    async fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let _inside = runtime()?;
        tokio::time::timeout(self.store_timeout, answer)
            .await
            .unwrap_or_else(|elapsed| Err(unanswered(elapsed)))
    }
}

fn unanswered(elapsed: Elapsed) -> Error {
    Error::new(
        ErrorKind::Store,
        "the store of API keys did not answer in time",
    )
    .with_source(elapsed)
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("format", &self.inner.format)
            .field("store", &self.inner.store)
            .field("store_timeout", &self.inner.store_timeout)
            .finish_non_exhaustive()
    }
}
