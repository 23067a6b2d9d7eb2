//! `/docs`: a reference that one can try out, in three files that the binary carries.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};

use super::headers::page_policy;

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = || async { asset("text/html; charset=utf-8", include_str!("index.html")) };
    let style = || async { asset("text/css; charset=utf-8", include_str!("docs.css")) };
    let script = || async { asset("text/javascript; charset=utf-8", include_str!("docs.js")) };
    Router::new()
        .route("/docs", get(page))
        .route("/docs/docs.css", get(style))
        .route("/docs/docs.js", get(script))
}

/// They change with the binary, and nothing in their names tells.
fn asset(content_type: &'static str, content: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")];
    ([page_policy()], headers, content).into_response()
}
