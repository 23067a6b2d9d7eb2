//! Every header that this crate spells, reads or drops.

#[cfg(feature = "layer")]
use http::StatusCode;
use http::{HeaderMap, HeaderValue, header};

/// `application/problem+json` (RFC 9457, section 6.1).
pub(crate) const PROBLEM_JSON_TYPE: &str = "application/problem+json";
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static(PROBLEM_JSON_TYPE);

/// `application/problem+xml` (RFC 9457, section 6.2).
#[cfg(feature = "xml")]
pub(crate) const PROBLEM_XML: HeaderValue = HeaderValue::from_static("application/problem+xml");

/// `application/json` (RFC 8259, section 11).
#[cfg(feature = "axum")]
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What describes a body (RFC 9110, section 8; RFC 9530).
const OF_THE_BODY: [header::HeaderName; 14] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::HeaderName::from_static("content-digest"),
    header::HeaderName::from_static("content-md5"),
    header::HeaderName::from_static("digest"),
    header::HeaderName::from_static("repr-digest"),
];

/// Drops what was true of the replaced body only. What speaks of the resource stays: in a 416
/// `Content-Range`, and in a 412 the validators, which tell its client what is there now.
#[cfg(feature = "layer")]
pub(crate) fn remove_representation(headers: &mut HeaderMap, status: StatusCode) {
    for name in OF_THE_BODY {
        let is_validator = name == header::ETAG || name == header::LAST_MODIFIED;
        if !(is_validator && status == StatusCode::PRECONDITION_FAILED) {
            headers.remove(name);
        }
    }
}

/// What is between two neighbours (RFC 9110, section 7.6.1). `Upgrade` stays: a 426 must have it.
const OF_THE_CONNECTION: [header::HeaderName; 3] = [
    header::CONNECTION,
    header::HeaderName::from_static("keep-alive"),
    header::HeaderName::from_static("proxy-connection"),
];

/// Drops what was true of the one message that a problem came in, so that the problem can be sent
/// on. The language of its texts stays.
pub(crate) fn remove_message(headers: &mut HeaderMap) {
    // The cookies of another server are not for the clients of this one.
    headers.remove(header::SET_COOKIE);
    for name in OF_THE_BODY.into_iter().chain(OF_THE_CONNECTION) {
        if name != header::CONTENT_LANGUAGE {
            headers.remove(name);
        }
    }
}

/// Drops what the response sets itself.
pub(crate) fn remove_framing(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
}

/// Says that the answer depends on `Accept`, unless `Vary` says so already (RFC 9110,
/// section 12.5.5).
pub(crate) fn vary_by_accept(headers: &mut HeaderMap) {
    let says_so = headers
        .get_all(header::VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|field| field == b"*" || field.eq_ignore_ascii_case(b"accept"));
    if !says_so {
        headers.append(header::VARY, HeaderValue::from_static("accept"));
    }
}

pub(crate) fn is_problem_json(content_type: &HeaderValue) -> bool {
    media_type(content_type).eq_ignore_ascii_case(PROBLEM_JSON_TYPE.as_bytes())
}

/// Says whether the body is sent as JSON: `application/json`, or any type of that tree with the
/// suffix of RFC 6839.
#[cfg(feature = "axum")]
pub(crate) fn says_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let name = media_type(value).to_ascii_lowercase();
        name.strip_prefix(b"application/")
            .is_some_and(|subtype| subtype == b"json" || subtype.ends_with(b"+json"))
    })
}

/// The header in which a 415 names what the resource takes: for POST that of the W3C's Linked
/// Data Platform, for PATCH that of RFC 5789, else that of RFC 9110, section 12.5.1.
#[cfg(feature = "axum")]
pub(crate) fn accept_in_response_to(method: &http::Method) -> header::HeaderName {
    match *method {
        http::Method::POST => header::HeaderName::from_static("accept-post"),
        http::Method::PATCH => header::HeaderName::from_static("accept-patch"),
        _ => header::ACCEPT,
    }
}

