use std::fmt;

use crate::{AccessToken, Session};

/// What a client gets when a session begins or is refreshed.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenPair {
    /// For its requests, until it expires.
    pub access_token: AccessToken,
    /// For the next pair. Whoever has it continues the session.
    pub refresh_token: String,
    /// The session. Unless it is refreshed, it ends at its [`expires_at`](Session::expires_at).
    pub session: Session,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPair")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
