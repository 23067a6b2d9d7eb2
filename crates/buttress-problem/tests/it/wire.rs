//! What arrives at a client, over real sockets.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use ::http::{Request, Version};
use axum::{
    Router,
    body::Body,
    response::Response,
    routing::{get, post},
};
use buttress_problem::ProblemLayer;
use buttress_testkit::http::{self, Server, send_raw, serve};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

async fn server() -> Server {
    let router = Router::new()
        .route("/ok", get(async || "ok"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/abort", get(async || aborting(200)))
        .route("/abort-error", get(async || aborting(500)))
        .layer(ProblemLayer::new());
    serve(router).await
}

/// A body of an unknown size that is not there at once, as with any stream, and breaks off.
#[derive(Default)]
struct Aborting {
    polls: u8,
}

impl http_body::Body for Aborting {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.polls += 1;
        match self.polls {
            // The second pause lets the server send what it has.
            1 | 3 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            2 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun"))))),
            _ => Poll::Ready(Some(Err("the stream broke"))),
        }
    }
}

fn aborting(status: u16) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/csv")
        .body(Body::new(Aborting::default()))
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn one_document_with_the_right_length_over_each_version() {
    let server = server().await;
    for request in [
        "GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /nowhere HTTP/1.0\r\n\r\n",
    ] {
        let answer = text(&send_raw(server.address(), request).await);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        assert!(head.contains("404 not found"), "{head}");
        assert_eq!(head.matches("content-type:").count(), 1, "{head}");
        assert_eq!(head.matches("content-length:").count(), 1, "{head}");
        let length = format!("content-length: {}", body.len());
        assert!(head.contains(&length), "{head}\n{body}");
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["instance"], "/nowhere");
    }
}

#[tokio::test]
async fn head_has_no_body() {
    let server = server().await;
    let request = "HEAD /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = text(&send_raw(server.address(), request).await);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_connection_is_good_for_the_next_request_after_a_problem() {
    let server = server().await;
    let request = "DELETE /ok HTTP/1.1\r\nhost: a\r\n\r\n\
                   GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = text(&send_raw(server.address(), request).await);
    assert!(answer.contains("405 Method Not Allowed"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("allow: get,head"),
        "{answer}"
    );
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
}

/// What has begun cannot be taken back: the client sees the connection cut, not a second answer.
#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_and_not_converted() {
    let server = server().await;
    for path in ["/abort", "/abort-error"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let answer = text(&send_raw(server.address(), request).await);
        assert!(answer.contains("begun"), "{answer}");
        assert!(!answer.contains("problem+json"), "{answer}");
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_with_a_body_that_nobody_read_is_answered() {
    let server = server().await;
    let answer = http::post("/nowhere")
        .body(vec![b'x'; 100_000])
        .send(server.address())
        .await
        .expect_status(404);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn http_2_carries_the_same_document() {
    let server = server().await;
    let stream = tokio::net::TcpStream::connect(server.address()).await;
    let io = TokioIo::new(stream.unwrap());
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (mut client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/nowhere", 404), ("/ok", 200)] {
        let request = Request::get(format!("http://shop{path}")).body(Empty::<Bytes>::new());
        let response = client.send_request(request.unwrap()).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.status(), status);
        let length = response.headers()["content-length"].clone();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(length.to_str().unwrap(), body.len().to_string());
        if status == 404 {
            let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(document["instance"], "/nowhere");
        }
    }
}
