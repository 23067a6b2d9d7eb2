//! In a layer, over real sockets.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{Router, routing::get};
use buttress_ratelimit::{ClientIp, PeerIp, Quota, RateLimitLayer, RequestKey};
use buttress_testkit::http;
use tokio::net::TcpListener;

use super::networks;
use crate::{keys::Errors, time::Time};

fn twice(key: impl RequestKey + 'static) -> Router {
    let limiter = Time::new().limiter([Quota::per_day(2)]);
    Router::new()
        .route("/", get(async || "hello"))
        .layer(RateLimitLayer::new(limiter).with_key(key))
}

/// Test 12 of the specification, from the socket to the answer.
#[tokio::test]
async fn whoever_comes_by_a_proxy_has_a_bucket_and_cannot_choose_it() {
    let app = twice(ClientIp::behind(networks("127.0.0.0/8")));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let ask = async |forwarded: &str| {
        let request = http::get("/").header("x-forwarded-for", forwarded);
        request.send(address).await.status().as_u16()
    };
    // Each request says that it is somebody else, and the proxy who it is.
    assert_eq!(ask("6.6.6.1, 203.0.113.9").await, 200);
    assert_eq!(ask("6.6.6.2, 203.0.113.9:51234").await, 200);
    assert_eq!(ask("6.6.6.3, ::ffff:203.0.113.9").await, 429);
    assert_eq!(ask("203.0.113.9, 203.0.113.8").await, 200);
    assert_eq!(ask("2001:db8::1").await, 200);
    assert_eq!(ask("[2001:db8::2]:443").await, 200);
    assert_eq!(ask("2001:db8::3").await, 429);
    // What the proxy does not know shares its bucket.
    assert_eq!(ask("6.6.6.4, unknown").await, 200);
    assert_eq!(ask("6.6.6.5,").await, 200);
    assert_eq!(ask("6.6.6.6, junk").await, 429);
    server.abort();
}

/// D3 of the specification: not 500 for each request.
#[tokio::test]
async fn a_service_without_peers_is_limited_and_says_so_once() {
    let errors = Errors::default();
    let _guard = tracing::subscriber::set_default(errors.clone());
    for app in [
        twice(PeerIp::new()),
        twice(ClientIp::behind(networks("127.0.0.0/8"))),
    ] {
        for status in [200, 200, 429, 429] {
            let request = http::get("/").header("x-forwarded-for", "203.0.113.9");
            request.call(app.clone()).await.expect_status(status);
        }
    }
    assert_eq!(errors.count(), 2);
}
