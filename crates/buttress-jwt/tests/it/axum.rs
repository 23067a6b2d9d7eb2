//! With axum: who makes the request, as an argument of a handler.

use ::axum::{Router, routing::get};
use buttress_jwt::{
    Algorithm, ApiKeyLayer, ApiKeys, Bearer, BearerLayer, Environment, MemoryApiKeyStore,
    Principal, Rejection, RejectionKind, Require, RequireLayer,
};
use buttress_testkit::http;
use serde::Deserialize;
use serde_json::json;

use crate::support::{claims, claims_with, peer};

#[derive(Deserialize)]
struct Tenant {
    tenant: String,
}

fn app() -> Router {
    Router::new()
        .route(
            "/claims",
            get(async |Bearer(claims): Bearer| claims.subject.clone()),
        )
        .route(
            "/principal",
            get(async |principal: Principal| principal.subject().to_owned()),
        )
        .route(
            "/optional",
            get(
                async |bearer: Option<Bearer>, principal: Option<Principal>| {
                    format!("{} {}", bearer.is_some(), principal.is_some())
                },
            ),
        )
        .route(
            "/admin",
            get(async || "admin").layer(RequireLayer::new(Require::role("admin"))),
        )
        .route(
            "/other",
            get(async |bearer: Option<Bearer<Tenant>>| bearer.is_some().to_string()),
        )
}

fn layer() -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
}

fn request(path: &str, token: &str) -> http::Request {
    http::get(path).header("authorization", format!("Bearer {token}"))
}

#[tokio::test]
async fn handlers_know_who_it_is() {
    let token = peer(Algorithm::HS256).token(&claims());
    for path in ["/claims", "/principal"] {
        let answer = request(path, &token).call(app().layer(layer())).await;
        assert_eq!(answer.expect_status(200).text(), "user-1", "{path}");
        let optional = app().layer(layer().optional().with_realm("shop"));
        let answer = http::get(path).call(optional).await.expect_status(401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"shop\""),
            "{path}"
        );
        assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
    }
}

#[tokio::test]
async fn it_may_be_nobody() {
    let app = app().layer(layer().optional());
    let answer = http::get("/optional").call(app.clone()).await;
    assert_eq!(answer.expect_status(200).text(), "false false");
    let token = peer(Algorithm::HS256).token(&claims());
    let answer = request("/optional", &token).call(app).await;
    assert_eq!(answer.expect_status(200).text(), "true true");
}

#[tokio::test]
async fn a_forgotten_layer_is_an_error_of_the_service() {
    for path in ["/claims", "/principal", "/optional", "/admin", "/other"] {
        let answer = http::get(path).call(app()).await.expect_status(500);
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Misconfigured, "{path}");
    }
    let token = peer(Algorithm::HS256).token(&claims());
    let answer = request("/other", &token).call(app().layer(layer())).await;
    answer.expect_status(500);
}

#[tokio::test]
async fn routes_have_requirements() {
    let peer = peer(Algorithm::HS256);
    let app = app().layer(layer());
    let token = peer.token(&claims());
    let answer = request("/admin", &token).call(app.clone()).await;
    assert_eq!(answer.expect_status(403).json()["code"], "FORBIDDEN");
    let token = peer.token(&claims_with("roles", json!(["admin"])));
    let answer = request("/admin", &token).call(app).await;
    assert_eq!(answer.expect_status(200).text(), "admin");
}

#[tokio::test]
async fn custom_claims_are_there() {
    let app = Router::new().route(
        "/",
        get(async |bearer: Bearer<Tenant>| bearer.custom.tenant.clone()),
    );
    let peer = peer(Algorithm::HS256);
    let app = app.layer(BearerLayer::<Tenant>::new(peer.verifier()));
    let token = peer.token(&claims_with("tenant", json!("acme")));
    let answer = request("/", &token).call(app).await;
    assert_eq!(answer.expect_status(200).text(), "acme");
}

/// Who comes with a key is known, and has no claims: that is not an error of the service.
#[tokio::test]
async fn a_key_has_no_claims() {
    let keys = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new()).unwrap();
    let key = keys.issue("user-1").await.unwrap().secret.reveal();
    let app = app().layer(ApiKeyLayer::new(keys).with_realm("shop"));
    let answer = request("/principal", &key).call(app.clone()).await;
    assert_eq!(answer.expect_status(200).text(), "user-1");
    let answer = request("/optional", &key).call(app.clone()).await;
    assert_eq!(answer.expect_status(200).text(), "false true");
    let answer = request("/claims", &key).call(app).await.expect_status(401);
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"shop\"")
    );
    assert_eq!(answer.json()["code"], "AUTHENTICATION_REQUIRED");
}
