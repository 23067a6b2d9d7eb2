//! `If-Match` on its own.

use buttress_preconditions::{Condition, Current, ETag, IfMatch, Rejection, RejectionKind};
use http::{HeaderMap, HeaderValue, header};

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn read(value: &str) -> IfMatch {
    IfMatch::from_headers(&headers(&[value])).unwrap()
}

#[test]
fn it_is_required_or_optional() {
    let none = headers(&[]);
    assert_eq!(IfMatch::from_headers(&none), Err(Rejection::required()));
    assert_eq!(IfMatch::find(&none), Ok(None));
    for value in ["7", "\"7", "\"7\", *"] {
        let rejection = IfMatch::from_headers(&headers(&[value])).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::Malformed);
        assert_eq!(rejection.condition(), Some(Condition::IfMatch));
        assert_eq!(IfMatch::find(&headers(&[value])), Err(rejection));
    }
}

#[test]
fn it_matches_strongly() {
    let (seven, eight) = (ETag::from_version(7), ETag::from_version(8));
    assert!(read("\"6\", \"7\"").matches(&seven));
    assert!(!read("\"6\", \"7\"").matches(&eight));
    assert!(!read("W/\"7\"").matches(&seven));
    assert!(!read("\"7\"").matches(&seven.clone().into_weak()));
    assert!(!read("").matches(&seven));
    assert!(read("*").matches(&seven));
    assert!(read("*").matches(Current::untagged()));
    assert!(!read("\"7\"").matches(Current::untagged()));
    assert!(!read("*").matches(None));
    assert!(!read("\"7\"").matches(Current::missing()));
    assert_eq!(read("\"7\"").check(Some(&seven)), Ok(()));
    assert_eq!(
        read("\"7\"").check(&eight),
        Err(Rejection::failed(eight.clone()))
    );
    assert_eq!(read("*").check(None), Err(Rejection::failed(None)));
}

#[test]
fn versions_are_those_of_strong_tags_each_once() {
    assert_eq!(read("\"7\"").versions(), Some(vec![7]));
    assert_eq!(
        read("\"9\", \"7\", \"9\", \"-1\"").versions(),
        Some(vec![-1, 7, 9])
    );
    assert_eq!(
        read("\"7;gzip\", \"7--v2\", \"7\"").versions(),
        Some(vec![7])
    );
    assert_eq!(read("W/\"7\", \"seven\", \"07\"").versions(), Some(vec![]));
    assert_eq!(read("").versions(), Some(vec![]));
    assert_eq!(read("*").versions(), None);
}

#[test]
fn a_list_is_bounded() {
    let list = |count: usize| vec!["\"7\""; count].join(",");
    assert!(IfMatch::from_headers(&headers(&[&list(100)])).is_ok());
    let rejection = IfMatch::from_headers(&headers(&[&list(100), &list(1)])).unwrap_err();
    assert_eq!(rejection.kind(), RejectionKind::Malformed);
    assert_eq!(
        rejection.to_string(),
        "`If-Match` must have at most 100 entity tags"
    );
}

/// A condition that cannot be evaluated must not be ignored.
#[test]
fn other_conditions_are_not_passed_over() {
    let with = |name: header::HeaderName, value: &'static str, if_match: &[&str]| {
        let mut headers = headers(if_match);
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (name, value) in [
        (header::IF_NONE_MATCH, "*"),
        (header::IF_NONE_MATCH, "\"7\""),
        (header::IF_UNMODIFIED_SINCE, DATE),
    ] {
        let instead = with(name, value, &[]);
        assert_eq!(IfMatch::find(&instead), Err(Rejection::required()));
        assert_eq!(IfMatch::from_headers(&instead), Err(Rejection::required()));
    }
    for (value, kind) in [
        ("*", RejectionKind::Failed),
        ("\"7\"", RejectionKind::Malformed),
        ("7", RejectionKind::Malformed),
    ] {
        let beside = with(header::IF_NONE_MATCH, value, &["\"7\""]);
        let rejection = IfMatch::find(&beside).unwrap_err();
        assert_eq!(rejection.kind(), kind, "{value}");
        assert_eq!(rejection.condition(), Some(Condition::IfNoneMatch));
    }
    let both = with(header::IF_NONE_MATCH, "*", &["\"7\""]);
    let rejection = IfMatch::find(&both).unwrap_err();
    assert!(rejection.to_string().contains("cannot both be true"));
    // RFC 9110, section 13.1.4.
    assert!(IfMatch::find(&with(header::IF_UNMODIFIED_SINCE, DATE, &["\"7\""])).is_ok());
    // It is only for reading.
    assert_eq!(
        IfMatch::find(&with(header::IF_MODIFIED_SINCE, DATE, &[])),
        Ok(None)
    );
}
