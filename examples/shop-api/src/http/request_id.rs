//! What ties an answer, its log lines and its trace together.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header::HeaderMap},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use super::trace_context::{TRACEPARENT, TraceContext};

/// The header's name.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a caller; it goes into every log line.
const MAX_LENGTH: usize = 128;

/// Gives the request an id and a place in a trace, which both are in its headers from here on,
/// the answer the same id, and every log line of the request both.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let id = incoming(request.headers()).unwrap_or_else(new_id);
    let trace = TraceContext::of(request.headers().get(TRACEPARENT));
    let span = tracing::info_span!(
        "request",
        requestId = id.to_str().unwrap_or_default(),
        traceId = trace.trace_id(),
        method = %request.method(),
        path = request.uri().path(),
        // Who it is turns out later, if at all.
        subject = tracing::field::Empty,
    );
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    if let Ok(trace) = HeaderValue::from_str(&trace.to_string()) {
        request.headers_mut().insert(TRACEPARENT, trace);
    }

    async move {
        let begin = Instant::now();
        let mut response = next.run(request).await;
        response.headers_mut().insert(X_REQUEST_ID, id);
        let millis = begin.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(
            status = response.status().as_u16(),
            latencyMs = millis,
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// The caller's id, if there is exactly one and it is 1 to 128 visible ASCII characters.
fn incoming(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let id = values.next()?;
    let length_is_good = (1..=MAX_LENGTH).contains(&id.len());
    let is_good = length_is_good && id.as_bytes().iter().all(u8::is_ascii_graphic);
    (is_good && values.next().is_none()).then(|| id.clone())
}

fn new_id() -> HeaderValue {
    let id = Uuid::now_v7().to_string();
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(values: &[&[u8]]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                X_REQUEST_ID,
                HeaderValue::from_bytes(value).expect("a header value"),
            );
        }
        incoming(&headers).is_some()
    }

    #[test]
    fn only_one_short_visible_id_is_kept() {
        assert!(kept(&[b"a"]));
        assert!(kept(&[b"0190-{\"x\"}~!"]));
        assert!(kept(&["x".repeat(128).as_bytes()]));
        assert!(!kept(&[]));
        assert!(!kept(&[b""]));
        assert!(!kept(&[b"a b"]));
        assert!(!kept(&[b"a\tb"]));
        assert!(!kept(&["é".as_bytes()]));
        assert!(!kept(&["x".repeat(129).as_bytes()]));
        assert!(!kept(&[b"a", b"b"]));
    }
}
