//! Strong tags and content codings (RFC 9110, section 8.8.3.3).
//!
//! Encoded bytes are other bytes, so the tag of what a handler answered with is not the tag of what
//! compression made of it. The encoded one is called after it: `"7"` in gzip is `"7--gzip"`. A
//! client that has it sends it with `If-Match`, and a handler that knows nothing of encodings is
//! told what it is a variant of.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_ENCODING, ETAG, IF_MATCH, IF_NONE_MATCH},
};

use crate::{
    ETag,
    etag::VARIANT,
    tags::{self, Form, Tag},
};

/// What is between a variant's two codings, where one was put upon the other.
const AND: char = '+';

/// The codings that IANA lists, but for `identity`, and their names in variants, which have no `-`.
const CODINGS: [(&str, &str); 10] = [
    ("gzip", "gzip"),
    ("br", "br"),
    ("zstd", "zstd"),
    ("deflate", "deflate"),
    ("compress", "compress"),
    ("x-gzip", "x_gzip"),
    ("x-compress", "x_compress"),
    ("dcb", "dcb"),
    ("dcz", "dcz"),
    ("exi", "exi"),
];

/// Gives a response in a content coding a strong tag of its own.
pub(crate) fn rename_tag(headers: &mut HeaderMap) {
    if !headers.contains_key(CONTENT_ENCODING) {
        return;
    }
    let Some(tag) = ETag::from_headers(headers).filter(|tag| !tag.is_weak()) else {
        return;
    };
    let encoded = match codings(headers) {
        Codings::None => return,
        Codings::Known(name) if is_variant(tag.tag(), &name) => return,
        Codings::Known(name) => tag.with_variant(&name).unwrap_or_else(|_| tag.into_weak()),
        // Under a name that is not known, it could not be led back to the handler's tag.
        Codings::Unknown => tag.into_weak(),
    };
    headers.insert(ETAG, encoded.into());
}

enum Codings {
    None,
    Known(String),
    Unknown,
}

fn codings(headers: &HeaderMap) -> Codings {
    let mut name = String::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for coding in value.as_bytes().split(|byte| *byte == b',') {
            let coding = coding.trim_ascii();
            if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let known = CODINGS
                .iter()
                .find(|(token, _)| coding.eq_ignore_ascii_case(token.as_bytes()));
            let Some((_, variant)) = known else {
                return Codings::Unknown;
            };
            if !name.is_empty() {
                name.push(AND);
            }
            name.push_str(variant);
        }
    }
    if name.is_empty() {
        Codings::None
    } else {
        Codings::Known(name)
    }
}

fn is_variant(tag: Tag<'_>, name: &str) -> bool {
    tag.opaque
        .strip_suffix(name.as_bytes())
        .is_some_and(|base| base.ends_with(VARIANT.as_bytes()))
}

/// Adds to the conditions of a request, for every tag of an encoded representation, the tag that the
/// handler knows it by.
pub(crate) fn add_bases(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        if let Some(value) = bases(headers, name) {
            headers.append(name.clone(), value);
        }
    }
}

/// The conditions of a request with a method that changes something.
pub(crate) const OF_CHANGES: [HeaderName; 2] = [IF_MATCH, IF_NONE_MATCH];

fn bases(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut bases = Vec::new();
    let form = tags::read(headers, name, |tag| {
        if let Some(base) = base(tag) {
            let separator: &[u8] = if bases.is_empty() { b"" } else { b", " };
            let mark: &[u8] = if tag.weak { b"W/" } else { b"" };
            for part in [separator, mark, b"\"", base, b"\""] {
                bases.extend_from_slice(part);
            }
        }
    });
    if form != Form::List || bases.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&bases).ok()
}

fn base(tag: Tag<'_>) -> Option<&[u8]> {
    let separator = VARIANT.as_bytes();
    let at = tag
        .opaque
        .windows(separator.len())
        .rposition(|window| window == separator)?;
    let (base, variant) = (&tag.opaque[..at], &tag.opaque[at + separator.len()..]);
    let is_coding = |name: &[u8]| {
        CODINGS
            .iter()
            .any(|(_, variant)| variant.as_bytes() == name)
    };
    variant
        .split(|byte| *byte == AND as u8)
        .all(is_coding)
        .then_some(base)
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_ENCODING, IF_MATCH};

    use super::*;

    fn renamed(tag: &'static str, codings: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static(tag));
        for coding in codings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        rename_tag(&mut headers);
        headers[ETAG].to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn a_strong_tag_is_called_after_the_coding() {
        assert_eq!(renamed("\"7\"", &["gzip"]), "\"7--gzip\"");
        assert_eq!(renamed("\"7\"", &["X-GZIP"]), "\"7--x_gzip\"");
        assert_eq!(renamed("\"7\"", &["br, gzip"]), "\"7--br+gzip\"");
        assert_eq!(renamed("\"7\"", &["br", "gzip"]), "\"7--br+gzip\"");
        assert_eq!(renamed("\"7--gzip\"", &["gzip"]), "\"7--gzip\"");
        assert_eq!(renamed("\"7--gzip\"", &["br"]), "\"7--gzip--br\"");
    }

    #[test]
    fn what_needs_no_other_name_keeps_its_own() {
        assert_eq!(renamed("\"7\"", &[]), "\"7\"");
        assert_eq!(renamed("\"7\"", &["identity"]), "\"7\"");
        assert_eq!(renamed("W/\"7\"", &["gzip"]), "W/\"7\"");
        assert_eq!(renamed("7", &["gzip"]), "7");
    }

    #[test]
    fn under_an_unknown_coding_a_tag_is_weak() {
        assert_eq!(renamed("\"7\"", &["aes128gcm-ish"]), "W/\"7\"");
        assert_eq!(renamed("\"7\"", &["gzip, foo"]), "W/\"7\"");
    }

    fn with_bases(value: &'static str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_static(value));
        add_bases(&mut headers, &OF_CHANGES);
        let text = |value: &HeaderValue| value.to_str().expect("ASCII").to_owned();
        headers.get_all(IF_MATCH).iter().skip(1).map(text).collect()
    }

    #[test]
    fn the_tag_of_an_encoded_answer_leads_back_to_the_handlers_tag() {
        assert_eq!(with_bases("\"7--gzip\""), ["\"7\""]);
        assert_eq!(with_bases("\"7--v2--br+gzip\""), ["\"7--v2\""]);
        assert_eq!(
            with_bases("\"6\", \"7--br\", W/\"8--zstd\""),
            ["\"7\", W/\"8\""]
        );
    }

    #[test]
    fn other_tags_lead_nowhere() {
        for value in [
            "\"7\"",
            "*",
            "\"7--v2\"",
            "\"7--gzip",
            "\"7--gzip+\"",
            "\"7--\"",
            "\"7-gzip\"",
            "\"7--gzip--v2\"",
            "\"7--GZIP\"",
        ] {
            assert_eq!(with_bases(value), [""; 0], "{value}");
        }
    }
}
