//! What a problem says: its status, its members and what stays inside.

use std::collections::{BTreeMap, HashMap};

use buttress_problem::{ErrorKind, Problem, ProblemType, UriReference, Violation};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{self, CONTENT_TYPE},
};
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Value, json};

use crate::support::{Log, SECRET};

fn document(problem: &Problem) -> Value {
    serde_json::from_slice(&problem.to_json()).unwrap()
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

const RESERVED: [&str; 7] = [
    "type", "title", "status", "detail", "instance", "code", "errors",
];

#[test]
fn the_status_member_is_the_status_of_the_response() {
    const KIND: ProblemType = ProblemType::new(StatusCode::GONE, "SOLD");
    let mut changed = Problem::new(StatusCode::CONFLICT);
    changed.set_status(StatusCode::GONE);
    let read = Problem::from_json(StatusCode::GONE, br#"{"status": "403"}"#).unwrap();
    let (head, body) = Response::builder()
        .status(410)
        .header(CONTENT_TYPE, "application/problem+json")
        .body(br#"{"status": 403}"#)
        .unwrap()
        .into_parts();
    for problem in [
        Problem::new(StatusCode::GONE),
        Problem::from(StatusCode::GONE),
        Problem::of(KIND),
        Problem::builder(410).build().unwrap(),
        changed,
        read,
        Problem::from_response(&head, body).unwrap(),
    ] {
        let json = document(&problem);
        let response: Response<Bytes> = problem.into();
        assert_eq!(response.status(), 410);
        assert_eq!(json["status"], 410);
    }
    let response: Response<Bytes> = Problem::validation([]).into();
    assert_eq!(response.status(), 422);
}

#[test]
fn a_builder_refuses_a_status_that_is_no_error() {
    for code in [0, 99, 100, 200, 304, 399, 600, 999, 1000, u16::MAX] {
        let error = Problem::builder(code).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidStatus, "{code}");
    }
    for code in [400, 418, 499, 599] {
        assert_eq!(Problem::builder(code).build().unwrap().status(), code);
    }
}

#[test]
fn a_status_that_the_member_cannot_hold_is_left_out() {
    let problem = Problem::new(status(600));
    assert_eq!(document(&problem).get("status"), None);
    let response: Response<Bytes> = problem.into();
    assert_eq!(response.status(), 600);
}

/// Every member at most once, whatever is tried; a parser alone would hide a second one.
#[test]
fn reserved_members_win_and_stand_once() {
    for name in RESERVED {
        let problem = Problem::new(StatusCode::FORBIDDEN)
            .with_detail("no")
            .with_instance(UriReference::from_static("/a"))
            .with_violation(Violation::parameter("limit", "too large"));
        let before = problem.to_json();
        let log = Log::capture();
        let mut problem = problem.with_extension(name, 200);
        problem.set_extension(name, 200);
        assert_eq!(problem.to_json(), before);
        assert_eq!(log.count("left out"), 2);
        assert!(log.text().contains(name));

        let error = problem.clone().try_with_extension(name, 200).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReservedMember);
        let error = Problem::builder(403).extension(name, 200).build();
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ReservedMember);

        let text = String::from_utf8(before.to_vec()).unwrap();
        // The entry of `errors` has a `detail` of its own.
        let expected = if name == "detail" { 2 } else { 1 };
        assert_eq!(text.matches(&format!("\"{name}\":")).count(), expected);
    }
}

#[test]
fn an_extension_that_is_set_twice_stands_once() {
    let problem = Problem::new(StatusCode::FORBIDDEN)
        .with_extension("balance", 30)
        .with_extension("currency", "EUR")
        .with_extension("balance", 31);
    let text = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert!(text.ends_with(r#""code":"FORBIDDEN","balance":31,"currency":"EUR"}"#));
}

#[test]
fn extension_names_are_those_of_the_rfc() {
    for good in ["a", "abc", "requestId", "a1_b", "A", "violated-policies"] {
        let problem = Problem::builder(400).extension(good, 1).build().unwrap();
        assert_eq!(problem.extension::<u8>(good), Some(1));
    }
    for bad in ["", "é", "1a", "_a", "-a", "a b", "a.b", "a:b", "a\"", "\0"] {
        let error = Problem::builder(400).extension(bad, 1).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMemberName, "{bad:?}");
        let log = Log::capture();
        let problem = Problem::new(StatusCode::BAD_REQUEST).with_extension(bad, 1);
        assert_eq!(problem.extensions().count(), 0);
        assert_eq!(log.count("left out"), 1);
    }
}

struct Unserialisable;

impl Serialize for Unserialisable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(SECRET))
    }
}

#[test]
fn values_beyond_json_do_not_cost_the_answer() {
    let log = Log::capture();
    let problem = Problem::new(StatusCode::BAD_REQUEST)
        .with_extension("large", u64::MAX)
        .with_extension("larger", u128::MAX)
        .with_extension("nan", f64::NAN)
        .with_extension("infinite", [f32::INFINITY])
        .with_extension("numbered", HashMap::from([(1, 2)]))
        .with_extension("listed", BTreeMap::from([(vec![1], 2)]))
        .with_extension("failing", Unserialisable)
        .with_extension("last", true);
    assert_eq!(log.count("left out"), 2);
    let text = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert!(text.contains("\"large\":18446744073709551615,"));
    assert!(text.contains("\"larger\":340282366920938463463374607431768211455,"));
    assert!(!text.contains(SECRET));
    let json = document(&problem);
    assert_eq!(json["nan"], Value::Null);
    assert_eq!(json["infinite"], json!([null]));
    assert_eq!(json["numbered"], json!({"1": 2}));
    assert_eq!(json["last"], true);
    assert_eq!(json.get("listed"), None);
    assert_eq!(json.get("failing"), None);

    let error = problem.try_with_extension("failing", Unserialisable);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Serialize);
}

