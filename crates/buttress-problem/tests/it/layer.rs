//! `ProblemLayer` around an axum router: what a framework answers badly.

use axum::{
    Extension, Form, Json, Router,
    body::Body,
    extract::{Path, Query},
    routing::{get, post},
};
use buttress_problem::{Occurrence, Problem, ProblemLayer, UriReference};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

use crate::support::{Log, SECRET};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Clone)]
struct Missing;

#[derive(Debug, serde::Deserialize)]
struct Order {
    #[expect(dead_code, reason = "only its type matters")]
    quantity: u32,
}

fn router() -> Router {
    let nested = Router::new().route("/known", get(async || "known"));
    Router::new()
        .route("/ok", get(async || "ok"))
        .route("/orders", post(async |_: Json<Order>| "made"))
        .route("/form", post(async |_: Form<Order>| "made"))
        .route("/search", get(async |_: Query<Order>| "found"))
        .route("/orders/{id}", get(async |_: Path<u32>| "found"))
        .route("/misconfigured", get(async |_: Extension<Missing>| "never"))
        .route(
            "/leak",
            get(async || (StatusCode::INTERNAL_SERVER_ERROR, SECRET)),
        )
        .route("/teapot", get(async || StatusCode::IM_A_TEAPOT))
        .nest("/nested", nested)
        .layer(ProblemLayer::new())
}

async fn send(router: Router, request: http::request::Builder, body: &str) -> Response<Body> {
    let request = request.body(Body::from(body.to_owned())).unwrap();
    router.oneshot(request).await.unwrap()
}

async fn problem(response: Response<Body>) -> (HeaderMap, Value) {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        head.headers[header::CONTENT_TYPE],
        "application/problem+json",
        "{}",
        String::from_utf8_lossy(&body)
    );
    if let Some(length) = head.headers.get(header::CONTENT_LENGTH) {
        assert_eq!(length.to_str().unwrap(), body.len().to_string());
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["status"], head.status.as_u16());
    (head.headers, body)
}

#[tokio::test]
async fn answers_without_a_body_get_the_problem_of_their_status() {
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/ok/", 404, "NOT_FOUND"),
        ("GET", "/nested/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/ok", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "/ok", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/nested/known", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/teapot", 418, "CLIENT_ERROR"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let (headers, body) = problem(send(router(), request, "").await).await;
        let expected = json!({
            "type": "about:blank",
            "title": body["title"],
            "status": status,
            "instance": path,
            "code": code,
        });
        assert_eq!(body, expected, "{method} {path}");
        assert_eq!(status == 405, headers.contains_key(header::ALLOW));
    }
}

