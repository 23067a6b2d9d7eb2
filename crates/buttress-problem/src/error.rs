use std::{borrow::Cow, error::Error as StdError, fmt};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a problem could not be built or read.
///
/// The text names what is wrong and what is allowed; [`kind`](Self::kind) is what to match on.
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A `type` or `instance` is not a URI reference (RFC 3986, section 4.1).
    InvalidUri,
    /// The status is not one that a problem can report: 400 to 599.
    InvalidStatus,
    /// A `code` is not upper-case letters, digits and `_`, beginning with a letter.
    InvalidCode,
    /// An extension member bears the name of a member that has its own setter.
    ReservedMember,
    /// An extension member's name is not a letter followed by letters, digits, `_` and `-`
    /// (RFC 9457, section 4).
    InvalidMemberName,
    /// A value cannot be serialised as JSON.
    Serialize,
    /// A header's name or value is not one that HTTP can carry (RFC 9110, section 5).
    InvalidHeader,
    /// A text is not a JSON Pointer (RFC 6901).
    InvalidPointer,
    /// A response is not a problem document: its `Content-Type` says something else.
    NotAProblem,
    /// A document is not a JSON object in UTF-8.
    Malformed,
    /// A document is larger than is read: [`Problem::MAX_SIZE`](crate::Problem::MAX_SIZE).
    TooLarge,
    /// A document nests deeper than is read: [`Problem::MAX_DEPTH`](crate::Problem::MAX_DEPTH).
    TooDeep,
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

/// Lets the fallible setters take a value that is already of the right type.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
