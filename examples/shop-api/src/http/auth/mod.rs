//! `/v1/auth`: accounts, tokens and sessions.

mod attempt;
pub(super) mod error;
mod input;
mod sessions;
mod view;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use buttress_jwt::{NewSession, Refresh, RefreshError};
use buttress_problem::{
    Problems,
    axum::{Json, Query},
};
use tower::ServiceExt;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    attempt::AttemptKey,
    error::{EmailTaken, InvalidCredentials, InvalidIdempotencyKey, RefreshRefused},
    input::{Login, PresentToken, Register},
    view::TokenPairView,
};
use super::{
    AppState,
    error::{ApiError, DatabaseError, Invalid, InvalidQuery},
    list::NoParams,
    openapi::Anything,
    users::UserView,
};
use crate::{auth::Comparison, domain::NewUser};

/// What takes no access token. One that comes along all the same, because a client sends it with
/// everything, is not looked at: it may be the one that has expired.
pub(super) fn public_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(jwks))
}

/// What a user does with their own sessions.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    sessions::routes()
}

/// Create an account
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "auth",
    request_body = Register,
    responses(
        (
            status = 201,
            description = "The new user, who can sign in now.",
            body = UserView,
            headers(
                ("Location" = String, description = "The path of the user."),
                ("ETag" = String, description = "The user's tag."),
            ),
        ),
        Problems<(InvalidQuery, Json<()>, Invalid, EmailTaken, DatabaseError)>,
    ),
)]
async fn register(
    _: Query<NoParams>,
    State(state): State<AppState>,
    Json(body): Json<Register>,
) -> Result<impl IntoResponse, ApiError> {
    let account = body.check()?;
    // The answer says that the address is taken anyway. Who asks for it need not cost a hash.
    if state.store.credentials(&account.email).await?.is_some() {
        return Err(EmailTaken.into());
    }
    let hash = state.auth.passwords.hash(account.password).await?;
    let user = NewUser {
        email: account.email,
        name: account.name,
        admin: false,
    };
    let user = state.store.create_user(user, &hash).await?;
    let user = user.ok_or(EmailTaken)?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/users/{}", user.id)) {
        headers.insert(LOCATION, location);
    }
    Ok((StatusCode::CREATED, headers, UserView::tagged(user)))
}

/// Sign in
///
/// Begins a session. Send the access token as `Authorization: Bearer` with every request, and the
/// refresh token to `/v1/auth/refresh` when the access token has expired. Beyond 50 sessions of a
/// user, the one that was not used for longest ends.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, description = "The tokens of a new session.", body = TokenPairView),
        Problems<(InvalidQuery, Json<()>, Invalid, InvalidCredentials, DatabaseError)>,
    ),
)]
async fn login(
    _: Query<NoParams>,
    State(state): State<AppState>,
    Json(body): Json<Login>,
) -> Result<TokenPairView, ApiError> {
    let attempt = body.check()?;
    let auth = &state.auth;
    let known = match &attempt.email {
        Some(email) => state.store.credentials(email).await?,
        None => None,
    };
    // Nobody is compared, too, so that the time does not tell whether there is an account.
    let hash = known.as_ref().map(|known| known.hash.clone());
    let compared = auth.passwords.compare(attempt.password, hash).await?;
    let (Some(known), Comparison::Right { renewed }) = (known, compared) else {
        return Err(InvalidCredentials.into());
    };
    if let Some(hash) = renewed {
        // If somebody else changed it meanwhile, theirs is newer.
        state.store.replace_password_hash(&known, &hash).await?;
    }
    let mut session = NewSession::new(known.user_id.to_string());
    if let Some(device) = attempt.device {
        session = session.with_label(device.into_string());
    }
    let pair = auth.sessions.start(session).await?;
    Ok(TokenPairView::new(pair, auth))
}

/// Continue a session
///
/// Replaces the refresh token: use the new one from now on. For 10 seconds the old one still does,
/// and gives the same new one again, so that two tabs or a lost answer end nothing. After that it
/// is taken for stolen, and the session ends.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "auth",
    params(AttemptKey),
    request_body = PresentToken,
    responses(
        (status = 200, description = "New tokens of the session.", body = TokenPairView),
        Problems<(InvalidQuery, InvalidIdempotencyKey, Json<()>, Invalid, RefreshRefused, DatabaseError)>,
    ),
)]
async fn refresh(
    _: Query<NoParams>,
    AttemptKey(attempt): AttemptKey,
    State(state): State<AppState>,
    Json(body): Json<PresentToken>,
) -> Result<TokenPairView, ApiError> {
    let token = body.check()?;
    let refresh = Refresh::new(&token).with_attempt(attempt.as_deref());
    match state.auth.sessions.refresh(refresh).await {
        Ok(pair) => Ok(TokenPairView::new(pair, &state.auth)),
        Err(RefreshError::Refused(refusal)) => Err(RefreshRefused::from(refusal).into()),
        Err(RefreshError::Failed(error)) => Err(error.into()),
        Err(_) => Err(RefreshRefused::Invalid.into()),
    }
}

/// Sign out
///
/// Ends the session that the refresh token is of. Its access tokens stop working too. A token that
/// ends nothing, because there is nothing left, gets the same answer.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    tag = "auth",
    request_body = PresentToken,
    responses(
        (status = 204, description = "There is no such session any more."),
        Problems<(InvalidQuery, Json<()>, Invalid, DatabaseError)>,
    ),
)]
async fn logout(
    _: Query<NoParams>,
    State(state): State<AppState>,
    Json(body): Json<PresentToken>,
) -> Result<StatusCode, ApiError> {
    let token = body.check()?;
    state.auth.sessions.end_by_token(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The public keys that access tokens are signed with
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses(
        (
            status = 200,
            description = "A JWK Set (RFC 7517).",
            body = Object,
            content_type = "application/jwk-set+json",
            headers(
                ("ETag" = String, description = "The tag of the set."),
                ("Cache-Control" = String, description = "For how long it may be kept."),
            ),
        ),
        (status = 304, description = "The set is what the client has."),
        Problems<Anything>,
    ),
)]
async fn jwks(State(state): State<AppState>, request: Request) -> impl IntoResponse {
    let Ok(answer) = state.auth.jwks().oneshot(request).await;
    answer.map(axum::body::Body::new)
}