/// The media type without its parameters.
pub(crate) fn media_type(content_type: &HeaderValue) -> &[u8] {
    let bytes = content_type.as_bytes();
    let end = bytes.iter().position(|byte| *byte == b';');
    bytes[..end.unwrap_or(bytes.len())].trim_ascii()
}

/// Where a request's id is by default.
#[cfg(feature = "layer")]
pub(crate) const X_REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");

/// W3C Trace Context, section 3.2.
#[cfg(feature = "layer")]
pub(crate) const TRACE_PARENT: header::HeaderName = header::HeaderName::from_static("traceparent");

/// The extension members that the ids go into.
#[cfg(feature = "layer")]
pub(crate) const REQUEST_ID_MEMBER: &str = "requestId";
#[cfg(feature = "layer")]
pub(crate) const TRACE_ID_MEMBER: &str = "traceId";

/// An id that may be repeated in answers and logs: what a client sends is not trusted to be one.
#[cfg(feature = "layer")]
pub(crate) fn request_id(value: &HeaderValue) -> Option<&str> {
    let id = value.to_str().ok()?;
    let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=128).contains(&id.len())).then_some(id)
}

/// The trace id of a `traceparent` of version 00, or of a later one that begins alike
/// (W3C Trace Context, sections 3.2.2 and 3.2.4).
#[cfg(feature = "layer")]
pub(crate) fn trace_id(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let mut fields = text.splitn(5, '-');
    let is_hex = |field: &str, len: usize| {
        field.len() == len
            && field
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |field: &str, len: usize| is_hex(field, len) && field.bytes().any(|b| b != b'0');
    let version = fields.next().filter(|field| is_hex(field, 2))?;
    let trace_id = fields.next().filter(|field| is_id(field, 32))?;
    fields.next().filter(|field| is_id(field, 16))?;
    fields.next().filter(|field| is_hex(field, 2))?;
    let more = fields.next().is_some();
    (version != "ff" && !(version == "00" && more)).then_some(trace_id)
}

/// What the layer needs to know of a `Content-Type`.
#[cfg(feature = "layer")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    None,
    Text,
    /// Bytes that nobody gave a type, as frameworks send them.
    Untyped,
    Grpc,
    Other,
}

#[cfg(feature = "layer")]
impl MediaType {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
            return Self::None;
        };
        let media_type = media_type(content_type);
        let grpc = b"application/grpc";
        if media_type.eq_ignore_ascii_case(b"text/plain") {
            Self::Text
        } else if media_type.eq_ignore_ascii_case(b"application/octet-stream") {
            Self::Untyped
        } else if media_type.len() >= grpc.len()
            && media_type[..grpc.len()].eq_ignore_ascii_case(grpc)
        {
            Self::Grpc
        } else {
            Self::Other
        }
    }
}

#[cfg(all(test, feature = "layer"))]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn trace_ids_come_from_valid_headers_only() {
        let id = |text: String| {
            let value = HeaderValue::from_str(&text).unwrap();
            trace_id(&value).map(str::to_owned)
        };
        let span = "00f067aa0ba902b7";
        for good in [
            format!("00-{TRACE}-{span}-01"),
            format!("cc-{TRACE}-{span}-01-what-comes-later"),
        ] {
            assert_eq!(id(good).as_deref(), Some(TRACE));
        }
        let zero = "0".repeat(32);
        let upper = TRACE.to_uppercase();
        for bad in [
            String::new(),
            format!("00-{TRACE}-{span}"),
            format!("00-{TRACE}-{span}-01-more"),
            format!("ff-{TRACE}-{span}-01"),
            format!("00-{zero}-{span}-01"),
            format!("00-{upper}-{span}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-{span}-1"),
            format!("0-{TRACE}-{span}-01"),
        ] {
            assert_eq!(id(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn request_ids_are_short_and_visible() {
        let id = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            request_id(&value).map(str::to_owned)
        };
        assert_eq!(id(b"01JD9Q5V7Z"), Some("01JD9Q5V7Z".to_owned()));
        assert!(id(&[b'a'; 128]).is_some());
        for bad in [&b""[..], b"a b", b"\xff", &[b'a'; 129]] {
            assert_eq!(id(bad), None);
        }
    }
}
