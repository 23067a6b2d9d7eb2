//! Strong tags and content codings (RFC 9110, section 8.8.3.3).
//!
//! Encoded bytes are other bytes, so the tag of what a handler answered with is not the tag of what
//! compression made of it. The encoded one is called after it: `"7"` in gzip is `"7;gzip"`. A client
//! that has it sends it with `If-Match`, and a handler that knows nothing of encodings is told what
//! it is an encoding of.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_ENCODING, ETAG, IF_MATCH, IF_NONE_MATCH},
};

use crate::{
    ETag,
    etag::CODING,
    tags::{self, Form, Tag},
};

/// The codings that IANA lists, but for `identity`.
const CODINGS: [&str; 10] = [
    "gzip",
    "br",
    "zstd",
    "deflate",
    "compress",
    "x-gzip",
    "x-compress",
    "dcb",
    "dcz",
    "exi",
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
        // A handler that encodes by itself may have named it already.
        Some(codings) if is_named(tag.tag(), &codings) => return,
        Some(codings) => codings
            .iter()
            .fold(tag, |tag, coding| tag.with_coding(coding)),
        // Under a name that is not known, it could not be led back to the handler's tag.
        None => tag.into_weak(),
    };
    headers.insert(ETAG, encoded.into());
}

/// The codings of a response, first to last, or `None` when there is one that is not known.
fn codings(headers: &HeaderMap) -> Option<Vec<&'static str>> {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
        .map(|coding| {
            let known = |known: &&str| coding.eq_ignore_ascii_case(known.as_bytes());
            CODINGS.into_iter().find(known)
        })
        .collect()
}

/// Whether the tag ends in the names of all codings. So it does where there are none.
fn is_named(tag: Tag<'_>, codings: &[&str]) -> bool {
    let mut names = codings.iter().rev();
    let rest = names.try_fold(tag.opaque, |rest, coding| {
        rest.strip_suffix(coding.as_bytes())?
            .strip_suffix(&[CODING])
    });
    rest.is_some()
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
        let mut encoded = tag.opaque;
        while let Some(base) = base(encoded) {
            let separator: &[u8] = if bases.is_empty() { b"" } else { b", " };
            let mark: &[u8] = if tag.weak { b"W/" } else { b"" };
            for part in [separator, mark, b"\"", base, b"\""] {
                bases.extend_from_slice(part);
            }
            encoded = base;
        }
    });
    if form != Form::List || bases.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&bases).ok()
}

/// What a coding was put upon.
fn base(opaque: &[u8]) -> Option<&[u8]> {
    let at = opaque.iter().rposition(|byte| *byte == CODING)?;
    let (base, name) = (&opaque[..at], &opaque[at + 1..]);
    CODINGS
        .iter()
        .any(|coding| coding.as_bytes() == name)
        .then_some(base)
}

#[cfg(test)]
mod tests {
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
    fn a_strong_tag_is_called_after_the_codings() {
        assert_eq!(renamed("\"7\"", &["gzip"]), "\"7;gzip\"");
        assert_eq!(renamed("\"7\"", &["X-GZIP"]), "\"7;x-gzip\"");
        assert_eq!(renamed("\"7\"", &["br, gzip"]), "\"7;br;gzip\"");
        assert_eq!(
            renamed("\"7\"", &["br", "identity", "gzip"]),
            "\"7;br;gzip\""
        );
        assert_eq!(renamed("\"7;gzip\"", &["br"]), "\"7;gzip;br\"");
        assert_eq!(renamed("\"7--br\"", &["br"]), "\"7--br;br\"");
    }

    #[test]
    fn what_needs_no_other_name_keeps_its_own() {
        assert_eq!(renamed("\"7\"", &[]), "\"7\"");
        assert_eq!(renamed("\"7\"", &["identity", ""]), "\"7\"");
        assert_eq!(renamed("W/\"7\"", &["gzip"]), "W/\"7\"");
        assert_eq!(renamed("7", &["gzip"]), "7");
        assert_eq!(renamed("\"7;gzip\"", &["gzip"]), "\"7;gzip\"");
        assert_eq!(renamed("\"7;br;gzip\"", &["br, gzip"]), "\"7;br;gzip\"");
    }

    #[test]
    fn under_an_unknown_coding_a_tag_is_weak() {
        assert_eq!(renamed("\"7\"", &["foo"]), "W/\"7\"");
        assert_eq!(renamed("\"7\"", &["gzip, foo"]), "W/\"7\"");
    }

    fn with_bases(value: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_str(value).expect("a value"));
        add_bases(&mut headers, &OF_CHANGES);
        let text = |value: &HeaderValue| value.to_str().expect("ASCII").to_owned();
        headers.get_all(IF_MATCH).iter().skip(1).map(text).collect()
    }

    #[test]
    fn the_tag_of_an_encoded_answer_leads_back_to_the_handlers_tag() {
        for coding in CODINGS {
            let tag = renamed("\"7\"", &[coding]);
            assert_eq!(tag, format!("\"7;{coding}\""));
            assert_eq!(with_bases(&tag), ["\"7\""], "{coding}");
        }
        assert_eq!(with_bases("\"7--v2;br;gzip\""), ["\"7--v2;br\", \"7--v2\""]);
        assert_eq!(
            with_bases("\"6\", \"7;br\", W/\"8;zstd\""),
            ["\"7\", W/\"8\""]
        );
    }

    #[test]
    fn other_tags_lead_nowhere() {
        for value in [
            "\"7\"",
            "*",
            "\"7--gzip\"",
            "\"7;gzip",
            "\"7;gzip\", x",
            "\"7;\"",
            "\"7;v2\"",
            "\"7;gzip--v2\"",
            "\"7;GZIP\"",
        ] {
            assert_eq!(with_bases(value), [""; 0], "{value}");
        }
    }
}
