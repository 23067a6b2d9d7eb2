//! What a derived error says, and what it keeps to itself.

use std::error::Error as _;

use buttress_problem::{JsonPointer, Problem, ToProblem, Violation};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Log;

/// Stands in for a database driver, whose errors say more than a client may know.
mod sqlx {
    #[derive(Debug, thiserror::Error)]
    #[error("connecting to postgres://u:secret@10.0.0.5 was refused")]
    pub(super) struct Error;
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[problem(base = "https://errors.example.com/")]
enum OrderError {
    #[error("order {id} does not exist")]
    #[problem(status = NOT_FOUND, type = "order-not-found", title = "Order not found", code = "ORDER_NOT_FOUND")]
    NotFound {
        #[problem(extension)]
        id: Uuid,
    },
    #[error("database: {0}")]
    #[problem(status = INTERNAL_SERVER_ERROR)]
    // detail is never sent for 5xx unless marked public
    Db(#[from] sqlx::Error),
}

fn json_of(problem: &Problem) -> Value {
    serde_json::from_slice(&problem.to_json()).expect("a problem is JSON")
}

#[test]
fn a_4xx_says_all_that_the_variant_says() {
    let problem = Problem::from(OrderError::NotFound { id: Uuid::nil() });
    assert_eq!(
        json_of(&problem),
        json!({
            "type": "https://errors.example.com/order-not-found",
            "title": "Order not found",
            "status": 404,
            "detail": "order 00000000-0000-0000-0000-000000000000 does not exist",
            "code": "ORDER_NOT_FOUND",
            "id": "00000000-0000-0000-0000-000000000000",
        })
    );
    assert!(
        problem.source().is_none(),
        "a client's mistake has no cause of ours"
    );
}

#[test]
fn a_5xx_says_nothing_and_keeps_the_error_for_the_log() {
    fn load() -> Result<(), OrderError> {
        Err(sqlx::Error)?
    }
    let problem = Problem::from(load().unwrap_err());
    assert_eq!(
        json_of(&problem),
        json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "code": "INTERNAL_SERVER_ERROR",
        })
    );
    let source = problem.source().unwrap();
    assert!(source.is::<OrderError>());
    assert!(source.source().unwrap().is::<sqlx::Error>());
}

#[test]
fn by_reference_the_source_stays_with_the_caller() {
    let problem = OrderError::Db(sqlx::Error).to_problem();
    assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(problem.detail(), None);
    assert!(problem.source().is_none());
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("what is displayed")]
enum Details {
    #[problem(status = 400)]
    Shown,
    #[problem(status = 401, private)]
    Private,
    #[problem(status = 402, detail = "what is fixed")]
    Fixed,
    #[problem(status = 500)]
    Hidden,
    #[problem(status = 502, public)]
    Public,
    #[problem(status = 503, detail = "what is fixed")]
    FixedServer,
}

#[test]
fn what_is_sent_as_the_detail() {
    for (error, detail) in [
        (Details::Shown, Some("what is displayed")),
        (Details::Private, None),
        (Details::Fixed, Some("what is fixed")),
        (Details::Hidden, None),
        (Details::Public, Some("what is displayed")),
        (Details::FixedServer, Some("what is fixed")),
    ] {
        let borrowed = error.to_problem();
        assert_eq!(borrowed.detail(), detail, "{error:?}");
        assert_eq!(Problem::from(error).detail(), detail);
    }
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("…")]
enum Defaults {
    #[problem(status = 422)]
    StatusOnly,
    #[problem(status = 499)]
    Unregistered,
    #[problem(status = CONFLICT, type = "https://e.example/orders/out-of-stock")]
    SoldOut,
    #[problem(status = CONFLICT, type = "urn:example:HTTPGone")]
    HTTPGone,
    #[problem(
        status = 400,
        type = "/käse#too-old",
        title = "Too old!",
        code = "OLD_CHEESE"
    )]
    Cheese,
    #[problem(status = 403, type = "about:blank")]
    Blank,
}

#[test]
fn what_is_not_given_follows_from_what_is() {
    for (error, type_uri, title, code) in [
        (
            Defaults::StatusOnly,
            "about:blank",
            "Unprocessable Content",
            "UNPROCESSABLE_CONTENT",
        ),
        (
            Defaults::Unregistered,
            "about:blank",
            "Client Error",
            "CLIENT_ERROR",
        ),
        (
            Defaults::SoldOut,
            "https://e.example/orders/out-of-stock",
            "Sold out",
            "OUT_OF_STOCK",
        ),
        (
            Defaults::HTTPGone,
            "urn:example:HTTPGone",
            "HTTP gone",
            "HTTP_GONE",
        ),
        (
            Defaults::Cheese,
            "/k%C3%A4se#too-old",
            "Too old!",
            "OLD_CHEESE",
        ),
        (Defaults::Blank, "about:blank", "Forbidden", "FORBIDDEN"),
    ] {
        let problem = error.to_problem();
        assert_eq!(problem.type_uri().as_str(), type_uri);
        assert_eq!(problem.title(), title);
        assert_eq!(problem.code(), Some(code));
    }
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("…")]
#[problem(base = "http://[::1]:8080/errors/")]
enum Resolved {
    #[problem(status = 400, type = "a")]
    Sibling,
    #[problem(status = 400, type = "/b")]
    Root,
    #[problem(status = 400, type = "#c")]
    Fragment,
    #[problem(
        status = 400,
        type = "https://iana.org/assignments/http-problem-types#date"
    )]
    Absolute,
    #[problem(status = 400, type = "tag:example.com,2026:e")]
    Tag,
}

