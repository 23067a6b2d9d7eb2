//! `/v1/auth/sessions`

use axum::{
    extract::State,
    http::{
        HeaderName, StatusCode,
        header::{CACHE_CONTROL, VARY},
    },
};
use buttress_jwt::{BearerLayer, SessionId};
use buttress_problem::{
    Problems,
    axum::{Json, Path, Query},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::SessionNotFound, view::SessionList};
use crate::http::{
    AppState,
    access::{Caller, guarded, oneself},
    error::{ApiError, DatabaseError, InvalidQuery},
    id::Id,
    list::NoParams,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(guarded(oneself(), routes!(list, end_all)))
        .routes(guarded(oneself(), routes!(end)))
}

/// List one's own sessions
#[utoipa::path(
    get,
    operation_id = "list_sessions",
    path = "/v1/auth/sessions",
    tag = "auth",
    responses(
        (status = 200, description = "All sessions that are live.", body = SessionList),
        Problems<(InvalidQuery, DatabaseError, BearerLayer)>,
    ),
)]
async fn list(
    caller: Caller,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<([(HeaderName, &'static str); 2], Json<SessionList>), ApiError> {
    let sessions = state.auth.sessions.list(&caller.subject()).await?;
    let headers = [(CACHE_CONTROL, "no-store"), (VARY, "Authorization")];
    let list = SessionList::new(sessions, caller.session_id);
    Ok((headers, Json(list)))
}

/// End one of one's own sessions
///
/// Its refresh token and its access tokens stop working: here at once, on other instances within a
/// second.
#[utoipa::path(
    delete,
    operation_id = "end_session",
    path = "/v1/auth/sessions/{id}",
    tag = "auth",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is ended."),
        Problems<(Path<()>, InvalidQuery, SessionNotFound, DatabaseError, BearerLayer)>,
    ),
)]
async fn end(
    caller: Caller,
    Path(Id(id)): Path<Id>,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<StatusCode, ApiError> {
    let session = SessionId::from_bytes(id.into_bytes());
    match state.auth.sessions.end(&caller.subject(), session).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(SessionNotFound { session_id: id }.into()),
    }
}

/// End all of one's own sessions
///
/// The one that this request is made with, too.
#[utoipa::path(
    delete,
    operation_id = "end_sessions",
    path = "/v1/auth/sessions",
    tag = "auth",
    responses(
        (status = 204, description = "All are ended."),
        Problems<(InvalidQuery, DatabaseError, BearerLayer)>,
    ),
)]
async fn end_all(
    caller: Caller,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<StatusCode, ApiError> {
    state.auth.sessions.end_all(&caller.subject()).await?;
    Ok(StatusCode::NO_CONTENT)
}
