//! What goes wrong, and the problem that each of it becomes.
//!
//! A type's URI is its name for clients, for ever. Ours are also addresses: put your own host in
//! the place of `shop.example.com`, and the pages under `/problems/` are where they point. An
//! error without a type of its own is of the kind that its status says, and its code is the same
//! as that of the extractors.

use std::time::Duration;

use buttress_preconditions::Rejection;
use buttress_problem::{
    Answers, Catalogue, Problem, Violation,
    axum::{Json, Path, Query},
};
use uuid::Uuid;

use super::openapi::Anything;
use crate::store::StoreError;

/// What a handler returns: any of the errors below.
#[derive(Debug, thiserror::Error, Problem)]
#[problem(axum)]
pub(super) enum ApiError {
    #[error(transparent)]
    #[problem(transparent)]
    InvalidQuery(#[from] InvalidQuery),
    #[error(transparent)]
    #[problem(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    #[problem(transparent)]
    ProductNotFound(#[from] ProductNotFound),
    #[error(transparent)]
    #[problem(transparent)]
    Precondition(#[from] Rejection),
    #[error(transparent)]
    #[problem(transparent)]
    Database(#[from] DatabaseError),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.into())
    }
}

/// A parameter of the query is unknown, has a value of the wrong form, or one that is out of its
/// range. `errors` names it.
#[derive(Debug, thiserror::Error, Problem)]
#[error("the query has parameters that cannot be understood")]
#[problem(status = BAD_REQUEST, code = "INVALID_QUERY")]
pub(super) struct InvalidQuery {
    #[problem(violations)]
    pub(super) violations: Vec<Violation>,
}

/// The request can be understood and breaks rules. `errors` names all of them at once.
#[derive(Debug, thiserror::Error, Problem)]
#[error("the request breaks the rules that `errors` names")]
#[problem(status = UNPROCESSABLE_ENTITY, code = "VALIDATION_ERROR")]
pub(super) struct Invalid {
    #[problem(violations)]
    pub(super) violations: Vec<Violation>,
}

/// Only an administrator may do this. Until there is authentication, that is everybody if the
/// server was started with `--insecure-admin`, and nobody else.
#[derive(Debug, thiserror::Error, Problem)]
#[error(
    "only an administrator may change products; nobody can sign in yet, so to try it, start the \
     server with --insecure-admin, which lets everybody"
)]
#[problem(
    base = "https://shop.example.com/problems/",
    status = UNAUTHORIZED,
    type = "authentication-required",
    title = "Authentication required",
    header(WWW_AUTHENTICATE = "Bearer"),
    axum
)]
pub(super) struct AdminRequired;

/// There is no product with this id, or there no longer is.
#[derive(Debug, thiserror::Error, Problem)]
#[error("there is no product with the id {product_id}")]
#[problem(
    base = "https://shop.example.com/problems/",
    status = NOT_FOUND,
    type = "product-not-found",
    title = "Product not found"
)]
pub(super) struct ProductNotFound {
    #[problem(extension)]
    pub(super) product_id: Uuid,
}

/// The database did not do what it was asked to.
#[derive(Debug, thiserror::Error, Problem)]
pub(super) enum DatabaseError {
    /// The database is busy or gone. The same request may succeed later.
    #[error(transparent)]
    #[problem(status = SERVICE_UNAVAILABLE, header(RETRY_AFTER = "1"))]
    Unavailable(StoreError),
    /// The server is at fault. Its log has the reason, under `requestId`.
    #[error(transparent)]
    #[problem(status = INTERNAL_SERVER_ERROR)]
    Failed(StoreError),
}

impl From<StoreError> for DatabaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error),
            _ => Self::Failed(error),
        }
    }
}

/// This instance cannot serve.
#[derive(Debug, thiserror::Error, Problem)]
#[problem(base = "https://shop.example.com/problems/", axum)]
pub(super) enum NotReady {
    /// What this instance depends on does not answer in time. Ask another one, or later.
    #[error("the database answers with an error")]
    #[problem(
        status = SERVICE_UNAVAILABLE,
        type = "not-ready",
        title = "Not ready",
        header(RETRY_AFTER = "1")
    )]
    Database(#[source] StoreError),
    /// What this instance depends on does not answer in time. Ask another one, or later.
    #[error("the database has not answered for {0:?}")]
    #[problem(
        status = SERVICE_UNAVAILABLE,
        type = "not-ready",
        title = "Not ready",
        header(RETRY_AFTER = "1")
    )]
    TimedOut(Duration),
}

/// Every kind of problem that there is a page about.
pub(super) fn catalogue() -> Catalogue {
    type Extractors = (Json<()>, Path<()>, Query<()>);
    <(ApiError, AdminRequired, NotReady, Extractors, Anything)>::problems()
}