#[test]
fn what_cannot_be_read_does_not_cost_an_embedding_document_the_rest() {
    let body = br#"{"status": 400, "huge": 1e999, "half": "\ud800", "fine": [1]}"#;
    let problem = Problem::from_json(StatusCode::BAD_REQUEST, body).unwrap();
    // On its own it goes on as it came.
    let sent = String::from_utf8(problem.to_json().to_vec()).unwrap();
    assert!(sent.contains(r#""huge":1e999,"half":"\ud800","fine":[1]"#));
    let embedded = serde_json::to_value(json!({ "cause": problem })).unwrap();
    let expected = json!({"cause": {"type": "about:blank", "status": 400, "fine": [1]}});
    assert_eq!(embedded, expected);
}

#[test]
fn a_problem_without_a_code_has_none_of_anybody() {
    for body in [&br#"{"code": "A"}"#[..], br#"{"code": 7}"#, b"{}"] {
        let problem = Problem::from_json(StatusCode::BAD_REQUEST, body).unwrap();
        assert_eq!(document(&problem.without_code()).get("code"), None);
    }
    let problem = Problem::from_json(StatusCode::BAD_REQUEST, br#"{"code": 7}"#).unwrap();
    let json = document(&problem.with_code("SEVEN"));
    assert_eq!(json["code"], "SEVEN");
}

/// What a gateway got from further in is for its log.
#[test]
fn the_problem_of_an_upstream_stays_inside() {
    let (head, body) = Response::builder()
        .status(500)
        .header(CONTENT_TYPE, "application/problem+json")
        .header("set-cookie", "session=upstream")
        .body(format!(
            r#"{{"type": "/inner", "detail": "{SECRET}", "instance": "/admin/7", "node": "db-3"}}"#
        ))
        .unwrap()
        .into_parts();
    let upstream = Problem::from_response(&head, body.as_bytes()).unwrap();
    assert_eq!(upstream.detail(), Some(SECRET));
    let log = Log::capture();
    let response: Response<Bytes> = Problem::new(StatusCode::BAD_GATEWAY)
        .with_extension("upstreamType", upstream.type_uri())
        .with_source(upstream)
        .into();
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers().len(), 1);
    let json: Value = serde_json::from_slice(response.body()).unwrap();
    let expected = json!({
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "code": "BAD_GATEWAY",
        "upstreamType": "/inner",
    });
    assert_eq!(json, expected);
    drop(response);
    assert_eq!(log.count(SECRET), 1);
}

#[test]
fn both_ways_to_write_a_document_write_the_same() {
    let problem =
        Problem::validation([Violation::parameter("limit", "must be \u{1f}").with_code("VALUE")])
            .with_title("a\u{1f}b\"c\\d\u{7f}")
            .with_detail("\u{0}\n\u{1e}\u{2028}")
            .with_instance(UriReference::from_static("/a?b#c"))
            .with_extension("left", 3);
    let json = problem.to_json();
    assert_eq!(serde_json::to_vec(&problem).unwrap(), json);
    for text in ["\u{1f}", "\u{0}", "\"", "\\"] {
        let problem = Problem::new(StatusCode::CONFLICT).with_detail(text);
        assert_eq!(document(&problem)["detail"], text);
    }
}

#[test]
fn headers_about_the_message_are_its_own() {
    let text = |value: &'static str| HeaderValue::from_static(value);
    let problem = Problem::new(StatusCode::CONFLICT)
        .with_header(CONTENT_TYPE, text("text/html"))
        .with_header(header::CONTENT_LENGTH, text("7"))
        .with_header(header::TRANSFER_ENCODING, text("chunked"))
        .with_header(header::RETRY_AFTER, text("7"));
    let response: Response<Bytes> = problem.into();
    let headers: Vec<_> = response.headers().iter().collect();
    let expected = [
        (&header::RETRY_AFTER, &text("7")),
        (&CONTENT_TYPE, &text("application/problem+json")),
    ];
    assert_eq!(headers, expected);
}

#[test]
fn what_was_set_can_be_taken_away() {
    let mut problem = Problem::new(StatusCode::CONFLICT)
        .with_detail("too late")
        .with_extension("left", 3);
    problem.clear_detail();
    assert!(problem.remove_extension("left"));
    assert!(!problem.remove_extension("left"));
    let expected = json!({
        "type": "about:blank", "title": "Conflict", "status": 409, "code": "CONFLICT",
    });
    assert_eq!(document(&problem), expected);
}

#[test]
fn a_problem_displays_what_it_says_in_public_and_nothing_twice() {
    let plain = Problem::new(StatusCode::CONFLICT).with_source("secret");
    assert_eq!(plain.to_string(), "409 Conflict");
    let full = plain.with_title("Sold out").with_detail("there are 3 left");
    assert_eq!(full.to_string(), "409 Conflict: Sold out: there are 3 left");
}

#[test]
fn errors_of_our_own_replace_those_of_somebody_else() {
    let theirs = Problem::from_json(StatusCode::CONFLICT, br#"{"errors": {"a": 1}}"#).unwrap();
    let ours = theirs.with_violation(Violation::parameter("limit", "is too large"));
    let text = String::from_utf8(ours.to_json().to_vec()).unwrap();
    assert_eq!(text.matches("\"errors\"").count(), 1, "{text}");
}
