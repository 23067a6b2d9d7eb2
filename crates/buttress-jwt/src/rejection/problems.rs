//! The kinds of problem that a refusal can be, and which of them the layers and extractors answer with.

use buttress_problem::{Answers, Catalogue, ProblemType};
use http::StatusCode;

use crate::{ApiKeyLayer, BearerLayer, RequireLayer};

pub(crate) const AUTHENTICATION_REQUIRED: ProblemType =
    ProblemType::new(StatusCode::UNAUTHORIZED, "AUTHENTICATION_REQUIRED").with_description(
        "The request has no credentials: send `Authorization: Bearer` with an access token, \
         or an API key where one is taken.",
    );

pub(crate) const INVALID_TOKEN: ProblemType =
    ProblemType::new(StatusCode::UNAUTHORIZED, "INVALID_TOKEN").with_description(
        "The access token or API key is malformed, expired, revoked or for another service: get a \
         new one.",
    );

pub(crate) const INVALID_REQUEST: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST").with_description(
        "The credentials cannot be read, or there are several: send one access token, as \
         `Authorization: Bearer`, one space, and the token.",
    );

pub(crate) const INSUFFICIENT_SCOPE: ProblemType =
    ProblemType::new(StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPE").with_description(
        "The access token lacks scopes: get one that has those in `missingScopes` too.",
    );

pub(crate) const FORBIDDEN: ProblemType = ProblemType::new(StatusCode::FORBIDDEN, "FORBIDDEN")
    .with_description("Who asks may not do this, whatever the scopes of the access token.");

pub(crate) const SERVICE_UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE").with_description(
        "Whether the request may pass cannot be found out at the moment: try again after the \
         seconds that `Retry-After` names.",
    );

pub(crate) const INTERNAL_SERVER_ERROR: ProblemType =
    ProblemType::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")
        .with_description("The service is put together in a way in which nobody could pass.");

/// What the layers that find out who it is answer with.
fn of_authentication() -> Catalogue {
    Catalogue::from_iter([
        INVALID_REQUEST,
        AUTHENTICATION_REQUIRED,
        INVALID_TOKEN,
        SERVICE_UNAVAILABLE,
    ])
}

/// What the layer answers with: 400, 401 and 503.
impl<C> Answers for BearerLayer<C> {
    fn problems() -> Catalogue {
        of_authentication()
    }
}

/// What the layer answers with: 400, 401 and 503.
impl Answers for ApiKeyLayer {
    fn problems() -> Catalogue {
        of_authentication()
    }
}

/// What the layer answers with, whatever it requires: 401, 403, 500 and 503.
impl Answers for RequireLayer {
    fn problems() -> Catalogue {
        Catalogue::from_iter([
            AUTHENTICATION_REQUIRED,
            INSUFFICIENT_SCOPE,
            FORBIDDEN,
            INTERNAL_SERVER_ERROR,
            SERVICE_UNAVAILABLE,
        ])
    }
}
