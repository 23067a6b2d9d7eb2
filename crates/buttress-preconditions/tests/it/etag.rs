//! Entity tags.

use buttress_preconditions::{ETag, ErrorKind, has_strong_etag};
use http::{HeaderMap, HeaderValue, header};

#[test]
fn the_same_version_is_the_same_tag_everywhere_and_for_ever() {
    // Clients keep these texts: a change here would fail their next change.
    assert_eq!(ETag::from_version(7).to_string(), "\"7\"");
    assert_eq!(ETag::from_version(0).to_string(), "\"0\"");
    assert_eq!(
        ETag::from_version(i64::MIN).to_string(),
        "\"-9223372036854775808\""
    );
    assert_eq!(
        ETag::from_bytes("").to_string(),
        "\"e3b0c44298fc1c149afbf4c8996fb924\""
    );
    assert_eq!(
        ETag::from_bytes(b"abc").to_string(),
        "\"ba7816bf8f01cfea414140de5dae2223\""
    );
}

#[test]
fn different_contents_have_different_tags() {
    let tags = ["", "a", "b", "aa", "A"].map(ETag::from_bytes);
    for (position, tag) in tags.iter().enumerate() {
        assert!(!tag.is_weak());
        assert!(tags[..position].iter().all(|other| !other.weak_eq(tag)));
    }
}

#[test]
fn what_is_no_tag_says_what_one_is() {
    for text in [
        "",
        "7",
        "'7'",
        "\"7",
        "7\"",
        "\"a b\"",
        "\"a\"b\"",
        "w/\"7\"",
        "W/7",
        "*",
        "\"a\", \"b\"",
    ] {
        let error = text.parse::<ETag>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTag, "{text}");
        assert!(error.to_string().contains("double quotes"), "{error}");
    }
    assert_eq!(
        "\"7\n\"".parse::<ETag>().unwrap_err().kind(),
        ErrorKind::InvalidTag
    );
    for opaque in ["a b", "\"", "\u{7f}", "\n", "\0"] {
        let error = ETag::new(opaque).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOpaque, "{opaque:?}");
    }
    for name in ["", "-", "-a", "a-", "a--b", "a;b", "a b", "é", "\"", "a,b"] {
        let error = ETag::from_version(7).with_variant(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidVariant, "{name:?}");
        assert!(error.to_string().contains("letters, digits"), "{error}");
    }
}

#[test]
fn variants_are_other_tags_of_the_same_version() {
    let tag = ETag::from_version(7);
    for name in ["v2", "de-CH", "zh-Hant-TW", "text/csv", "a_b.c+d"] {
        let variant = tag.with_variant(name).unwrap();
        assert_eq!(variant.to_string(), format!("\"7--{name}\""));
        assert!(!variant.weak_eq(&tag));
        assert_eq!(variant.version(), Some(7));
    }
}

#[test]
fn only_one_well_formed_tag_is_the_tag_of_a_response() {
    let mut headers = HeaderMap::new();
    assert_eq!(ETag::from_headers(&headers), None);
    headers.insert(header::ETAG, HeaderValue::from_static("W/\"7\""));
    assert_eq!(
        ETag::from_headers(&headers),
        Some(ETag::from_version(7).into_weak())
    );
    assert!(!has_strong_etag(&headers));
    headers.insert(header::ETAG, HeaderValue::from_static("\"7\""));
    assert!(has_strong_etag(&headers));
    headers.append(header::ETAG, HeaderValue::from_static("\"7\""));
    assert_eq!(ETag::from_headers(&headers), None);
    headers.insert(header::ETAG, HeaderValue::from_static("7"));
    assert_eq!(ETag::from_headers(&headers), None);
    assert!(!has_strong_etag(&headers));
}

#[test]
fn a_tag_is_a_header_value_both_ways() {
    let value = HeaderValue::from(ETag::from_version(7));
    assert_eq!(value, "\"7\"");
    assert_eq!(ETag::try_from(&value).unwrap(), ETag::from_version(7));
}

fn version(opaque: &str) -> Option<i64> {
    ETag::new(opaque).unwrap().version()
}

#[test]
fn only_what_a_version_is_written_as_is_a_version() {
    for number in [0, 1, -1, 7, i64::MAX, i64::MIN] {
        assert_eq!(ETag::from_version(number).version(), Some(number));
        let variant = ETag::from_version(number).with_variant("v2").unwrap();
        assert_eq!(variant.version(), Some(number), "{variant}");
        assert_eq!(
            variant.with_variant("gzip").unwrap().version(),
            Some(number)
        );
        assert_eq!(variant.into_weak().version(), None);
    }
    for other in [
        "",
        "-",
        "--",
        "--7",
        "---7",
        "+7",
        "07",
        "-0",
        "7-",
        "7-gzip",
        "seven",
        "7.0",
        "9223372036854775808",
        "\u{663}",
        "--gzip",
    ] {
        assert_eq!(version(other), None, "{other:?}");
    }
    assert_eq!(version("7--"), Some(7));
    assert_eq!(version("-7;gzip;br"), Some(-7));
    assert_eq!(version("7--v2;gzip"), Some(7));
}

#[test]
fn a_weak_tag_is_no_weaker_when_weakened_again() {
    let weak = ETag::from_version(7).into_weak();
    assert_eq!(weak.clone().into_weak(), weak);
    assert_eq!((weak.is_weak(), weak.opaque()), (true, b"7" as &[u8]));
    assert_eq!(weak.with_variant("v2").unwrap().to_string(), "W/\"7--v2\"");
}

#[test]
fn display_escapes_what_is_no_ascii() {
    let tag = ETag::new(b"\x80a\xff").unwrap();
    assert_eq!(tag.to_string(), r#""\x80a\xff""#);
    assert_eq!(format!("{:?}", tag.into_weak()), r#"ETag(W/"\x80a\xff")"#);
}

#[test]
fn spaces_around_a_tag_are_no_part_of_it() {
    let value = HeaderValue::from_static(" W/\"7\"\t");
    assert_eq!(
        ETag::parse(&value).unwrap(),
        ETag::from_version(7).into_weak()
    );
}
