//! Every header that this crate spells, reads or drops.

use http::{HeaderMap, HeaderValue, header};

/// `application/problem+json` (RFC 9457, section 6.1).
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// `application/problem+xml` (RFC 9457, section 6.2).
#[cfg(feature = "xml")]
pub(crate) const PROBLEM_XML: HeaderValue = HeaderValue::from_static("application/problem+xml");

/// What described a body that is no longer sent (RFC 9110, section 8; RFC 9530).
#[cfg(feature = "layer")]
const OF_THE_BODY: [header::HeaderName; 12] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
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

/// Drops what was true of the replaced body only. `Content-Range` stays: in a 416 it speaks of
/// the resource.
#[cfg(feature = "layer")]
pub(crate) fn remove_representation(headers: &mut HeaderMap) {
    for name in OF_THE_BODY {
        headers.remove(name);
    }
}

/// Drops what is true of one message on the wire and not of the problem that it carries.
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
    media_type(content_type).eq_ignore_ascii_case(b"application/problem+json")
}

/// The media type without its parameters.
pub(crate) fn media_type(content_type: &HeaderValue) -> &[u8] {
    let bytes = content_type.as_bytes();
    let end = bytes.iter().position(|byte| *byte == b';');
    bytes[..end.unwrap_or(bytes.len())].trim_ascii()
}
