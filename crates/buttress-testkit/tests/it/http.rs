//! The client and the server, each against the other.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use buttress_testkit::http::{self, Wire};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tower::service_fn;

/// Answers with what it was sent: 200, or the status that `x-status` asks for.
async fn echo<B>(request: ::http::Request<B>) -> Result<::http::Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = ::http::Response::builder()
        .header("x-method", parts.method.as_str())
        .header("x-target", parts.uri.path_and_query().unwrap().as_str());
    for name in ["content-type", "host", "x-double"] {
        for value in parts.headers.get_all(name) {
            response = response.header(name, value);
        }
    }
    if let Some(status) = parts.headers.get("x-status") {
        response = response.status(status.to_str().unwrap().parse::<u16>().unwrap());
    }
    Ok(response.body(Full::new(body)).unwrap())
}

fn message(panicked: Box<dyn std::any::Any + Send>) -> String {
    *panicked.downcast::<String>().unwrap()
}

#[tokio::test]
async fn the_same_request_goes_to_a_service_and_to_a_socket() {
    let request = http::put("/orders/7?full=1").json(&["tea"]);
    let server = http::serve(service_fn(echo)).await;
    for answer in [
        request.clone().call(service_fn(echo)).await,
        request.send(server.address()).await,
    ] {
        assert_eq!(answer.header("x-method"), Some("PUT"));
        assert_eq!(answer.header("x-target"), Some("/orders/7?full=1"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.text(), r#"["tea"]"#);
        assert_eq!(answer.json()[0], "tea");
        assert_eq!(answer.json_as::<Vec<String>>(), ["tea"]);
    }
}

#[tokio::test]
async fn a_content_type_and_a_host_of_the_callers_own_stay() {
    let server = http::serve(service_fn(echo)).await;
    let answer = http::patch("/")
        .header("content-type", "application/merge-patch+json")
        .header("host", "api.example.com")
        .json(&1)
        .send(server.address())
        .await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/merge-patch+json")
    );
    assert_eq!(answer.header("host"), Some("api.example.com"));
}

#[tokio::test]
async fn failures_show_the_whole_answer() {
    let answer = http::post("/teapot")
        .header("x-status", "418")
        .header("x-double", "1")
        .header("x-double", "2")
        .body("short and stout")
        .call(service_fn(echo))
        .await;
    let same = answer.clone().expect_status(418);
    assert_eq!(same.status(), 418);

    let wrong_status =
        message(catch_unwind(AssertUnwindSafe(|| answer.clone().expect_status(200))).unwrap_err());
    for part in [
        "expected status 200",
        "POST /teapot",
        "418 I'm a teapot",
        "x-double: 2",
        "short and stout",
    ] {
        assert!(
            wrong_status.contains(part),
            "{part:?} is missing in: {wrong_status}"
        );
    }
    let twice = message(
        catch_unwind(AssertUnwindSafe(|| answer.header("x-double").is_some())).unwrap_err(),
    );
    assert!(
        twice.starts_with("x-double stands there more than once"),
        "{twice}"
    );
    let no_json = message(catch_unwind(AssertUnwindSafe(|| answer.json())).unwrap_err());
    assert!(
        no_json.contains("not JSON") && no_json.contains("short and stout"),
        "{no_json}"
    );
}

#[tokio::test]
async fn raw_bytes_go_out_and_come_back_as_they_are() {
    let server = http::serve(service_fn(echo)).await;
    let answer = http::send_raw(
        server.address(),
        "POST /raw HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody",
    )
    .await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-target: /raw\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nbody"), "{answer}");

    let refused = http::send_raw(server.address(), "GET / HTTP/1.1\r\nbad header\r\n\r\n").await;
    assert!(
        refused.starts_with(b"HTTP/1.1 400 Bad Request\r\n"),
        "{}",
        refused.escape_ascii()
    );
}

#[tokio::test]
async fn the_server_speaks_http2_with_prior_knowledge() {
    let server = http::serve(service_fn(echo)).await;
    let mut wire = Wire::connect(server.address()).await;
    // The client's preface and its empty SETTINGS frame (RFC 9113, sections 3.4 and 6.5).
    wire.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await;
    // The acknowledgement of it.
    wire.read_until(b"\0\0\0\x04\x01\0\0\0\0").await;
}

#[tokio::test]
async fn a_wire_keeps_what_comes_after_the_end_it_read_to() {
    let server = http::serve(service_fn(echo)).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
        .await;
    wire.write("first").await;
    let head = wire.read_until("\r\n\r\n").await;
    assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(wire.read_until("first").await, b"first");
    wire.write("GET /next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let rest = String::from_utf8(wire.read_to_end().await).unwrap();
    assert!(rest.contains("x-target: /next\r\n"), "{rest}");
}

#[tokio::test]
async fn a_dropped_server_closes_its_connections_and_its_port() {
    let server = http::serve(service_fn(echo)).await;
    let address = server.address();
    assert_eq!(server.url("/x"), format!("http://{address}/x"));
    let mut wire = Wire::connect(address).await;
    wire.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    wire.read_until("\r\n\r\n").await;
    drop(server);
    assert_eq!(wire.read_to_end().await, b"");
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
#[should_panic(expected = "no connection: ")]
async fn sending_to_nobody_says_so() {
    let server = http::serve(service_fn(echo)).await;
    let address = server.address();
    drop(server);
    tokio::task::yield_now().await;
    let _answer = http::get("/").send(address).await;
}
