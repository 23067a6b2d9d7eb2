//! The header fields that are more than the names of conditions.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
        IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, TRAILER, TRANSFER_ENCODING, VARY,
    },
};

use crate::ETag;

/// Whether [`evaluate`](crate::evaluate()) looks at it.
fn is_precondition(name: &HeaderName) -> bool {
    matches!(
        *name,
        IF_MATCH | IF_UNMODIFIED_SINCE | IF_NONE_MATCH | IF_MODIFIED_SINCE | IF_RANGE | RANGE
    )
}

/// What describes a content that a 304 does not have. Those of RFC 9110, section 15.4.5 stay:
/// `Content-Location`, `Date`, `ETag`, `Vary`, `Cache-Control` and `Expires`.
static CONTENT: [HeaderName; 11] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    TRAILER,
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Whether a response carries a strong entity tag, and so must not be sent in another encoding
/// under the same tag (RFC 9110, section 8.8.1).
///
/// It is what to ask before compressing, where [`PreconditionsLayer`](crate::PreconditionsLayer) is
/// not outside of the compression:
///
/// ```
/// use buttress_preconditions::has_strong_etag;
/// use tower_http::compression::{CompressionLayer, predicate::{DefaultPredicate, Predicate}};
///
/// let unless_strong = |_, _, headers: &http::HeaderMap, _: &http::Extensions| !has_strong_etag(headers);
/// let layer = CompressionLayer::new().compress_when(DefaultPredicate::new().and(unless_strong));
/// ```
#[must_use]
pub fn has_strong_etag(headers: &HeaderMap) -> bool {
    ETag::from_headers(headers).is_some_and(|tag| !tag.is_weak())
}

/// The preconditions alone. Without any, nothing is allocated.
pub(crate) fn preconditions(headers: &HeaderMap) -> HeaderMap {
    let mut found = HeaderMap::new();
    // One look at every name costs less than six searches, each of which hashes a name.
    for (name, value) in headers {
        if is_precondition(name) {
            found.append(name.clone(), value.clone());
        }
    }
    found
}

/// Whether a request names entity tags, or may do so.
pub(crate) fn has_tags(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| matches!(*name, IF_MATCH | IF_NONE_MATCH))
}

/// Makes the header fields of a 200 those of a 304.
pub(crate) fn without_content(headers: &mut HeaderMap) {
    // A response has few of them, and to search for each that it may have would cost more.
    while let Some(name) = headers.keys().find(|name| CONTENT.contains(name)).cloned() {
        headers.remove(name);
    }
    // It would only repeat, less exactly, what the tag says.
    if headers.contains_key(ETAG) {
        headers.remove(LAST_MODIFIED);
    }
}

/// Whether nobody will keep the response, so that a tag is of no use.
pub(crate) fn is_not_stored(headers: &HeaderMap) -> bool {
    has_member(headers, &CACHE_CONTROL, |member| {
        member.eq_ignore_ascii_case(b"no-store")
    })
}

/// Adds to `Vary` what is missing there.
pub(crate) fn vary_by(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        let there = has_member(headers, &VARY, |member| {
            member == b"*" || member.eq_ignore_ascii_case(name.as_str().as_bytes())
        });
        if !there {
            headers.append(VARY, HeaderValue::from(name.clone()));
        }
    }
}

fn has_member(headers: &HeaderMap, name: &HeaderName, is: impl Fn(&[u8]) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|member| is(member.trim_ascii()))
}
