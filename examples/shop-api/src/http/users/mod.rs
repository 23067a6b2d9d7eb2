//! `/v1/users`

mod query;
mod view;

use axum::{extract::State, response::IntoResponse};
use buttress_jwt::BearerLayer;
use buttress_problem::{
    Problems,
    axum::{Json, Path, Query},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::query::ListParams;
pub(super) use self::view::{UserList, UserView};
use super::{
    AppState,
    access::{Caller, guarded, oneself, user_admin},
    error::{ApiError, DatabaseError, InvalidQuery, UserNotFound},
    id::Id,
    list::NoParams,
    preconditions::IfNoneMatch,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(guarded(oneself(), routes!(me)))
        .routes(guarded(oneself(), routes!(read)))
        .routes(guarded(user_admin(), routes!(list)))
}

/// List users
///
/// For administrators. One page of at most `limit` users: there are no cursors yet.
#[utoipa::path(
    get,
    operation_id = "list_users",
    path = "/v1/users",
    tag = "users",
    params(ListParams),
    responses(
        (status = 200, description = "A page of users.", body = UserList),
        Problems<(InvalidQuery, DatabaseError, BearerLayer)>,
    ),
)]
async fn list(
    State(state): State<AppState>,
    Query(params): Query<ListParams>,
) -> Result<impl IntoResponse, ApiError> {
    let (query, fields) = params.check()?;
    let page = state.store.list_users(&query).await?;
    let list = UserList::new(page, query.limit, fields.as_ref());
    Ok((view::PERSONAL, Json(list)))
}

/// Read one's own account
#[utoipa::path(
    get,
    operation_id = "read_me",
    path = "/v1/users/me",
    tag = "users",
    params(IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The user who asks.",
            body = UserView,
            headers(("ETag" = String, description = "The user's tag.")),
        ),
        (
            status = 304,
            description = "The user is what the client has: they have a tag of `If-None-Match`.",
            headers(("ETag" = String, description = "The user's tag.")),
        ),
        Problems<(InvalidQuery, UserNotFound, DatabaseError, BearerLayer)>,
    ),
)]
async fn me(
    caller: Caller,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<impl IntoResponse, ApiError> {
    find(&state, caller.user_id).await
}

/// Read a user
///
/// Administrators read everybody, others only themselves: to them nobody else is there.
#[utoipa::path(
    get,
    operation_id = "read_user",
    path = "/v1/users/{id}",
    tag = "users",
    params(("id" = Uuid, Path), IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The user.",
            body = UserView,
            headers(("ETag" = String, description = "The user's tag.")),
        ),
        (
            status = 304,
            description = "The user is what the client has: they have a tag of `If-None-Match`.",
            headers(("ETag" = String, description = "The user's tag.")),
        ),
        Problems<(Path<()>, InvalidQuery, UserNotFound, DatabaseError, BearerLayer)>,
    ),
)]
async fn read(
    caller: Caller,
    Path(Id(id)): Path<Id>,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<impl IntoResponse, ApiError> {
    if id != caller.user_id && !caller.is_admin {
        return Err(UserNotFound { user_id: id }.into());
    }
    find(&state, id).await
}

async fn find(state: &AppState, id: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let user = state.store.user(id).await?;
    let user = user.ok_or(UserNotFound { user_id: id })?;
    Ok(UserView::tagged(user))
}
