pub(crate) mod problems;

use std::{error::Error, fmt};

use buttress_problem::{Catalogue, Problem, ToProblem};
use http::{
    HeaderValue,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};

use crate::{
    ApiKeyRefusal, TokenError,
    challenge::{self, Realm},
};

use self::problems::{
    AUTHENTICATION_REQUIRED, FORBIDDEN, INSUFFICIENT_SCOPE, INTERNAL_SERVER_ERROR, INVALID_REQUEST,
    INVALID_TOKEN, SERVICE_UNAVAILABLE,
};

/// In seconds. What does not answer is perhaps away for a moment only.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// Why [`BearerLayer`](crate::BearerLayer), [`ApiKeyLayer`](crate::ApiKeyLayer) or
/// [`RequireLayer`](crate::RequireLayer) does not let a request pass, and the problem that tells its client so.
///
/// | kind | status | `code` | `error` in the challenge (RFC 6750) |
/// |---|---|---|---|
/// | [`Unauthenticated`](RejectionKind::Unauthenticated) | 401 | `AUTHENTICATION_REQUIRED` | none |
/// | [`InvalidToken`](RejectionKind::InvalidToken) | 401 | `INVALID_TOKEN` | `invalid_token` |
/// | [`InvalidRequest`](RejectionKind::InvalidRequest) | 400 | `INVALID_REQUEST` | `invalid_request` |
/// | [`InsufficientScope`](RejectionKind::InsufficientScope) | 403 | `INSUFFICIENT_SCOPE` | `insufficient_scope`, with `scope`; also the member `missingScopes` |
/// | [`Forbidden`](RejectionKind::Forbidden) | 403 | `FORBIDDEN` | no challenge: no other token of the client would do |
/// | [`Unavailable`](RejectionKind::Unavailable) | 503 | `SERVICE_UNAVAILABLE` | no challenge: the client has done nothing wrong; `Retry-After: 1` |
/// | [`Misconfigured`](RejectionKind::Misconfigured) | 500 | `INTERNAL_SERVER_ERROR` | no challenge |
///
/// A client is told the same of every token that is not accepted. [`token_error`](Self::token_error) is for metrics
/// and logs on this side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    reason: &'static str,
    realm: Realm,
    missing_scopes: Vec<String>,
    token_error: Option<TokenError>,
    api_key_refusal: Option<ApiKeyRefusal>,
}

/// The kind of a [`Rejection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// There are no credentials: 401.
    Unauthenticated,
    /// The token is not accepted: 401.
    InvalidToken,
    /// The credentials cannot be read, or there are several: 400.
    InvalidRequest,
    /// The token lacks scopes, and would do with them: 403.
    InsufficientScope,
    /// Who asks may not do this: 403.
    Forbidden,
    /// What has to be asked before the request may pass does not answer: 503.
    Unavailable,
    /// The layers are put together in a way in which nobody could pass: 500.
    Misconfigured,
}

impl RejectionKind {
    /// Its stable name, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidToken => "invalid-token",
            Self::InvalidRequest => "invalid-request",
            Self::InsufficientScope => "insufficient-scope",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl Rejection {
    fn new(kind: RejectionKind, reason: &'static str) -> Self {
        Self {
            kind,
            reason,
            realm: Realm::default(),
            missing_scopes: Vec::new(),
            token_error: None,
            api_key_refusal: None,
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            RejectionKind::Unauthenticated,
            "the request has no access token",
        )
    }

    /// One text for all of them: what differs would help who guesses.
    pub(crate) fn invalid_token(error: TokenError) -> Self {
        Self {
            token_error: Some(error),
            ..Self::new(
                RejectionKind::InvalidToken,
                "the access token is malformed, expired, revoked or for another service",
            )
        }
    }

    pub(crate) fn no_api_key() -> Self {
        Self::new(RejectionKind::Unauthenticated, "the request has no API key")
    }

    /// One text for all of them, as for tokens.
    pub(crate) fn invalid_api_key(refusal: ApiKeyRefusal) -> Self {
        Self {
            api_key_refusal: Some(refusal),
            ..Self::new(
                RejectionKind::InvalidToken,
                "the API key is malformed, expired, revoked or for another service",
            )
        }
    }

    pub(crate) fn invalid_request(reason: &'static str) -> Self {
        Self::new(RejectionKind::InvalidRequest, reason)
    }

    /// A denial: for the want of these scopes, or for good when there are none.
    pub(crate) fn denied(missing_scopes: Vec<String>) -> Self {
        if missing_scopes.is_empty() {
            return Self::new(RejectionKind::Forbidden, "this is not allowed");
        }
        Self {
            missing_scopes,
            ..Self::new(
                RejectionKind::InsufficientScope,
                "the access token lacks scopes",
            )
        }
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            RejectionKind::Unavailable,
            "whether the request may pass cannot be found out at the moment",
        )
    }

