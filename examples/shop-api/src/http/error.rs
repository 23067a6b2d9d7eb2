//! What goes wrong, and the problem that each of it becomes.
//!
//! A type's URI is its name for clients, for ever. Ours are also addresses: put your own host in
//! the place of `shop.example.com`, and the pages under `/problems/` are where they point. An
//! error without a type of its own is of the kind that its status says, and its code is the same
//! as that of the extractors.

use std::{error::Error, time::Duration};

use buttress_preconditions::Rejection;
use buttress_problem::{
    Answers, Catalogue, Problem, Violation,
    axum::{Json, Path, Query},
};
use uuid::Uuid;

use super::{
    auth::error::{
        EmailTaken, InvalidCredentials, InvalidIdempotencyKey, RefreshRefused, SessionNotFound,
    },
    limits::RateLimited,
    openapi::Anything,
};
use crate::{
    auth::PasswordError,
    store::{self, StoreError},
};

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
    UserNotFound(#[from] UserNotFound),
    #[error(transparent)]
    #[problem(transparent)]
    EmailTaken(#[from] EmailTaken),
    #[error(transparent)]
    #[problem(transparent)]
    InvalidCredentials(#[from] InvalidCredentials),
    #[error(transparent)]
    #[problem(transparent)]
    RefreshRefused(#[from] RefreshRefused),
    #[error(transparent)]
    #[problem(transparent)]
    SessionNotFound(#[from] SessionNotFound),
    #[error(transparent)]
    #[problem(transparent)]
    Precondition(#[from] Rejection),
    #[error(transparent)]
    #[problem(transparent)]
    RateLimited(#[from] RateLimited),
    #[error(transparent)]
    #[problem(transparent)]
    Database(#[from] DatabaseError),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.into())
    }
}

impl From<buttress_jwt::Error> for ApiError {
    fn from(error: buttress_jwt::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
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

/// There is no user with this id that the caller may see.
#[derive(Debug, thiserror::Error, Problem)]
#[error("there is no user with the id {user_id}")]
#[problem(
    base = "https://shop.example.com/problems/",
    status = NOT_FOUND,
    type = "user-not-found",
    title = "User not found"
)]
pub(super) struct UserNotFound {
    #[problem(extension)]
    pub(super) user_id: Uuid,
}

/// What the answer needs did not do what it was asked to.
#[derive(Debug, thiserror::Error, Problem)]
pub(super) enum DatabaseError {
    /// The server is busy, or its database is gone. The same request may succeed later.
    #[error(transparent)]
    #[problem(status = SERVICE_UNAVAILABLE, header(RETRY_AFTER = "1"))]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The server is at fault. Its log has the reason, under `requestId`.
    #[error(transparent)]
    #[problem(status = INTERNAL_SERVER_ERROR)]
    Failed(Box<dyn Error + Send + Sync>),
}

impl From<StoreError> for DatabaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<PasswordError> for DatabaseError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Unavailable(error.into()),
            PasswordError::Failed(_) => Self::Failed(error.into()),
        }
    }
}

impl From<buttress_jwt::Error> for DatabaseError {
    fn from(error: buttress_jwt::Error) -> Self {
        match passes(&error) {
            true => Self::Unavailable(error.into()),
            false => Self::Failed(error.into()),
        }
    }
}

/// Whether a database that may come back, or that has not answered in time, is what caused it.
fn passes(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<tokio::time::error::Elapsed>()
            || error.downcast_ref().is_some_and(store::passes)
        {
            return true;
        }
        cause = error.source();
    }
    false
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
    type Extractors = (Json<()>, Path<()>, Query<()>, InvalidIdempotencyKey);
    type Access = buttress_jwt::Rejection;
    <(ApiError, NotReady, Extractors, Access, Anything)>::problems()
}
