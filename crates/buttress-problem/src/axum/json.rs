use std::ops::{Deref, DerefMut};

use axum_core::{
    extract::{FromRequest, OptionalFromRequest, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Method, StatusCode, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Problem, headers, read_json};

/// A JSON body: as an extractor it refuses with problems, as a response it is sent as
/// `application/json`.
///
/// - **415** unless the `Content-Type` is `application/json` or `application/…+json`, with the
///   accepted type in `Accept-Post`, `Accept-Patch` or, for other methods, `Accept`
///   (RFC 9110, section 15.5.16). Parameters are ignored, `charset` too: JSON is UTF-8.
/// - **413** for a body over the limit of `DefaultBodyLimit` (2 MiB where none is set) or of
///   `http_body_util::Limited`; **400** for a body that breaks off.
/// - **400** and **422** as [`read_json`] says.
///
/// `Option<Json<T>>` is `None` for a request without a `Content-Type`, as axum's own is.
///
/// As a response, a value that cannot be serialised is a 500 whose cause is logged.
///
/// ```
/// use buttress_problem::axum::Json;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Greeting {
///     text: String,
/// }
///
/// async fn echo(Json(greeting): Json<Greeting>) -> Json<Greeting> {
///     Json(greeting)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    /// Reads a body that was extracted as bytes.
    ///
    /// # Errors
    ///
    /// The problems of [`read_json`].
    pub fn from_bytes(body: &[u8]) -> Result<Self, Problem> {
        read_json(body).map(Self)
    }
}

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !headers::says_json(request.headers()) {
            return Err(unsupported_media_type(request.method()));
        }
        Self::from_bytes(&body(request, state).await?)
    }
}

impl<S, T> OptionalFromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| not_buffered(&rejection))
}

/// Neither answer says more than its status: why a body broke off is the connection's business.
fn not_buffered(rejection: &BytesRejection) -> Problem {
    let problem = Problem::new(rejection.status());
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => problem.with_detail("the body is too large"),
        _ => problem.with_detail("the body could not be read to its end"),
    }
}

fn unsupported_media_type(method: &Method) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .with_detail("the content type has to be application/json")
        .with_header(headers::accept_in_response_to(method), headers::JSON)
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(json) => ([(CONTENT_TYPE, headers::JSON)], json).into_response(),
            Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
                .with_source(error)
                .into_response(),
        }
    }
}

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
