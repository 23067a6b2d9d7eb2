//! JSON Merge Patch (RFC 7396).

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
};
use buttress_problem::{Problem, axum::Json};
use serde::de::DeserializeOwned;

/// A body that is a merge patch, under its own media type or as plain JSON. Other patches are JSON
/// too, `application/json-patch+json` for one, and mean something else.
#[derive(Debug)]
pub(super) struct MergePatch<T>(pub(super) T);

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const MEDIA_TYPES: [&str; 2] = ["application/merge-patch+json", "application/json"];

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .map_or(&[][..], HeaderValue::as_bytes);
        let essence = media_type
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        let is = |known: &str| essence.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
        if !MEDIA_TYPES.into_iter().any(is) {
            let accepted =
                HeaderValue::from_static("application/merge-patch+json, application/json");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .with_detail("a patch is application/merge-patch+json or application/json")
                .with_header(ACCEPT_PATCH, accepted));
        }
        let Json(patch) = Json::from_request(request, state).await?;
        Ok(Self(patch))
    }
}
