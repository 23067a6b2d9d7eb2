//! Bodies that are no JSON, or do not come as JSON (B6.12, B3.12).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::DefaultBodyLimit,
    routing::any,
};
use buttress_problem::axum::Json;
use http::{Method, Request, header::HeaderName};
use http_body_util::Full;
use serde::{Deserialize, Serialize};

use super::{post, send};
use crate::support::Log;

#[derive(Debug, Deserialize, Serialize)]
struct Greeting {
    text: String,
}

fn echo() -> Router {
    Router::new().route(
        "/",
        any(async |Json(greeting): Json<Greeting>| Json(greeting)),
    )
}

#[tokio::test]
async fn a_body_goes_in_and_out() {
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        "application/vnd.shop.v1+json;profile=x",
    ] {
        let request = Request::post("/")
            .header("content-type", content_type)
            .body(Body::from(r#" {"text": "hi", "more": [1]} "#))
            .unwrap();
        let answer = send(echo(), request).await;
        assert_eq!(answer.status, 200, "{content_type}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.text, r#"{"text":"hi"}"#);
    }
}

#[tokio::test]
async fn another_content_type_is_415_and_names_the_right_one() {
    let wrong = [
        None,
        Some("text/plain"),
        Some("text/json"),
        Some("application/jsonx"),
        Some("application/x-www-form-urlencoded"),
        Some("json"),
    ];
    let methods = [
        (Method::POST, "accept-post"),
        (Method::PATCH, "accept-patch"),
        (Method::PUT, "accept"),
    ];
    for content_type in wrong {
        for (method, header) in &methods {
            let mut request = Request::builder().method(method).uri("/");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let request = request.body(Body::from(r#"{"text": "hi"}"#)).unwrap();
            let answer = send(echo(), request).await;
            answer.is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
            let header = HeaderName::from_static(header);
            assert_eq!(
                answer.headers[header], "application/json",
                "{content_type:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_json_is_400_wherever_the_mistake_is() {
    let bodies: [(&[u8], &str); 14] = [
        (b"", "the body is empty"),
        (b" \n\t", "the body is empty"),
        (b"{", "line 1, column 1"),
        (b"{\"text\": }", "line 1, column 10"),
        (b"{\"text\": \"hi\"", "line 1, column 13"),
        (b"{\"text\": \"hi\"} x", "line 1, column 16"),
        (b"{\"text\": \"hi\"}{}", "line 1, column 15"),
        (b"{\"text\": \"hi\",}", "line 1, column 15"),
        // The shape is wrong before the grammar is.
        (b"{\"text\": 7, \"more\": [1, 2", "line 1, column 25"),
        (b"[1, 2, 3] ]", "line 1, column 11"),
        (b"\"a string\" \"and another\"", "line 1, column 12"),
        (b"{\"text\": 7,\n \"more\": nul}", "line 2, column 13"),
        (b"{\"text\": 7, \"more\": \"\\ud800\"}", "line 1, column 22"),
        (
            b"{\"more\": \"\xff\", \"text\": \"hi\"}",
            "line 1, column 11",
        ),
    ];
    for (body, detail) in bodies {
        let answer = send(echo(), post(body)).await;
        let shown = String::from_utf8_lossy(body);
        answer.is_problem(400, "MALFORMED_JSON");
        let said = answer.body["detail"].as_str().unwrap();
        assert!(said.ends_with(detail), "{shown}: {said}");
        assert!(answer.errors().is_empty(), "{shown}");
    }
}

/// Deeper than any recursion could follow, and malformed only at the bottom.
#[tokio::test]
async fn nesting_does_not_hide_a_mistake() {
    let depth = 100_000;
    let open = "[".repeat(depth);
    let close = "]".repeat(depth);
    for (before, after) in [
        (r#"{"text": 7, "more": "#, "}"),
        (r#"{"text": "hi", "more": "#, "}"),
        ("", ""),
    ] {
        let malformed = format!("{before}{open}nul{close}{after}");
        send(echo(), post(malformed))
            .await
            .is_problem(400, "MALFORMED_JSON");
    }
    // Well-formed at the same depth, in a member that nobody reads.
    let ignored = format!(r#"{{"text": "hi", "more": {open}{close}}}"#);
    assert_eq!(send(echo(), post(ignored)).await.status, 200);
    let wrong = format!(r#"{{"text": 7, "more": {open}{close}}}"#);
    let answer = send(echo(), post(wrong)).await;
    assert_eq!(answer.errors(), [("/text", "must be a string", "TYPE")]);
}

#[tokio::test]
async fn well_formed_but_too_deep_to_read_is_422() {
    let router = Router::new().route("/", any(async |_: Json<serde_json::Value>| ()));
    let body = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let answer = send(router, post(body)).await;
    answer.is_problem(422, "VALIDATION_ERROR");
    let errors = answer.errors();
    assert_eq!(
        (errors[0].1, errors[0].2),
        ("is nested too deeply", "DEPTH")
    );
    assert!(errors[0].0.len() <= 256);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let router = echo().layer(DefaultBodyLimit::max(20));
    let answer = send(router.clone(), post(r#"{"text": "0123456789"}"#)).await;
    answer.is_problem(413, "CONTENT_TOO_LARGE");
    assert_eq!(answer.body["title"], "Content Too Large");
    assert_eq!(
        send(router, post(r#"{"text": "01234567"}"#)).await.status,
        200
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let start = Full::new(Bytes::from("{\"text\":"));
    let body = BreaksOff(start);
    let answer = send(echo(), post(Body::new(body))).await;
    answer.is_problem(400, "BAD_REQUEST");
    assert!(!answer.text.contains("secret"));
}

/// Sends what it has, and then fails.
struct BreaksOff(Full<Bytes>);

impl HttpBody for BreaksOff {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(match Pin::new(&mut self.0).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Ok(frame),
            _ => Err(std::io::Error::other("10.0.0.5 reset: secret")),
        }))
    }
}

#[tokio::test]
async fn an_optional_body_may_be_absent_but_not_wrong() {
    let handler = async |body: Option<Json<Greeting>>| match body {
        Some(Json(greeting)) => greeting.text,
        None => "nothing".to_owned(),
    };
    let router = Router::new().route("/", any(handler));
    let absent = Request::post("/").body(Body::empty()).unwrap();
    assert_eq!(send(router.clone(), absent).await.text, "nothing");
    let given = send(router.clone(), post(r#"{"text": "hi"}"#)).await;
    assert_eq!(given.text, "hi");
    let malformed = send(router.clone(), post("{")).await;
    malformed.is_problem(400, "MALFORMED_JSON");
    let other = Request::post("/").header("content-type", "text/plain");
    let other = other.body(Body::from("hi")).unwrap();
    send(router, other)
        .await
        .is_problem(415, "UNSUPPORTED_MEDIA_TYPE");
}

/// B6.20: a value that cannot be sent is a 500 that says nothing, and a line in the log.
#[tokio::test]
async fn an_answer_that_cannot_be_serialised_is_a_problem() {
    let log = Log::capture();
    let keyed_by_lists = || std::collections::BTreeMap::from([(vec![1], 2)]);
    let router = Router::new().route("/", any(async move || Json(keyed_by_lists())));
    let answer = send(router, post("")).await;
    answer.is_problem(500, "INTERNAL_SERVER_ERROR");
    assert_eq!(answer.body.get("detail"), None);
    assert_eq!(log.count("key must be a string"), 1, "{}", log.text());
}
