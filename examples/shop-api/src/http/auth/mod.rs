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
use uuid::Uuid;

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
use crate::{
    auth::Comparison,
    domain::{Email, NewUser, Password},
};

/// What begins or continues a session, and takes no access token. One that comes along all the same,
/// because a client sends it with everything, is not looked at: it may be the one that has expired.
pub(super) fn login_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
}

/// What ends a session. It looks at no access token either.
pub(super) fn logout_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(logout))
}

/// The public keys, for whoever verifies our tokens.
pub(super) fn key_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(jwks))
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
/// user, the one that was not used for longest ends. Logins that fail are counted by e-mail address,
/// wherever they come from and whether or not there is an account: beyond the limit, the right password
/// is answered with 429 too.
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
    let login = body.check()?;
    let attempt = state.limits.login_attempt(login.email.as_ref()).await?;
    let found = identify(&state, login.email.as_ref(), login.password).await;
    // A database that is away says nothing of the password.
    if !matches!(found, Ok(None)) {
        attempt.take_back().await;
    }
    let user_id = found?.ok_or(InvalidCredentials)?;
    let mut session = NewSession::new(user_id.to_string());
    if let Some(device) = login.device {
        session = session.with_label(device.into_string());
    }
    let pair = state.auth.sessions.start(session).await?;
    Ok(TokenPairView::new(pair, &state.auth))
}

/// Whose address and password these are, if they are anybody's.
async fn identify(
    state: &AppState,
    email: Option<&Email>,
    password: Password,
) -> Result<Option<Uuid>, ApiError> {
    let known = match email {
        Some(email) => state.store.credentials(email).await?,
        None => None,
    };
    // Nobody is compared, too, so that the time does not tell whether there is an account.
    let hash = known.as_ref().map(|known| known.hash.clone());
    let compared = state.auth.passwords.compare(password, hash).await?;
    let (Some(known), Comparison::Right { renewed }) = (known, compared) else {
        return Ok(None);
    };
    if let Some(hash) = renewed {
        // If somebody else changed it meanwhile, theirs is newer.
        state.store.replace_password_hash(&known, &hash).await?;
    }
    Ok(Some(known.user_id))
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
