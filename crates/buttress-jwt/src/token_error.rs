use std::{error::Error as StdError, fmt};

/// Why a token was refused.
///
/// Its text is for logs: it says which check failed and nothing that stands in the token. Who sent the token
/// learns only that it was not accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenError {
    kind: TokenErrorKind,
    reason: &'static str,
}

/// The kind of a [`TokenError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The token, its header or its signature has more bytes than are read.
    TooLarge,
    /// It is no signed token in compact form, or its JSON is not what JSON has to be.
    Malformed,
    /// Its header asks for something that is not understood, and says that it has to be, or that is never
    /// done with access tokens.
    UnsupportedHeader,
    /// Its header says that it is another type of token.
    WrongType,
    /// Its algorithm is none that is accepted, or not the one of its key.
    WrongAlgorithm,
    /// No key bears the name that it gives, or it gives none and not exactly one key comes into question.
    UnknownKey,
    /// The keys of another service cannot be had, and the token may be good.
    KeysUnavailable,
    /// The signature is not of this key over this token.
    BadSignature,
    /// A claim that every access token has is missing.
    MissingClaim,
    /// A claim is not of its type, or outside of what it may be.
    InvalidClaim,
    /// It is of another issuer.
    WrongIssuer,
    /// It is for someone else.
    WrongAudience,
    /// It was issued to a client that is not accepted here.
    WrongClient,
    /// It is bound to a key of its client (`cnf`), which is not checked here, and so it could be anybody's.
    SenderConstrained,
    /// It has expired.
    Expired,
    /// It is not valid yet, or issued in the future.
    NotYetValid,
    /// The application's own claims are not of their type.
    InvalidCustomClaims,
    /// It was revoked, or its session or its subject's tokens were.
    Revoked,
}

impl TokenError {
    pub(crate) const fn new(kind: TokenErrorKind, reason: &'static str) -> Self {
        Self { kind, reason }
    }

    /// Which check failed.
    #[must_use]
    pub fn kind(&self) -> TokenErrorKind {
        self.kind
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .finish()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl StdError for TokenError {}
