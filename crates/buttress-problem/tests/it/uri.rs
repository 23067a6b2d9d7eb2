//! URI references: what `type` and `instance` hold.

use buttress_problem::{ErrorKind, Problem, UriReference};
use http::StatusCode;

/// References of every kind that `http::Uri` refuses, shortens or keeps.
const GOOD: &[&str] = &[
    "",
    "about:blank",
    "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    "urn:problem-type:out-of-credit",
    "tag:errors@example.com,2026:out-of-credit",
    "mailto:a@b.example",
    "/types/1",
    "types/1",
    "../x",
    "./a:b",
    "?q=1",
    "#frag",
    "//host/path",
    "https://iana.org/assignments/http-problem-types#date",
    "https://errors.example.com/a?b=c#d?e/f",
    "https://user@host:8080/%7Ea/%C3%A9",
    "https://host:/",
    "http:",
    "file:///etc",
];

const BAD: &[&str] = &[
    "http://[",
    "http://[::1",
    "http://[g::1]/",
    "http://a:b/",
    "http://a@b@c/",
    "a b",
    " a",
    "a\n",
    "a\0",
    "a\u{7f}",
    "%",
    "%4",
    "%zz",
    "a#b#c",
    "1:2",
    ":a",
    "a<b>",
    "a\"b",
    "a\\b",
    "a^b",
    "a{b}",
    "a|b",
    "a`b",
];

#[test]
fn every_reference_survives_the_way_there_and_back() {
    for &text in GOOD
        .iter()
        .chain(&["http://[2001:db8::7]:80/a", "http://[v1.x]/"])
    {
        let reference = UriReference::parse(text).unwrap();
        assert_eq!(reference.as_str(), text);
        let sent = Problem::new(StatusCode::GONE)
            .with_type(reference.clone())
            .with_instance(reference.clone())
            .to_json();
        let read = Problem::from_json(StatusCode::GONE, &sent).unwrap();
        assert_eq!(*read.type_uri(), reference);
        assert_eq!(read.instance(), Some(&reference));
        assert_eq!(read.to_json(), sent);
    }
}

#[test]
fn what_is_no_reference_is_refused_when_it_is_built() {
    for &text in BAD {
        for error in [
            UriReference::parse(text).unwrap_err(),
            text.parse::<UriReference>().unwrap_err(),
            UriReference::try_from(text.to_owned()).unwrap_err(),
            Problem::builder(400).type_uri(text).build().unwrap_err(),
            Problem::builder(400).instance(text).build().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidUri, "{text:?}");
        }
    }
}

/// In a `const` the panic is a compile error.
#[test]
fn the_check_at_compile_time_agrees() {
    for &text in GOOD {
        assert_eq!(UriReference::from_static(text).as_str(), text);
    }
    for &text in BAD {
        let caught = std::panic::catch_unwind(|| UriReference::from_static(text));
        assert!(caught.is_err(), "{text:?}");
    }
}

#[test]
fn an_iri_becomes_the_uri_that_it_stands_for() {
    for (iri, uri) in [
        ("/käse", "/k%C3%A4se"),
        (
            "https://e.example/a?ü=1#ß",
            "https://e.example/a?%C3%BC=1#%C3%9F",
        ),
        ("/🧀/%20", "/%F0%9F%A7%80/%20"),
    ] {
        assert_eq!(UriReference::parse(iri).unwrap().as_str(), uri);
    }
}

#[test]
fn a_relative_type_is_resolved_before_it_is_compared() {
    let base = "https://api.example/v1/orders/7?x=1";
    for (reference, resolved) in [
        ("/types/1", "https://api.example/types/1"),
        ("../x", "https://api.example/v1/x"),
        ("#frag", "https://api.example/v1/orders/7?x=1#frag"),
        ("//other.example/a", "https://other.example/a"),
        ("urn:a:b", "urn:a:b"),
        ("about:blank", "about:blank"),
    ] {
        let reference = UriReference::from_static(reference);
        assert_eq!(reference.resolve(base).unwrap().as_str(), resolved);
    }
    for base in ["/v1", "", "https://a.example/#b", "http://["] {
        let error = UriReference::ABOUT_BLANK.resolve(base).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUri, "{base:?}");
    }
}

#[test]
fn an_error_does_not_repeat_a_long_text() {
    let error = UriReference::parse(format!("{} ", "é".repeat(100_000))).unwrap_err();
    assert!(error.to_string().len() < 1000, "{error}");
}