    pub(crate) fn misconfigured() -> Self {
        Self::new(RejectionKind::Misconfigured, "the service is not set up")
    }

    pub(crate) fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Why the request does not pass.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The scopes that would let it pass.
    #[must_use]
    pub fn missing_scopes(&self) -> &[String] {
        &self.missing_scopes
    }

    /// Which check the token has failed, for [`RejectionKind::InvalidToken`]. The client is not told.
    #[must_use]
    pub fn token_error(&self) -> Option<TokenError> {
        self.token_error
    }

    /// Why the API key was refused, for [`RejectionKind::InvalidToken`] of an [`ApiKeyLayer`](crate::ApiKeyLayer). The
    /// client is not told.
    #[must_use]
    pub fn api_key_refusal(&self) -> Option<ApiKeyRefusal> {
        self.api_key_refusal
    }

    /// The value of `WWW-Authenticate`, where there is one. The layers see to it that the answer has it, whatever
    /// responder makes that.
    #[must_use]
    pub fn challenge(&self) -> Option<HeaderValue> {
        let error = match self.kind {
            RejectionKind::Unauthenticated => None,
            RejectionKind::InvalidToken => Some("invalid_token"),
            RejectionKind::InvalidRequest => Some("invalid_request"),
            RejectionKind::InsufficientScope => Some("insufficient_scope"),
            RejectionKind::Forbidden
            | RejectionKind::Unavailable
            | RejectionKind::Misconfigured => return None,
        };
        Some(challenge::bearer(
            &self.realm,
            error.map(|code| (code, self.reason)),
            &self.missing_scopes,
        ))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for Rejection {}

impl ToProblem for Rejection {
    fn to_problem(&self) -> Problem {
        let kind = match self.kind {
            RejectionKind::Unauthenticated => AUTHENTICATION_REQUIRED,
            RejectionKind::InvalidToken => INVALID_TOKEN,
            RejectionKind::InvalidRequest => INVALID_REQUEST,
            RejectionKind::InsufficientScope => INSUFFICIENT_SCOPE,
            RejectionKind::Forbidden => FORBIDDEN,
            RejectionKind::Unavailable => SERVICE_UNAVAILABLE,
            RejectionKind::Misconfigured => INTERNAL_SERVER_ERROR,
        };
        let mut problem = Problem::of(kind);
        problem = match self.kind {
            // What is wrong with the service is for its logs; its clients learn when to come back.
            RejectionKind::Unavailable => problem.with_header(RETRY_AFTER, SOON),
            RejectionKind::Misconfigured => problem,
            _ => problem.with_detail(self.reason),
        };
        if !self.missing_scopes.is_empty() {
            problem = problem.with_extension("missingScopes", &self.missing_scopes);
        }
        match self.challenge() {
            Some(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
            None => problem,
        }
    }

    fn catalogue() -> Catalogue {
        Catalogue::from_iter([
            AUTHENTICATION_REQUIRED,
            INVALID_TOKEN,
            INVALID_REQUEST,
            INSUFFICIENT_SCOPE,
            FORBIDDEN,
            SERVICE_UNAVAILABLE,
            INTERNAL_SERVER_ERROR,
        ])
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        rejection.to_problem()
    }
}
