//! The shop over HTTP.

mod access;
mod auth;
mod body_limit;
mod check;
mod docs;
mod error;
mod headers;
mod health;
mod id;
mod limits;
mod list;
mod merge_patch;
mod openapi;
mod preconditions;
mod problems;
mod products;
mod request_id;
mod trace_context;
mod users;

use axum::{
    Router,
    http::{Extensions, HeaderMap, StatusCode, Version},
    middleware::from_fn,
};
use buttress_preconditions::{PreconditionsLayer, has_strong_etag};
use buttress_problem::ProblemLayer;
use tower::ServiceBuilder;
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::limits::Limits;
use crate::{auth::Auth, store::Store};

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Where everything is kept.
    pub store: Store,
    /// Signs people in.
    pub auth: Auth,
    /// What everybody has left.
    pub limits: Limits,
}

/// All that the shop answers.
///
/// # Errors
///
/// When the OpenAPI document cannot be written as JSON.
pub fn router(state: AppState) -> Result<Router, serde_json::Error> {
    let limits = &state.limits;
    // A token is looked at where it has a meaning, and nowhere else: see `access`. The last layer is
    // outermost: who asks is known before what they have left is looked at.
    let with_caller = OpenApiRouter::new()
        .merge(products::routes())
        .merge(auth::routes())
        .merge(users::routes());
    let with_caller = limits
        .by_caller(with_caller)
        .route_layer(from_fn(access::name_in_log))
        .route_layer(state.auth.bearer());
    let with_caller = limits.bad_tokens(with_caller);
    let without_caller = limits
        .logins(auth::login_routes())
        .merge(auth::logout_routes());
    let (api, document) = OpenApiRouter::with_openapi(openapi::frame())
        .merge(with_caller)
        .merge(limits.by_caller(without_caller))
        .merge(auth::key_routes())
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .split_for_parts();
    let routes = api
        .merge(openapi::routes(document)?)
        .merge(docs::routes())
        .merge(problems::routes(error::catalogue()));
    Ok(with_middleware(routes.with_state(state)))
}

/// What every answer goes through, those of no route included. The first is outermost: it sees
/// the request first and the answer last.
pub fn with_middleware(router: Router) -> Router {
    // What is smaller is not worth the time.
    let compressible = SizeAbove::new(1025)
        .and(NotForContentType::IMAGES)
        .and(may_be_encoded);
    let middleware = ServiceBuilder::new()
        .layer(from_fn(request_id::identify))
        .layer(headers::security())
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(ProblemLayer::new())
        // Tags are for the handlers to give: that of a product is its version, a list has none.
        .layer(PreconditionsLayer::new().with_max_content(0))
        .layer(from_fn(body_limit::limit_body));
    router.layer(middleware)
}

/// A strong tag names bytes, and compressed bytes are others. What has one is sent as it is, and
/// so the tag that a client reads is the one that its change needs.
fn may_be_encoded(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !has_strong_etag(headers)
}