#[tokio::test]
async fn the_rejections_of_extractors_keep_their_status_and_their_text() {
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    for (method, path, content_type, body, status) in [
        ("POST", "/orders", "", r#"{"quantity":1}"#, 415),
        ("POST", "/orders", "text/csv", r#"{"quantity":1}"#, 415),
        ("POST", "/orders", json, r#"{"quantity":"#, 400),
        ("POST", "/orders", json, "", 400),
        ("POST", "/orders", json, r#"{"quantity":"x"}"#, 422),
        ("POST", "/form", form, "quantity=x", 422),
        ("POST", "/form", json, "{}", 415),
        ("GET", "/search?quantity=x", "", "", 400),
        ("GET", "/orders/x", "", "", 400),
        ("GET", "/orders/%ff", "", "", 400),
    ] {
        let mut request = Request::builder().method(method).uri(path);
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let (_, document) = problem(send(router(), request, body).await).await;
        assert_eq!(document["status"], status, "{method} {path} {body}");
        let detail = document["detail"].as_str().unwrap();
        assert!(!detail.is_empty(), "{document}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_problem() {
    let body = format!(r#"{{"quantity":{}}}"#, "1".repeat(3 * 1024 * 1024));
    let request = Request::post("/orders").header(header::CONTENT_TYPE, "application/json");
    let (_, document) = problem(send(router(), request, &body).await).await;
    assert_eq!(document["code"], "CONTENT_TOO_LARGE");
    assert_eq!(document["title"], "Content Too Large");
}

#[tokio::test]
async fn what_a_server_error_says_goes_to_the_log_with_the_same_ids_once() {
    for (path, secret) in [("/leak", SECRET), ("/misconfigured", "Extension of type")] {
        let log = Log::capture();
        let request = Request::get(path)
            .header("x-request-id", "id-7")
            .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let (_, document) = problem(send(router(), request, "").await).await;
        let expected = json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "instance": path,
            "code": "INTERNAL_SERVER_ERROR",
            "requestId": "id-7",
            "traceId": TRACE,
        });
        assert_eq!(document, expected);
        assert_eq!(log.count(secret), 1, "{}", log.text());
        let line = log.text();
        assert!(line.contains("id-7") && line.contains(TRACE), "{line}");
        assert!(line.contains("ERROR") && line.contains(path), "{line}");
    }
}

#[tokio::test]
async fn ids_that_are_not_ids_are_not_repeated() {
    let too_long = "a".repeat(129);
    for id in ["a b", &too_long] {
        let request = Request::get("/nowhere")
            .header("x-request-id", id)
            .header("traceparent", "00-zz-00f067aa0ba902b7-01");
        let (_, document) = problem(send(router(), request, "").await).await;
        assert_eq!(document.get("requestId"), None);
        assert_eq!(document.get("traceId"), None);
    }
}

#[tokio::test]
async fn an_id_that_the_answer_carries_comes_before_the_requests() {
    let inner = tower::service_fn(async |_: Request<Body>| {
        Response::builder()
            .status(404)
            .header("x-correlation", "made-inside")
            .body(Body::empty())
    });
    let layer = ProblemLayer::new().with_request_id_header("x-correlation".parse().unwrap());
    let request = Request::get("/").header("x-correlation", "sent");
    let request = request.body(Body::empty()).unwrap();
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    let (_, document) = problem(response.map(Body::new)).await;
    assert_eq!(document["requestId"], "made-inside");
}

/// Contexts of two requests that take turns on one thread stay apart.
#[tokio::test]
async fn requests_that_interleave_do_not_see_each_other() {
    let (first, second) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let (first, second) = (&first, &second);
    let answer = |own: &'static str| {
        let inner = tower::service_fn(move |_: Request<Body>| async move {
            // `a` starts, `b` starts and ends, `a` ends.
            if own == "a" {
                second.notify_one();
                first.notified().await;
            } else {
                second.notified().await;
                first.notify_one();
            }
            Response::builder().status(500).body(Body::from(SECRET))
        });
        let request = Request::get(format!("/{own}")).header("x-request-id", own);
        let request = request.body(Body::empty()).unwrap();
        ProblemLayer::new().layer(inner).oneshot(request)
    };
    let (a, b) = tokio::join!(answer("a"), answer("b"));
    for (own, response) in [("a", a), ("b", b)] {
        let (_, document) = problem(response.unwrap().map(Body::new)).await;
        assert_eq!(document["requestId"], own);
        assert_eq!(document["instance"], format!("/{own}"));
    }
}

#[tokio::test]
async fn a_hook_has_the_last_word() {
    let layer = ProblemLayer::new().with_hook(|problem: &mut Problem, at: &Occurrence<'_>| {
        assert_eq!((at.method().as_str(), at.query()), ("GET", Some("q=1")));
        problem.set_status(StatusCode::GONE);
        problem.set_type(UriReference::from_static("/problems/gone"));
        problem.set_code("GONE_FOR_GOOD");
        problem.set_detail(format!("nothing at {}", at.path()));
        problem.set_extension("status", 200);
        problem
            .headers_mut()
            .insert(header::RETRY_AFTER, "9".parse().unwrap());
    });
    let router = Router::new().layer(layer);
    let request = Request::get("/old?q=1");
    let (headers, document) = problem(send(router, request, "").await).await;
    assert_eq!(document["status"], 410);
    assert_eq!(document["title"], "Gone");
    assert_eq!(document["type"], "/problems/gone");
    assert_eq!(document["code"], "GONE_FOR_GOOD");
    assert_eq!(document["detail"], "nothing at /old");
    assert_eq!(headers[header::RETRY_AFTER], "9");
}

#[tokio::test]
async fn a_hook_sees_the_headers_of_the_answer_and_can_change_them() {
    let busy = async || {
        let headers = [
            (header::RETRY_AFTER, "5"),
            (header::SERVER, "secret/1.0"),
            (header::ETAG, "\"1\""),
        ];
        (StatusCode::TOO_MANY_REQUESTS, headers)
    };
    let layer = ProblemLayer::new().with_hook(|problem: &mut Problem, _: &Occurrence<'_>| {
        assert!(!problem.headers().contains_key(header::ETAG));
        problem.headers_mut().remove(header::SERVER);
        let text = problem.headers()[header::RETRY_AFTER].to_str().unwrap();
        problem.set_extension("retryAfter", text.to_owned());
        let headers = problem.headers_mut();
        headers.insert(header::RETRY_AFTER, "60".parse().unwrap());
        headers.insert(header::CONTENT_LENGTH, "7".parse().unwrap());
        headers.insert(header::TRANSFER_ENCODING, "chunked".parse().unwrap());
    });
    let router = Router::new().route("/", get(busy)).layer(layer);
    let (headers, document) = problem(send(router, Request::get("/"), "").await).await;
    assert_eq!(document["retryAfter"], "5");
    let retry_after: Vec<_> = headers.get_all(header::RETRY_AFTER).iter().collect();
    assert_eq!(retry_after, ["60"]);
    assert!(!headers.contains_key(header::SERVER));
    assert!(!headers.contains_key(header::TRANSFER_ENCODING));
}

#[tokio::test]
async fn a_hook_that_panics_changes_nothing() {
    let log = Log::capture();
    let layer = ProblemLayer::new().with_hook(|problem: &mut Problem, _: &Occurrence<'_>| {
        problem.set_status(StatusCode::GONE);
        problem.headers_mut().clear();
        panic!("the hook is broken");
    });
    let router = Router::new().layer(layer);
    let (_, document) = problem(send(router, Request::get("/"), "").await).await;
    assert_eq!(document["status"], 404);
    assert_eq!(log.count("the hook is broken"), 1, "{}", log.text());
}

#[tokio::test]
async fn panics_become_a_constant_answer_and_a_line_of_the_log() {
    async fn borrowed() -> &'static str {
        panic!("postgres://u:secret@10.0.0.5")
    }
    async fn owned() -> &'static str {
        let place = "10.0.0.5";
        panic!("postgres://u:secret@{place}")
    }
    async fn other() -> &'static str {
        std::panic::panic_any(7_u8)
    }
    for (route, logged) in [
        (get(borrowed), SECRET),
        (get(owned), SECRET),
        (get(other), "panicked: with a value that is no text"),
    ] {
        let log = Log::capture();
        let router = Router::new().route("/", route).layer(ProblemLayer::new());
        let request = Request::get("/").header("x-request-id", "id-8");
        let (_, document) = problem(send(router, request, "").await).await;
        assert_eq!(document["code"], "INTERNAL_SERVER_ERROR");
        assert_eq!(document["requestId"], "id-8");
        assert!(!document.to_string().contains("secret"), "{document}");
        assert_eq!(log.count(logged), 1, "{}", log.text());
        assert_eq!(log.count("id-8"), 1, "{}", log.text());
    }
}

#[tokio::test]
async fn a_call_that_panics_is_caught_unless_it_is_not_wished() {
    #[expect(
        clippy::unused_async,
        reason = "the panic is in the call, before any future"
    )]
    async fn never() -> Result<Response<Body>, std::convert::Infallible> {
        Ok(Response::default())
    }
    let service = || {
        tower::service_fn(|_: Request<Body>| {
            if true {
                panic!("in the call");
            }
            never()
        })
    };
    let request = || Request::get("/").body(Body::empty()).unwrap();
    let layer = ProblemLayer::new();
    let response = layer.layer(service()).oneshot(request()).await.unwrap();
    let (_, document) = problem(response.map(Body::new)).await;
    assert_eq!(document["instance"], "/");

    let bare = layer.with_catch_panics(false).layer(service());
    let task = tokio::spawn(async move { bare.oneshot(request()).await.map(drop) });
    assert!(task.await.unwrap_err().is_panic());
}
