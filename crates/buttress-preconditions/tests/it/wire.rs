//! What arrives at a client, over real sockets.

use axum::{Router, routing::get};
use buttress_preconditions::{ETag, PreconditionsLayer, Require};
use buttress_problem::ProblemLayer;
use buttress_testkit::http::{self, Wire, serve};

fn app() -> Router {
    let read = async || (ETag::from_version(7), "content");
    Router::new()
        .route("/tagged", get(read).put(async || "changed"))
        .route("/plain", get(async || "content"))
        .layer(PreconditionsLayer::new().with_required(Require::changes()))
        .layer(ProblemLayer::new())
}

#[tokio::test]
async fn a_304_has_no_content_and_the_connection_goes_on() {
    let server = serve(app()).await;
    let mut wire = Wire::connect(server.address()).await;
    wire.write("GET /tagged HTTP/1.1\r\nhost: x\r\nif-none-match: \"7\"\r\n\r\n")
        .await;
    let head = String::from_utf8(wire.read_until("\r\n\r\n").await).unwrap();
    assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{head}");
    assert!(head.contains("etag: \"7\"\r\n"), "{head}");
    assert!(
        ["content-type", "content-length", "transfer-encoding"]
            .iter()
            .all(|name| !head.contains(name)),
        "{head}"
    );

    // The next answer begins where this one ended.
    wire.write("GET /tagged HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let answer = String::from_utf8(wire.read_to_end().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ncontent"), "{answer}");
}

#[tokio::test]
async fn head_has_the_tag_and_the_length_of_get() {
    let server = serve(app()).await;
    for path in ["/tagged", "/plain"] {
        let get = http::get(path)
            .send(server.address())
            .await
            .expect_status(200);
        let head = http::request(::http::Method::HEAD, path)
            .send(server.address())
            .await;
        let head = head.expect_status(200);
        assert!(get.header("etag").is_some());
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        assert_eq!(head.header("content-length"), Some("7"), "{path}");
        let tag = get.header("etag").unwrap();
        let again = http::request(::http::Method::HEAD, path).header("if-none-match", tag);
        let answer = again.send(server.address()).await.expect_status(304);
        // It would be taken for the length of the content (RFC 9110, section 8.6).
        assert_eq!(answer.header("content-length"), None);
    }
}

#[tokio::test]
async fn refusals_are_problems() {
    let server = serve(app()).await;
    let answer = http::put("/tagged")
        .send(server.address())
        .await
        .expect_status(428);
    assert_eq!(answer.json()["instance"], "/tagged");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = http::get("/tagged")
        .header("if-match", "\"6\"")
        .send(server.address())
        .await;
    let answer = answer.expect_status(412);
    assert_eq!(answer.json()["currentEtag"], "\"7\"");
    assert_eq!(answer.header("etag"), Some("\"7\""));
    // The router knows no such thing, with or without a precondition.
    http::get("/none")
        .header("if-none-match", "*")
        .send(server.address())
        .await
        .expect_status(404);
}
