//! The kinds of problem that the extractors answer with.

use http::StatusCode;

use super::{Json, Path, Query};
use crate::{
    Answers, Catalogue, ProblemType, problem::VALIDATION_ERROR, violations::MALFORMED_JSON,
};

pub(super) const INVALID_PATH: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "INVALID_PATH")
        .with_description("A parameter of the path has the wrong form. `errors` names it.");

pub(super) const INVALID_QUERY: ProblemType = ProblemType::new(
    StatusCode::BAD_REQUEST,
    "INVALID_QUERY",
)
.with_description(
    "A parameter of the query is unknown or missing, or it has the wrong form. `errors` names it.",
);

const CONTENT_TOO_LARGE: ProblemType =
    ProblemType::new(StatusCode::PAYLOAD_TOO_LARGE, "CONTENT_TOO_LARGE")
        .with_description("The body is larger than the server takes.");

const UNSUPPORTED_MEDIA_TYPE: ProblemType =
    ProblemType::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
        .with_description("The body has another media type than the operation takes.");

impl<T> Answers for Json<T> {
    fn problems() -> Catalogue {
        Catalogue::from_iter([
            MALFORMED_JSON,
            CONTENT_TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
            VALIDATION_ERROR,
        ])
    }
}

impl<T> Answers for Path<T> {
    fn problems() -> Catalogue {
        Catalogue::from_iter([INVALID_PATH])
    }
}

impl<T> Answers for Query<T> {
    fn problems() -> Catalogue {
        Catalogue::from_iter([INVALID_QUERY])
    }
}
