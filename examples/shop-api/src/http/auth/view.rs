//! Tokens and sessions as clients see them.

use axum::{
    http::header::{CACHE_CONTROL, PRAGMA},
    response::{IntoResponse, Response},
};
use buttress_jwt::{Session, SessionId, TokenPair};
use buttress_problem::axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Auth;

/// What a client has while it is signed in. It is not `Debug`: it would show the tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TokenPair)]
pub(in crate::http) struct TokenPairView {
    /// For `Authorization: Bearer`. A JWT (RFC 9068), which `/.well-known/jwks.json` verifies.
    access_token: String,
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds the access token is good.
    #[schema(example = 900)]
    expires_in: u64,
    /// For the next pair. It is replaced each time.
    refresh_token: String,
    /// For how many seconds the refresh token is good, unless it is used.
    #[schema(example = 2_592_000)]
    refresh_expires_in: i64,
}

/// The live sessions of a user, the last used one first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct SessionList {
    data: Vec<SessionView>,
}

/// A session: one login on one device, until it ends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(in crate::http) struct SessionView {
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// What the login called it.
    #[schema(required, example = "Firefox on Linux")]
    device: Option<String>,
    created_at: DateTime<Utc>,
    /// When it was begun or refreshed last.
    last_used_at: DateTime<Utc>,
    /// When it ends unless it is refreshed.
    expires_at: DateTime<Utc>,
    /// Whether it is the one that the request was made with.
    current: bool,
}

impl TokenPairView {
    pub(super) fn new(pair: TokenPair, auth: &Auth) -> Self {
        Self {
            access_token: pair.access_token.token,
            token_type: "Bearer",
            expires_in: pair.access_token.expires_in.as_secs(),
            refresh_token: pair.refresh_token,
            refresh_expires_in: auth.seconds_left(&pair.session),
        }
    }
}

impl IntoResponse for TokenPairView {
    /// Nobody between us and the client keeps it (RFC 6749, section 5.1).
    fn into_response(self) -> Response {
        let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
        (headers, Json(self)).into_response()
    }
}

impl SessionList {
    pub(super) fn new(sessions: Vec<Session>, current: Option<SessionId>) -> Self {
        let view = |session: Session| SessionView {
            id: session.id,
            expires_at: session.expires_at(),
            device: session.label,
            created_at: session.started_at,
            last_used_at: session.last_used_at,
            current: Some(session.id) == current,
        };
        Self {
            data: sessions.into_iter().map(view).collect(),
        }
    }
}
