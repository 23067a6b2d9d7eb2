//! Who asks, and what they may do.
//!
//! `BearerLayer` is in front of everything under `/v1` that a token has a meaning for, and finds out
//! who asks. It lets pass what has no token, so that the catalogue is public, and nothing that has
//! one which is not good: a client whose token has expired is to learn that, and not to read on as
//! somebody else. `RequireLayer` is in front of each group of routes that not everybody may call.
//! Login and refresh are behind neither: they are for those whose token is no longer good.

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Request},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER, request::Parts},
    middleware::Next,
    response::Response,
};
use buttress_jwt::{Principal, Rejection, RejectionKind, Require, RequireLayer, SessionId};
use buttress_problem::{Answers, Catalogue, Problem, ToProblem};
use tracing::Span;
use uuid::Uuid;

use crate::{
    auth::scopes::{PRODUCTS_WRITE, PROFILE, USERS_READ},
    domain::Role,
};

/// The answer to who does not pass: as all answers, what is wrong here is not told, and when to come
/// back is.
pub(super) fn respond(rejection: &Rejection) -> axum::http::Response<Bytes> {
    let problem = match rejection.kind() {
        RejectionKind::Unavailable => Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .with_header(RETRY_AFTER, HeaderValue::from_static("1")),
        _ => rejection.to_problem(),
    };
    problem.into()
}

/// Those who look after the catalogue.
pub(super) fn catalogue_admins() -> RequireLayer {
    admins_with(PRODUCTS_WRITE)
}

/// Those who may see everybody.
pub(super) fn user_admins() -> RequireLayer {
    admins_with(USERS_READ)
}

/// Everybody who is signed in, about themselves.
pub(super) fn oneself() -> RequireLayer {
    RequireLayer::new(Require::scope(PROFILE))
}

/// The role says what somebody is, and the scope what the token was made for.
fn admins_with(scope: &'static str) -> RequireLayer {
    let role = Require::role(Role::Admin.as_str());
    RequireLayer::new(Require::all([role, Require::scope(scope)]))
}

/// The one who makes the request.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user_id: Uuid,
    pub(super) session_id: Option<SessionId>,
    pub(super) is_admin: bool,
}

impl Caller {
    /// What the sessions call them.
    pub(super) fn subject(&self) -> String {
        self.user_id.to_string()
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal = <Principal as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(Problem::from)?;
        let user_id = principal.subject().parse().map_err(|error| {
            // We have issued it, and to users only.
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(error)
        })?;
        Ok(Self {
            user_id,
            session_id: principal.session_id().and_then(|id| id.parse().ok()),
            is_admin: principal.has_role(Role::Admin.as_str()),
        })
    }
}

/// Writes who it is into the span of the request, and so into its log lines: the id, which says
/// nothing to who reads only them.
pub(super) async fn name_in_log(request: Request, next: Next) -> Response {
    if let Some(principal) = Principal::in_extensions(request.extensions()) {
        Span::current().record("subject", principal.subject());
    }
    next.run(request).await
}

/// What a route that everybody may call answers because of a token.
pub(super) struct AnyToken;

/// What a route for those who are signed in answers to others.
pub(super) struct SignedIn;

/// What a route for administrators answers to others.
pub(super) struct AdminOnly;

const ANY_TOKEN: &[&str] = &["INVALID_TOKEN", "INVALID_REQUEST", "SERVICE_UNAVAILABLE"];
const SIGNED_IN: &[&str] = &["AUTHENTICATION_REQUIRED", "INSUFFICIENT_SCOPE"];
const ADMIN_ONLY: &[&str] = &["FORBIDDEN"];

impl Answers for AnyToken {
    fn problems() -> Catalogue {
        rejections(&[ANY_TOKEN])
    }
}

impl Answers for SignedIn {
    fn problems() -> Catalogue {
        rejections(&[ANY_TOKEN, SIGNED_IN])
    }
}

impl Answers for AdminOnly {
    fn problems() -> Catalogue {
        rejections(&[ANY_TOKEN, SIGNED_IN, ADMIN_ONLY])
    }
}

fn rejections(codes: &[&[&str]]) -> Catalogue {
    let codes = codes.concat();
    let all = Rejection::catalogue().into_iter();
    all.filter(|kind| codes.contains(&kind.code())).collect()
}
