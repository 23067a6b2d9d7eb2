//! `/openapi.json`: the API as a document, made from the handlers.

use axum::{Router, body::Bytes, http::StatusCode, http::header::CONTENT_TYPE, routing::get};
use buttress_problem::{Answers, Catalogue, Problem, ProblemType};
use utoipa::{
    OpenApi,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, Schema},
    },
};

use super::{access::SCHEME, limits};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shop API",
        description = "A small shop. Every error is a problem document (RFC 9457) whose `code` is \
            stable. Under `/v1`, a query parameter that an operation does not know is an error too.\n\n\
            Nobody undoes what they have not seen: a product has an `ETag`, and a change of it needs \
            that tag in `If-Match`. Without it the answer is 428, with an old one 412. What else is \
            wrong with a request is answered first. A read may carry any condition of RFC \
            9110; if it is false, the answer is 304 or 412.\n\n\
            Everybody may read the catalogue. `POST /v1/auth/login` gives an access token, which goes \
            into `Authorization: Bearer` and is good for 15 minutes, and a refresh token for the next \
            pair. A token that is not good is a 401 wherever tokens are looked at, on what is public \
            too; where they are not, at login and refresh for one, it does no harm.\n\n\
            What is under `/v1` is limited: each caller, the subject of the access token or else the \
            address that a request comes from, may ask for so much in a time. `RateLimit-Policy` and \
            `RateLimit` (draft-ietf-httpapi-ratelimit-headers) say how things stand, and \
            `X-RateLimit-*` for clients that know only these. Beyond it the answer is 429, with \
            `Retry-After`. Registering, logging in and refreshing have a smaller limit of their own, for \
            each address.\n\n\
            There are no cursors yet: a list is one page.",
    ),
    modifiers(&SCHEME),
    tags(
        (name = "products", description = "The catalogue."),
        (name = "auth", description = "Signing in, and what follows from it."),
        (name = "users", description = "Those who can sign in."),
        (name = "operations", description = "For those who run the server."),
    ),
    components(schemas(Problem)),
)]
struct Document;

/// The document without its paths.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    components.headers.extend(limits::headers());
    document
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

const CLOSED: [&str; 5] = [
    "CreateProduct",
    "PatchProduct",
    "Register",
    "Login",
    "PresentToken",
];

/// A body with a member that is not known is refused, which utoipa only says of types that serde
/// closes itself.
fn close_inputs(document: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &mut document.components else {
        return;
    };
    for name in CLOSED {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// What every handler can answer: it may panic.
pub(super) struct Anything;

impl Answers for Anything {
    fn problems() -> Catalogue {
        Catalogue::from_iter([ProblemType::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_SERVER_ERROR",
        )
        .with_description("The server is at fault. Its log has the reason, under `requestId`.")])
    }
}
