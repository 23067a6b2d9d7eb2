use std::{borrow::Cow, error::Error as StdError, fmt};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why keys, a configuration or a session cannot be used, or a token cannot be issued.
///
/// The text names what is wrong and what is allowed, and never shows a secret; [`kind`](Self::kind) is what
/// to match on. Why a token was refused is a `TokenError`.
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What should be a key, or a set of keys, cannot be read as one.
    MalformedKey,
    /// The key is of a type, on a curve, or for an algorithm that is not supported.
    UnsupportedKey,
    /// The key is too small, or too large to be used without cost to others.
    WeakKey,
    /// The key says of itself that it is for something else, or is no secret where one is needed.
    WrongKeyUse,
    /// Two keys bear the same `kid`.
    DuplicateKey,
    /// No key of that name is there.
    UnknownKey,
    /// The keys of another service cannot be had.
    KeysUnavailable,
    /// A key would sign before everyone can know it, or leave while tokens that it has signed are valid.
    UnsafeSchedule,
    /// A setting is outside of what is allowed.
    InvalidConfiguration,
    /// What a token is to say cannot stand in one.
    InvalidClaims,
    /// What should name or describe a session does not.
    InvalidSession,
    /// What should name or describe an API key does not.
    InvalidApiKey,
    /// The overlap of an API key's last rotation is not over.
    UnfinishedRotation,
    /// A store of sessions or API keys failed, or did not answer in time.
    Store,
    /// The application's function that gives the claims failed.
    Claims,
    /// The cryptographic library failed to sign or to give random bytes.
    Crypto,
    /// A list that is bounded has no room, and may not forget what it has.
    CapacityExhausted,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
