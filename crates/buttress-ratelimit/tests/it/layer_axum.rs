//! In axum: one limiter for everything that a layer is put around, and over real sockets.

use std::net::{Ipv4Addr, SocketAddr};

use axum::{
    Router,
    routing::{get, post},
};
use buttress_ratelimit::{PeerAddr, Quota, RateLimitLayer};
use buttress_testkit::http::{self, serve};
use tower::{ServiceBuilder, service_fn};
use tower_http::cors::CorsLayer;

use crate::{support::shared, time::Time};

fn limited(requests: u32) -> RateLimitLayer {
    shared(&Time::new().limiter([Quota::per_day(requests).named("day")]))
}

/// Test 19 of the specification.
#[tokio::test]
async fn one_limiter_for_routers_routes_and_methods() {
    let layer = limited(4);
    let app = Router::new()
        .route("/a", get(async || "a"))
        .route_layer(layer.clone())
        .route(
            "/b",
            get(async || "b")
                .layer(layer.clone())
                .merge(post(async || "b").layer(layer.clone())),
        )
        .nest(
            "/c",
            Router::new().route("/", get(async || "c")).layer(layer),
        );
    http::get("/a").call(app.clone()).await.expect_status(200);
    http::get("/b").call(app.clone()).await.expect_status(200);
    http::post("/b").call(app.clone()).await.expect_status(200);
    http::get("/c").call(app.clone()).await.expect_status(200);
    for refused in [
        http::get("/a"),
        http::get("/b"),
        http::post("/b"),
        http::get("/c"),
    ] {
        refused.call(app.clone()).await.expect_status(429);
    }
}

/// The rest of test 19, and N9 over a socket: a `MakeService` clones and layers for each connection.
#[tokio::test]
async fn one_limiter_for_all_connections() {
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(limited(3));
    let server = serve(app).await;
    for left in ["2", "1", "0"] {
        let answer = http::get("/")
            .send(server.address())
            .await
            .expect_status(200);
        let field = answer.header("ratelimit").unwrap();
        assert!(field.starts_with(&format!("\"day\";r={left};")), "{field}");
        assert_eq!(answer.text(), "hello");
    }
    let refused = http::get("/")
        .send(server.address())
        .await
        .expect_status(429);
    assert_eq!(refused.json()["code"], "QUOTA_EXCEEDED");
    assert_eq!(refused.header("retry-after"), Some("28800"));
}

/// Test 16 of the specification, for browsers.
#[tokio::test]
async fn inside_of_cors_browsers_see_refusals() {
    let cors = CorsLayer::new().allow_origin(["https://shop.example".parse().unwrap()]);
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(ServiceBuilder::new().layer(cors).layer(limited(1)));
    let ask = || {
        http::get("/")
            .header("origin", "https://shop.example")
            .call(app.clone())
    };
    ask().await.expect_status(200);
    let refused = ask().await.expect_status(429);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    // Nor do preflights get to the limiter.
    http::request(::http::Method::OPTIONS, "/")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .call(app.clone())
        .await
        .expect_status(200);
}

#[tokio::test]
async fn peers_are_told_apart_over_sockets() {
    let layer = RateLimitLayer::new(Time::new().limiter([Quota::per_day(1)]));
    let app = Router::new().route("/", get(async || "hello")).layer(layer);
    let from = |last: u8| {
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 1000));
        let app = app.clone();
        // As the accept loop of a server inserts it.
        service_fn(move |mut request: ::http::Request<_>| {
            request.extensions_mut().insert(PeerAddr(address));
            tower::ServiceExt::oneshot(app.clone(), request)
        })
    };
    let (one, other) = (serve(from(1)).await, serve(from(2)).await);
    http::get("/").send(one.address()).await.expect_status(200);
    http::get("/").send(one.address()).await.expect_status(429);
    http::get("/")
        .send(other.address())
        .await
        .expect_status(200);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_peer_is_that_of_axum_by_default() {
    let layer = RateLimitLayer::new(Time::new().limiter([Quota::per_day(1)]));
    let app = Router::new().route("/", get(async || "hello")).layer(layer);
    let from = |last: u8| {
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 1000));
        let peer = axum::extract::connect_info::MockConnectInfo(address);
        tower::Layer::layer(&peer, app.clone())
    };
    http::get("/").call(from(1)).await.expect_status(200);
    http::get("/").call(from(1)).await.expect_status(429);
    http::get("/").call(from(2)).await.expect_status(200);
}
