//! The headers that every answer has.

use axum::http::{HeaderName, HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;

/// For answers that are data: a browser that is made to show one as a page runs nothing of it.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// For pages: what this server has, and nothing from anywhere else. The icon is in the page.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Header = SetResponseHeaderLayer<HeaderValue>;

/// What is set unless a handler has set it.
pub(super) fn security() -> (Header, Header, Header, Header) {
    let header = |name: HeaderName, value| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    (
        header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        header(header::REFERRER_POLICY, "no-referrer"),
        header(header::X_FRAME_OPTIONS, "DENY"),
        header(header::CONTENT_SECURITY_POLICY, API_POLICY),
    )
}

/// The policy of an HTML page.
pub(super) fn page_policy() -> (HeaderName, HeaderValue) {
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    )
}
