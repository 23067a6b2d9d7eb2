//! The extractors, behind a real router.

mod answers;
mod json;
mod json_echo;
mod json_shape;
mod parameters;
mod socket;
#[cfg(all(feature = "garde", feature = "validator"))]
mod validated;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// An answer, read as JSON.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Answer {
    /// Asserts that this is a problem with that status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        self
    }

    /// The entries of `errors` as (place, detail, code).
    pub(crate) fn errors(&self) -> Vec<(&str, &str, &str)> {
        let entries = self.body["errors"].as_array();
        entries
            .into_iter()
            .flatten()
            .map(|entry| {
                let place = entry.get("pointer").or(entry.get("parameter"));
                (
                    place.and_then(Value::as_str).unwrap(),
                    entry["detail"].as_str().unwrap(),
                    entry["code"].as_str().unwrap(),
                )
            })
            .collect()
    }
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

/// A POST of JSON to `/`.
pub(crate) fn post(body: impl Into<Body>) -> Request<Body> {
    Request::post("/")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

pub(crate) fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}
