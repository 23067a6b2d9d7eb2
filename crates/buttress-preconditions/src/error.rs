use std::{borrow::Cow, error::Error as StdError, fmt};

/// Why something is no entity tag, or cannot be made into one.
///
/// The text names what is wrong and what is allowed; [`kind`](Self::kind) is what to match on.
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A text is not an entity tag in double quotes (RFC 9110, section 8.8.3).
    InvalidTag,
    /// The text that is to stand between the quotes has a byte that may not stand there.
    InvalidOpaque,
    /// The name of a variant is empty or is not made of what it may be made of.
    InvalidVariant,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { kind, message }
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
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}
