//! The JWKS document over HTTP.

use std::time::Duration;

use ::http::Method;
use buttress_jwt::{Algorithm, ErrorKind, JwksService, KeyRing, KeySet, Schedule, SigningKey};
use buttress_testkit::http::{self, Answer};
use serde_json::json;

use crate::support::{Hands, NOW, peer};

fn service() -> JwksService {
    JwksService::new(KeyRing::new(peer(Algorithm::ES256).key.clone()).unwrap())
}

async fn get(service: &JwksService, known: &str) -> Answer {
    http::get("/.well-known/jwks.json")
        .header("if-none-match", known)
        .call(service.clone())
        .await
}

#[tokio::test]
async fn a_document_is_served() {
    let answer = http::get("/").call(service()).await.expect_status(200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/jwk-set+json")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=600"));
    assert_eq!(
        answer.header("content-length"),
        Some(&*answer.text().len().to_string())
    );
    let keys = KeySet::from_json(answer.text()).unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys.skipped().is_empty());
    let key = &answer.json()["keys"][0];
    let mut names: Vec<_> = key.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let service = service();
    let tag = http::get("/")
        .call(service.clone())
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() == 24,
        "{tag}"
    );
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"a\", {tag}"),
        "*".to_owned(),
        format!("\"a\",{tag} ,\"b\""),
    ] {
        let answer = get(&service, &known).await.expect_status(304);
        assert_eq!(answer.text(), "");
        assert_eq!(answer.header("etag"), Some(&*tag));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=600"));
        assert_eq!(
            (
                answer.header("content-type"),
                answer.header("content-length")
            ),
            (None, None)
        );
    }
    for other in ["\"a\"", "", tag.trim_matches('"'), "**", "W/*", "\"*\""] {
        get(&service, other).await.expect_status(200);
    }
}

#[tokio::test]
async fn head_is_get_without_the_document() {
    let service = service();
    let whole = http::get("/").call(service.clone()).await;
    let head = http::request(Method::HEAD, "/")
        .call(service.clone())
        .await
        .expect_status(200);
    assert_eq!(head.text(), "");
    for name in ["etag", "cache-control", "content-type", "content-length"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let tag = whole.header("etag").unwrap();
    http::request(Method::HEAD, "/")
        .header("if-none-match", tag)
        .call(service)
        .await
        .expect_status(304);
}

#[tokio::test]
async fn other_methods_are_problems() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = http::request(method, "/")
            .call(service())
            .await
            .expect_status(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["status"], 405);
    }
}

#[tokio::test]
async fn a_rotation_is_in_the_next_answer() {
    let hands = Hands::at(NOW);
    let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDSA).unwrap())
        .unwrap()
        .with_clock(hands.clock());
    let service = JwksService::new(ring.clone());
    let first = http::get("/").call(service.clone()).await;
    let tag = first.header("etag").unwrap();
    get(&service, tag).await.expect_status(304);
    let rotation = ring
        .rotate(SigningKey::generate(Algorithm::EdDSA).unwrap())
        .unwrap();
    let second = get(&service, tag).await.expect_status(200);
    assert_eq!(second.json()["keys"].as_array().unwrap().len(), 2);
    // Without any request to the ring: the time alone removes the old key.
    hands.set(rotation.old_removed_at().timestamp());
    let third = get(&service, second.header("etag").unwrap())
        .await
        .expect_status(200);
    assert_eq!(third.json()["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_are_not_kept_longer_than_the_schedule_knows() {
    let seconds = Duration::from_secs;
    let ring = KeyRing::new(peer(Algorithm::ES256).key.clone()).unwrap();
    let ring = ring
        .with_schedule(Schedule::new(seconds(60), seconds(120)).unwrap())
        .unwrap();
    let service = JwksService::new(ring);
    let answer = http::get("/").call(service.clone()).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=120"));
    let error = service.clone().with_max_age(seconds(121)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafeSchedule);
    let answer = http::get("/")
        .call(service.with_max_age(seconds(7)).unwrap())
        .await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=7"));
}

#[tokio::test]
async fn it_goes_over_a_socket_behind_axum() {
    let app: axum::Router = axum::Router::new().route_service("/.well-known/jwks.json", service());
    let server = http::serve(app).await;
    let answer = http::get("/.well-known/jwks.json")
        .send(server.address())
        .await
        .expect_status(200);
    assert_eq!(KeySet::from_json(answer.text()).unwrap().len(), 1);
    let head = http::request(Method::HEAD, "/.well-known/jwks.json")
        .send(server.address())
        .await
        .expect_status(200);
    assert_eq!(
        head.header("content-length"),
        answer.header("content-length")
    );
}
