//! Bodies that are too large or never complete, over plain sockets where no time has to pass.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use hyper::body::{Frame, SizeHint};
use shop_api::http::with_middleware;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::Service;

use crate::server::{empty_shop, lamp};

const MIB: usize = 1024 * 1024;

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connects")
}

/// One answer, head and body, from a connection that may stay open.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.expect("reads");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            length.is_some_and(|length| length.parse() == Ok(body.len()))
        });
        if complete || read == 0 {
            return text.into_owned();
        }
    }
}

fn assert_too_large(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("content-type: application/problem+json"),
        "{answer}"
    );
    assert!(answer.contains(r#""code":"CONTENT_TOO_LARGE""#), "{answer}");
}

fn post(framing: &str) -> String {
    format!(
        "POST /v1/products HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_of_exactly_1_mib_is_read() {
    let shop = empty_shop().await;
    let product = lamp().to_string();
    let json = [("content-type", "application/json")];
    let padded = |length: usize| format!("{product}{}", " ".repeat(length - product.len()));
    assert_eq!(
        shop.send("POST", "/v1/products", &json, padded(MIB))
            .await
            .status,
        201
    );
    assert_eq!(
        shop.send("POST", "/v1/products", &json, padded(MIB + 1))
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn a_refused_body_is_drained_so_that_the_connection_lives_on() {
    let shop = empty_shop().await;
    let mut stream = connect(shop.address).await;
    let body = vec![b' '; 6 * MIB];
    stream
        .write_all(post(&format!("content-length: {}", body.len())).as_bytes())
        .await
        .expect("head");
    stream.write_all(&body).await.expect("is taken to its end");
    assert_too_large(&read_answer(&mut stream).await);

    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .expect("sends again");
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_chunked_body_is_counted_as_it_comes() {
    let shop = empty_shop().await;
    let mut stream = connect(shop.address).await;
    stream
        .write_all(post("transfer-encoding: chunked").as_bytes())
        .await
        .expect("head");
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(std::iter::repeat_n(b' ', 0x10000));
    chunk.extend(b"\r\n");
    for _ in 0..40 {
        stream.write_all(&chunk).await.expect("is taken");
    }
    stream
        .write_all(b"0\r\n\r\n")
        .await
        .expect("is taken to its end");
    assert_too_large(&read_answer(&mut stream).await);
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .expect("sends again");
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn who_asks_before_sending_is_refused_before_sending() {
    let shop = empty_shop().await;
    let mut stream = connect(shop.address).await;
    let framing = format!("content-length: {}\r\nexpect: 100-continue", 2 * MIB);
    stream
        .write_all(post(&framing).as_bytes())
        .await
        .expect("head");
    assert_too_large(&read_answer(&mut stream).await);
}

/// 2 MiB are promised, and nothing ever comes.
struct Silent;

impl hyper::body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(2 * MIB as u64)
    }
}

/// Without a socket, beside which the clock must not be paused.
#[tokio::test(start_paused = true)]
async fn who_never_sends_the_rest_is_answered_after_2_seconds() {
    let begin = tokio::time::Instant::now();
    let request = Request::post("/").body(Body::new(Silent)).expect("request");
    let answer = with_middleware(Router::new()).call(request).await;
    let status = answer.expect("an answer").status();
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(begin.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn a_body_without_end_is_drained_to_8_mib_only() {
    let shop = empty_shop().await;
    let mut stream = connect(shop.address).await;
    stream
        .write_all(post(&format!("content-length: {}", 1024 * MIB)).as_bytes())
        .await
        .expect("head");
    let piece = vec![b' '; 64 * 1024];
    let mut sent = 0;
    while sent < 64 * MIB && stream.write_all(&piece).await.is_ok() {
        sent += piece.len();
    }
    // What is beyond the limit was in the buffers of the two sockets.
    assert!((8 * MIB..32 * MIB).contains(&sent), "{sent}");
}

#[tokio::test]
async fn a_client_that_hangs_up_in_its_body_harms_nobody() {
    let shop = empty_shop().await;
    let mut stream = connect(shop.address).await;
    stream
        .write_all(post("content-length: 100").as_bytes())
        .await
        .expect("head");
    stream.write_all(b"{\"name\": ").await.expect("a piece");
    stream.shutdown().await.expect("hangs up");
    let answer = read_answer(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    assert_eq!(
        shop.get("/v1/products?total=true").await.json()["pagination"]["total"],
        0
    );
}
