use std::{borrow::Cow, error::Error as StdError, fmt};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a limiter cannot be built, or cannot decide.
///
/// The text names what is wrong and what is allowed; [`kind`](Self::kind) is what to match on. That a bucket is empty
/// is no error: it is a [`Decision`](crate::Decision).
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A quota allows nothing, takes too long to fill, or has a name that no header can carry; or there is none, or two
    /// bear one name.
    InvalidQuota,
    /// A setting is outside of what is allowed.
    InvalidConfiguration,
    /// The cost is more than a full bucket has: waiting would be in vain.
    CostTooLarge,
    /// The store failed, or did not answer in time.
    Store,
    /// The store cannot do this.
    Unsupported,
}

impl Error {
    /// An error of a store that others make: what failed, in words that may stand in logs.
    pub fn store(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// An error of a store that others make: it cannot do what it was asked.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same with what has caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
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
