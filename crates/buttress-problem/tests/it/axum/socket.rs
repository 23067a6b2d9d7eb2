//! The same over HTTP/1.1 on a real socket.

use axum::{Router, extract::DefaultBodyLimit, routing::post};
use buttress_problem::{Problem, axum::Json};
use http::{HeaderValue, StatusCode, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn logout() -> Problem {
    let cookie = |value| HeaderValue::from_static(value);
    Problem::new(StatusCode::UNAUTHORIZED)
        .with_header(header::WWW_AUTHENTICATE, cookie("Bearer"))
        .with_header(header::SET_COOKIE, cookie("a=; Max-Age=0"))
        .with_header(header::SET_COOKIE, cookie("b=; Max-Age=0"))
}

/// Sends one request and reads until the server closes.
async fn exchange(request: &str) -> String {
    let router = Router::new()
        .route("/", post(async |Json(list): Json<Vec<u8>>| Json(list)))
        .route("/logout", post(logout))
        .layer(DefaultBodyLimit::max(100));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    server.abort();
    answer.to_lowercase()
}

fn request(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_whole_413() {
    let body = format!("[{}1]", "1,".repeat(100));
    let answer = exchange(&request("/", &body)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    assert!(head.contains("\r\ncontent-type: application/problem+json"));
    assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())));
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], 413);
}

#[tokio::test]
async fn a_body_of_the_wrong_shape_is_422_and_one_that_fits_200() {
    let answer = exchange(&request("/", "[1, 2, 300]")).await;
    assert!(answer.starts_with("http/1.1 422 "), "{answer}");
    assert!(answer.contains(r#""pointer":"/2""#), "{answer}");

    let answer = exchange(&request("/", "[1, 2, 3]")).await;
    assert!(answer.starts_with("http/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n[1,2,3]"), "{answer}");
}

#[tokio::test]
async fn headers_travel_with_the_problem() {
    let answer = exchange(&request("/logout", "")).await;
    assert!(answer.starts_with("http/1.1 401 "), "{answer}");
    for header in [
        "www-authenticate: bearer",
        "set-cookie: a=;",
        "set-cookie: b=;",
    ] {
        assert!(answer.contains(&format!("\r\n{header}")), "{answer}");
    }
}
