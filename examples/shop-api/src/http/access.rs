//! Who asks, and what they may do.
//!
//! `BearerLayer` is in front of everything under `/v1` that a token has a meaning for, and finds out
//! who asks. It lets pass what has no token, so that the catalogue is public, and nothing that has
//! one which is not good: a client whose token has expired is to learn that, and not to read on as
//! somebody else. `guarded` puts a `RequireLayer` in front of routes that not everybody may call, and
//! writes into the document what it requires.
//! Login and refresh are behind neither: they are for those whose token is no longer good.

use axum::{
    extract::{FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::Response,
};
use buttress_jwt::{BearerLayer, BearerScheme, Principal, Require, RequireLayer, SessionId};
use buttress_problem::{Answers, Catalogue, Problem};
use tracing::Span;
use utoipa_axum::router::UtoipaMethodRouter;
use uuid::Uuid;

use super::AppState;
use crate::{
    auth::scopes::{PRODUCTS_WRITE, PROFILE, USERS_READ},
    domain::Role,
};

/// Access tokens, as the document calls them.
pub(super) const SCHEME: BearerScheme = BearerScheme::new("bearer");

/// Routes for those of whom this is true, in the document too. A method that none of them has is
/// for nobody, and answered as such.
pub(super) fn guarded(
    require: Require,
    (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
) -> UtoipaMethodRouter<AppState> {
    SCHEME.require_in(&mut paths, &require);
    let router = router.route_layer(RequireLayer::new(require));
    (schemas, paths, router)
}

/// Those who look after the catalogue.
pub(super) fn catalogue_admin() -> Require {
    admin_with(PRODUCTS_WRITE)
}

/// Those who may see everybody.
pub(super) fn user_admin() -> Require {
    admin_with(USERS_READ)
}

/// Everybody who is signed in, about themselves.
pub(super) fn oneself() -> Require {
    Require::scope(PROFILE)
}

/// The role says what somebody is, and the scope what the token was made for.
fn admin_with(scope: &'static str) -> Require {
    let role = Require::role(Role::Admin.as_str());
    Require::all([role, Require::scope(scope)])
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

/// What a route that everybody may call answers because of a token: what `BearerLayer` does, but
/// that there is none is no mistake.
pub(super) struct AnyToken;

impl Answers for AnyToken {
    fn problems() -> Catalogue {
        let all = BearerLayer::<()>::problems().into_iter();
        all.filter(|kind| kind.code() != "AUTHENTICATION_REQUIRED")
            .collect()
    }
}
