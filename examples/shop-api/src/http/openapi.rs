//! `/openapi.json`: the API as a document, made from the handlers.

use std::{collections::BTreeMap, marker::PhantomData};

use axum::{Router, body::Bytes, http::StatusCode, http::header::CONTENT_TYPE, routing::get};
use buttress_problem::{Catalogue, Problem, ProblemType, ToProblem};
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{RefOr, Response, schema::AdditionalProperties, schema::Schema},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shop API",
        description = "A small shop. Every error is a problem document (RFC 9457) whose `code` is \
            stable. Under `/v1`, a query parameter that an operation does not know is an error too.\n\n\
            There are no cursors, no preconditions and no authentication yet: a list is one page, \
            the last writer wins, and products can be changed only while the server runs with \
            `--insecure-admin`.",
    ),
    tags(
        (name = "products", description = "The catalogue."),
        (name = "operations", description = "For those who run the server."),
    ),
    components(schemas(Problem)),
)]
struct Document;

/// The document without its paths.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Serves the document.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(
    mut document: utoipa::openapi::OpenApi,
) -> Result<Router<S>, serde_json::Error> {
    close_inputs(&mut document);
    let document = Bytes::from(document.to_json()?);
    let answer = || async { ([(CONTENT_TYPE, "application/json")], document) };
    Ok(Router::new().route("/openapi.json", get(answer)))
}

/// A body with a member that is not known is refused, which utoipa only says of types that serde
/// closes itself.
fn close_inputs(document: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &mut document.components else {
        return;
    };
    for name in ["CreateProduct", "PatchProduct"] {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Something that answers with problems, and which ones.
pub(super) trait Answers {
    fn kinds() -> Catalogue;
}

impl<E: ToProblem> Answers for E {
    fn kinds() -> Catalogue {
        E::catalogue()
    }
}

/// What the extractors answer to a path whose parameters they cannot read.
pub(super) struct PathExtractor;

impl Answers for PathExtractor {
    fn kinds() -> Catalogue {
        Catalogue::from_iter([ProblemType::new(StatusCode::BAD_REQUEST, "INVALID_PATH")
            .with_description("A parameter of the path has the wrong form.")])
    }
}

/// What the extractors and the limit answer to a body.
pub(super) struct BodyExtractor;

impl Answers for BodyExtractor {
    fn kinds() -> Catalogue {
        Catalogue::from_iter([
            ProblemType::new(StatusCode::BAD_REQUEST, "MALFORMED_JSON")
                .with_description("The body is not JSON in UTF-8."),
            ProblemType::new(StatusCode::PAYLOAD_TOO_LARGE, "CONTENT_TOO_LARGE")
                .with_description("The body has more than 1 MiB."),
            ProblemType::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
                .with_description("The body has another media type than the operation takes."),
        ])
    }
}

/// What every handler can answer: it may panic.
pub(super) struct Anything;

impl Answers for Anything {
    fn kinds() -> Catalogue {
        Catalogue::from_iter([ProblemType::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_SERVER_ERROR",
        )
        .with_description("The server is at fault. Its log has the reason, under `requestId`.")])
    }
}

/// The problems of an operation, those of each of a tuple. Named one by one, utoipa would keep
/// the last of those that share a status.
pub(super) struct Problems<T>(PhantomData<T>);

macro_rules! problems_of {
    ($($part:ident)+) => {
        impl<$($part: Answers),+> IntoResponses for Problems<($($part,)+)> {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let mut kinds = Anything::kinds();
                $(kinds.extend($part::kinds());)+
                kinds.to_responses()
            }
        }
    };
}

problems_of!(A);
problems_of!(A B C);
problems_of!(A B C D);
problems_of!(A B C D E);
problems_of!(A B C D E F);
problems_of!(A B C D E F G);
