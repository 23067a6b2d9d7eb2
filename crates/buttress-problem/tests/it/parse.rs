//! Reading the problems of others.

use buttress_problem::{ErrorKind, Problem};
use bytes::Bytes;
use http::{
    HeaderMap, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
    response::Parts,
};
use serde_json::{Value, json};

fn read(body: &[u8]) -> Problem {
    Problem::from_json(StatusCode::IM_A_TEAPOT, body).unwrap()
}

fn refused(body: &[u8]) -> ErrorKind {
    let error = Problem::from_json(StatusCode::IM_A_TEAPOT, body).unwrap_err();
    error.kind()
}

fn head(status: u16, headers: &[(&'static str, &str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(HeaderName::from_static(name), *value);
    }
    response.body(()).unwrap().into_parts().0
}

#[test]
fn members_of_the_wrong_type_count_as_absent() {
    let wrong = [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!(["about:blank"]),
        json!({}),
        json!({"a": 1}),
    ];
    for name in ["type", "title", "detail", "instance"] {
        for value in &wrong {
            let body = json!({name: value, "balance": 30}).to_string();
            let problem = read(body.as_bytes());
            assert_eq!(problem.type_uri().as_str(), "about:blank");
            assert_eq!(problem.title(), "Client Error");
            assert_eq!(problem.detail(), None);
            assert_eq!(problem.instance(), None);
            assert_eq!(problem.extension::<u8>("balance"), Some(30));
            // It is not sent on as an extension either.
            let sent: Value = serde_json::from_slice(&problem.to_json()).unwrap();
            assert_eq!(
                sent,
                json!({"type": "about:blank", "status": 418, "balance": 30})
            );
        }
    }
}

#[test]
fn a_status_that_is_none_is_ignored() {
    for value in [
        "null",
        "true",
        "[]",
        "{}",
        "\"403\"",
        "403.0",
        "4.03e2",
        "1e3",
        "-403",
        "-0",
        "0",
        "99",
        "600",
        "1000",
        "65939",
        "1e999",
        "403000000000000000000000",
    ] {
        let problem = read(format!(r#"{{"status": {value}}}"#).as_bytes());
        assert_eq!(problem.status(), 418, "{value}");
    }
    for value in [100, 403, 599] {
        let problem = read(format!(r#"{{"status": {value}}}"#).as_bytes());
        assert_eq!(problem.status(), value);
    }
}

#[test]
fn references_that_are_none_are_ignored() {
    for bad in ["http://[", "a b", "%zz", "\\u0000", "1:2"] {
        let body = format!(r#"{{"type": "{bad}", "instance": "{bad}"}}"#);
        let problem = read(body.as_bytes());
        assert_eq!(problem.type_uri().as_str(), "about:blank", "{bad}");
        assert_eq!(problem.instance(), None);
    }
}

#[test]
fn of_a_member_that_is_there_twice_the_last_readable_one_counts() {
    let problem = read(
        br#"{"title": "a", "status": 400, "x": 1, "title": "b", "status": 409, "x": 2,
             "title": 7, "status": "410"}"#,
    );
    assert_eq!(problem.title(), "b");
    assert_eq!(problem.status(), 409);
    assert_eq!(problem.extension::<u8>("x"), Some(2));
    let sent = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert_eq!(
        sent,
        r#"{"type":"about:blank","title":"b","status":409,"x":2}"#
    );
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_before_it_is_read() {
    let large = format!(r#"{{"detail": "{}"}}"#, "x".repeat(10 << 20));
    assert_eq!(refused(large.as_bytes()), ErrorKind::TooLarge);
    let fits = format!(r#"{{"a":"{}"}}"#, "x".repeat(Problem::MAX_SIZE - 8));
    assert_eq!(fits.len(), Problem::MAX_SIZE);
    assert_eq!(read(fits.as_bytes()).extensions().count(), 1);
    assert_eq!(refused(format!("{fits} ").as_bytes()), ErrorKind::TooLarge);

    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"a": {open}{close}}}"#)
    };
    assert_eq!(refused(nested(10_000).as_bytes()), ErrorKind::TooDeep);
    assert_eq!(
        refused(nested(Problem::MAX_DEPTH + 1).as_bytes()),
        ErrorKind::TooDeep
    );
    let problem = read(nested(Problem::MAX_DEPTH).as_bytes());
    assert!(problem.extension::<Value>("a").is_some());
    assert_eq!(refused("[".repeat(10_000).as_bytes()), ErrorKind::TooDeep);
}

#[test]
fn what_is_no_object_in_utf_8_is_refused() {
    let utf_16: Vec<u8> = "\u{feff}{}"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    for body in [
        &b""[..],
        b"null",
        b"[]",
        b"\"x\"",
        b"5",
        b"{",
        b"{}{}",
        b"{\"a\": 1,}",
        b"{a: 1}",
        b"{\"a\": NaN}",
        b"{\"a\": \"\xff\"}",
        b"not json",
        &utf_16,
    ] {
        assert_eq!(refused(body), ErrorKind::Malformed, "{body:?}");
    }
    assert_eq!(
        read("\u{feff} {\"title\": \"x\"}\r\n".as_bytes()).title(),
        "x"
    );
}

#[test]
fn extensions_of_any_name_and_form_are_kept_as_they_are() {
    let body = br##"{"type":"about:blank","status":400,"":1,"x-y":{"z":1,"a":[2.50,1E2]},"code":["own"],"a":12345678901234567890123,"errors":[{"pointer":"#/a","detail":"x"}]}"##;
    let problem = read(body);
    assert_eq!(&problem.to_json()[..], body);
    assert_eq!(problem.extension::<u8>(""), Some(1));
    assert_eq!(problem.extension::<String>("a"), None);
    assert!(problem.violations().is_empty());
    let names: Vec<_> = problem.extensions().map(|(name, _)| name).collect();
    assert_eq!(names, ["", "x-y", "code", "a", "errors"]);

    let escaped = read(b"{\"\\u0000\\\"\xc3\xa9\": 1}");
    assert_eq!(escaped.extension::<u8>("\0\"é"), Some(1));
    assert_eq!(read(&escaped.to_json()).extension::<u8>("\0\"é"), Some(1));
}

#[test]
fn what_was_written_here_is_read_back() {
    let sent = Problem::validation([buttress_problem::Violation::header("etag", "weak")])
        .with_title("käse \"\\\u{1}")
        .with_extension("balance", 30);
    let read = read(&sent.to_json());
    assert_eq!(read.to_json(), sent.to_json());
    assert_eq!(read.violations(), sent.violations());
    assert_eq!(read.code(), sent.code());
}

#[test]
fn a_response_is_read_by_its_content_type() {
    for good in [
        "application/problem+json",
        "application/problem+json; charset=utf-8",
        "Application/Problem+JSON ;x=y",
    ] {
        let problem = Problem::from_response(&head(403, &[("content-type", good)]), b"{}");
        assert_eq!(problem.unwrap().status(), 403);
    }
    for bad in [
        "application/json",
        "application/problem+xml",
        "application/problem+jsonx",
        "text/html",
    ] {
        let error = Problem::from_response(&head(403, &[("content-type", bad)]), b"{}");
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotAProblem, "{bad}");
    }
    let error = Problem::from_response(&head(403, &[]), b"{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAProblem);
}

#[test]
fn the_status_line_comes_before_the_member() {
    let head = head(503, &[("content-type", "application/problem+json")]);
    let problem = Problem::from_response(&head, br#"{"status": 404}"#).unwrap();
    assert_eq!(problem.status(), 503);
}

#[test]
fn a_problem_that_is_sent_on_leaves_the_message_behind_that_it_came_in() {
    let head = head(
        429,
        &[
            ("content-type", "application/problem+json"),
            ("content-length", "9000"),
            ("content-encoding", "gzip"),
            ("transfer-encoding", "chunked"),
            ("trailer", "x-sum"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("etag", "\"1\""),
            ("content-digest", "sha-256=:AA==:"),
            ("retry-after", "30"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("content-language", "pt"),
        ],
    );
    let problem = Problem::from_response(&head, br#"{"title": "Calma"}"#).unwrap();
    let response: Response<Bytes> = problem.into();
    let expected: HeaderMap = [
        ("content-type", "application/problem+json"),
        ("retry-after", "30"),
        ("content-language", "pt"),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
    .into_iter()
    .collect();
    assert_eq!(*response.headers(), expected);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
}

#[test]
fn of_an_extension_that_is_there_twice_the_last_one_counts() {
    let problem = read(
        br#"{"a": 1, "code": "OLD", "b": 2, "errors": {}, "a": 3, "code": 5,
            "errors": [{"pointer": "/x", "detail": "d"}], "b": null}"#,
    );
    assert_eq!(
        String::from_utf8(problem.to_json().to_vec()).unwrap(),
        concat!(
            r#"{"type":"about:blank","status":418,"a":3,"code":5,"b":null,"#,
            r#""errors":[{"pointer":"/x","detail":"d"}]}"#
        )
    );
    assert_eq!(problem.code(), None);
    let problem = read(
        br#"{"code": 5, "errors": [{"pointer": "/x", "detail": "d"}], "errors": 7, "code": "NEW"}"#,
    );
    assert_eq!(problem.code(), Some("NEW"));
    assert!(problem.violations().is_empty());
    assert_eq!(problem.extension("errors"), Some(7));
    assert_eq!(problem.extension::<u8>("code"), None);
}