#[test]
fn types_are_resolved_against_the_base() {
    for (error, type_uri, code) in [
        (Resolved::Sibling, "http://[::1]:8080/errors/a", "A"),
        (Resolved::Root, "http://[::1]:8080/b", "B"),
        (Resolved::Fragment, "http://[::1]:8080/errors/#c", "C"),
        (
            Resolved::Absolute,
            "https://iana.org/assignments/http-problem-types#date",
            "DATE",
        ),
        (Resolved::Tag, "tag:example.com,2026:e", "E"),
    ] {
        assert_eq!(error.to_problem().type_uri().as_str(), type_uri);
        assert_eq!(error.to_problem().code(), Some(code));
    }
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("you may have {left} more")]
#[problem(status = TOO_MANY_REQUESTS, header("x-reason" = "quota", WWW_AUTHENTICATE = "Basic"))]
#[problem(header(WWW_AUTHENTICATE = "Bearer", AGE = 3))]
struct Limited {
    #[problem(extension, header = "Retry-After")]
    retry_after: u32,
    #[problem(extension = "remaining")]
    left: u8,
    #[problem(header = "x-hint")]
    hint: Option<String>,
    #[problem(extension)]
    none: Option<u8>,
    #[problem(extension)]
    r#await: Option<bool>,
    #[problem(header = "x-label")]
    label: String,
}

fn limited() -> Limited {
    Limited {
        retry_after: 30,
        left: 0,
        hint: None,
        none: None,
        r#await: Some(true),
        label: "gold".to_owned(),
    }
}

#[test]
fn fields_become_extensions_and_headers() {
    let response: http::Response<Vec<u8>> = Problem::from(limited()).into();
    let headers = response.headers();
    assert_eq!(headers["retry-after"], "30");
    assert_eq!(headers["x-reason"], "quota");
    assert_eq!(headers["x-label"], "gold");
    assert_eq!(headers["age"], "3");
    assert!(!headers.contains_key("x-hint"));
    let challenges: Vec<_> = headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Basic", "Bearer"]);
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap(),
        json!({
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "you may have 0 more",
            "code": "TOO_MANY_REQUESTS",
            "retryAfter": 30,
            "remaining": 0,
            "await": true,
        })
    );
}

#[test]
fn a_header_that_http_cannot_carry_is_left_out_alone() {
    let mut error = limited();
    error.label = "two\r\nlines: of <evil>".to_owned();
    let log = Log::capture();
    error.hint = Some("try later".to_owned());
    let problem = error.to_problem();
    assert!(!problem.headers().contains_key("x-label"));
    assert_eq!(problem.headers()["x-hint"], "try later");
    assert_eq!(problem.headers()["retry-after"], "30");
    assert_eq!(log.count("ERROR"), 1, "{}", log.text());
    assert!(log.text().contains("x-label"), "{}", log.text());
    assert!(!log.text().contains("evil"), "{}", log.text());
}

/// Serialises as nothing can: its key is a list.
#[derive(Debug, Default)]
struct Unserialisable;

impl serde::Serialize for Unserialisable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([([1], 2)])
    }
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("…")]
#[problem(status = 400)]
struct Mixed(
    #[problem(extension = "bad")] Unserialisable,
    #[problem(extension = "big")] u64,
    #[problem(extension = "nan")] f64,
    String,
);

#[test]
fn an_extension_that_is_not_json_is_left_out_alone() {
    let log = Log::capture();
    let error = Mixed(Unserialisable, u64::MAX, f64::NAN, "secret".to_owned());
    assert_eq!(
        json_of(&error.to_problem()),
        json!({
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "…",
            "code": "BAD_REQUEST",
            "big": u64::MAX,
        })
    );
    assert_eq!(log.count("ERROR"), 1, "{}", log.text());
    assert!(log.text().contains("`bad`"), "{}", log.text());
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("the order has mistakes")]
#[problem(status = 422, code = "INVALID_ORDER")]
struct Invalid {
    #[problem(violations)]
    violations: Vec<Violation>,
    #[problem(violations)]
    more: [Violation; 1],
}

#[test]
fn violations_fill_errors_in_order() {
    let error = Invalid {
        violations: vec![
            Violation::pointer(JsonPointer::root().join("a/b"), "is wrong").with_code("WRONG"),
            Violation::parameter("limit", "is too large"),
        ],
        more: [Violation::header("if-match", "is missing")],
    };
    let problem = error.to_problem();
    assert_eq!(problem.violations().len(), 3);
    assert_eq!(
        json_of(&problem)["errors"],
        json!([
            {"pointer": "/a~1b", "detail": "is wrong", "code": "WRONG"},
            {"parameter": "limit", "detail": "is too large"},
            {"header": "if-match", "detail": "is missing"},
        ])
    );
}

/// Each status that `http` has a name for, by its name.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("…")]
enum Named {
    #[problem(status = BAD_REQUEST)]
    First,
    #[problem(status = PAYLOAD_TOO_LARGE)]
    Renamed,
    #[problem(status = IM_A_TEAPOT)]
    Teapot,
    #[problem(status = NETWORK_AUTHENTICATION_REQUIRED)]
    Last,
}

#[test]
fn the_status_of_the_document_is_that_of_the_response() {
    for (error, status) in [
        (Named::First, 400),
        (Named::Renamed, 413),
        (Named::Teapot, 418),
        (Named::Last, 511),
    ] {
        let response: http::Response<Vec<u8>> = Problem::from(error).into();
        assert_eq!(response.status(), status);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["status"], status);
    }
}
