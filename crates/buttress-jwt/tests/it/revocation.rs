//! Tokens that are good and not to be accepted.

use std::{
    convert::Infallible,
    future::ready,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use buttress_jwt::{
    Algorithm, BearerLayer, ErrorKind, Rejection, RejectionKind, Revocation, RevocationAnswer,
    RevocationList, TokenErrorKind, TokenIdentity,
};
use buttress_testkit::{
    http::{self, Answer},
    probe,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};

use crate::support::{Hands, NOW, claims, peer};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A token of these names, issued at this time.
fn token(token_id: &str, session: Option<&str>, subject: &str, issued_at: i64) -> String {
    let mut claims: Value = claims();
    claims["jti"] = json!(token_id);
    claims["sub"] = json!(subject);
    claims["iat"] = json!(issued_at);
    if let Some(session) = session {
        claims["sid"] = json!(session);
    }
    peer(Algorithm::HS256).token(&claims)
}

async fn call(layer: &BearerLayer, token: &str) -> (Answer, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let inner = service_fn(move |_: ::http::Request<Full<Bytes>>| {
        counter.fetch_add(1, Ordering::SeqCst);
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::from("inside"),
        )))
    });
    let request = http::get("/").header("authorization", format!("Bearer {token}"));
    let answer = request.call(layer.layer(inner)).await;
    (answer, calls.load(Ordering::SeqCst))
}

fn layer(revocation: impl Revocation + 'static) -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
        .with_realm("shop")
        .with_revocation(revocation)
}

async fn passes(layer: &BearerLayer, token: &str) -> bool {
    let (answer, calls) = call(layer, token).await;
    if answer.status() == 200 {
        assert_eq!(calls, 1);
        return true;
    }
    let answer = answer.expect_status(401);
    assert_eq!(calls, 0);
    assert_eq!(answer.json()["code"], "INVALID_TOKEN");
    // Nothing says that it was revoked.
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            "Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"the access token is malformed, \
             expired, revoked or for another service\""
        )
    );
    let error = answer
        .extension::<Rejection>()
        .unwrap()
        .token_error()
        .unwrap();
    assert_eq!(error.kind(), TokenErrorKind::Revoked);
    false
}

#[tokio::test]
async fn what_is_on_the_list_does_not_pass() {
    let list = RevocationList::new(100);
    let layer = layer(list.clone());
    let end = at(NOW + 900);
    assert!(passes(&layer, &token("t-1", Some("s-1"), "u-1", NOW)).await);

    list.revoke_token("t-1", end).unwrap();
    assert!(!passes(&layer, &token("t-1", Some("s-1"), "u-1", NOW)).await);
    assert!(passes(&layer, &token("t-2", Some("s-1"), "u-1", NOW)).await);

    list.revoke_session("s-1", end).unwrap();
    assert!(!passes(&layer, &token("t-2", Some("s-1"), "u-1", NOW)).await);
    assert!(passes(&layer, &token("t-2", Some("s-2"), "u-1", NOW)).await);
    assert!(passes(&layer, &token("t-2", None, "u-1", NOW)).await);

    list.revoke_subject("u-1", at(NOW - 1), end).unwrap();
    assert!(!passes(&layer, &token("t-2", None, "u-1", NOW - 1)).await);
    assert!(!passes(&layer, &token("t-2", None, "u-1", NOW - 2)).await);
    assert!(passes(&layer, &token("t-2", None, "u-1", NOW)).await);
    assert!(passes(&layer, &token("t-2", None, "u-2", NOW - 1)).await);

    // A later word does not take back an earlier one.
    list.revoke_subject("u-1", at(NOW - 9), at(NOW)).unwrap();
    assert!(!passes(&layer, &token("t-2", None, "u-1", NOW - 1)).await);
    // The names of one kind are none of another.
    list.revoke_token("s-9", end).unwrap();
    assert!(passes(&layer, &token("u-9", Some("s-9"), "t-1", NOW)).await);
}

#[test]
fn a_full_list_forgets_only_what_is_of_no_use() {
    let hands = Hands::at(NOW);
    let list = RevocationList::new(3).with_clock(hands.clock());
    list.revoke_token("a", at(NOW + 10)).unwrap();
    list.revoke_session("b", at(NOW + 20)).unwrap();
    list.revoke_subject("c", at(NOW), at(NOW + 30)).unwrap();
    let full = |result: Result<(), buttress_jwt::Error>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::CapacityExhausted);
    };
    full(list.revoke_token("d", at(NOW + 40)));
    // What is there can be prolonged.
    list.revoke_token("a", at(NOW + 15)).unwrap();
    // A verifier may accept it for five minutes after it has expired.
    hands.set(NOW + 15 + 299);
    full(list.revoke_token("d", at(NOW + 400)));
    assert_eq!(list.len(), 3);
    hands.set(NOW + 15 + 300);
    list.revoke_token("d", at(NOW + 400)).unwrap();
    full(list.revoke_session("e", at(NOW + 400)));
    hands.set(NOW + 30 + 300);
    list.revoke_session("e", at(NOW + 400)).unwrap();
    list.revoke_session("f", at(NOW + 400)).unwrap();
    assert_eq!(list.len(), 3);
    assert!(!list.is_empty());
}

struct Remote(Result<bool, &'static str>);

impl Revocation for Remote {
    fn check(&self, _: &TokenIdentity<'_>) -> RevocationAnswer {
        let answer = self.0.map_err(io::Error::other);
        RevocationAnswer::later(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}

#[tokio::test]
async fn others_may_be_asked() {
    let token = token("t-1", None, "u-1", NOW);
    assert!(passes(&layer(Remote(Ok(false))), &token).await);
    assert!(!passes(&layer(Remote(Ok(true))), &token).await);

    let (answer, calls) = call(&layer(Arc::new(Remote(Err("redis is away")))), &token).await;
    let answer = answer.expect_status(503);
    assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json().get("detail"), None);
    assert!(!answer.text().contains("redis"), "{answer:?}");
    let rejection = answer.extension::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn nobody_is_asked_about_tokens_that_are_not_accepted() {
    struct Unasked;

    impl Revocation for Unasked {
        fn check(&self, _: &TokenIdentity<'_>) -> RevocationAnswer {
            panic!("it was asked")
        }
    }

    let layer = layer(Unasked).optional();
    call(&layer, "junk").await.0.expect_status(401);
}

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let token = format!("Bearer {}", token("t-1", Some("s-1"), "u-1", NOW));
    let request = || {
        let request = ::http::Request::get("/").header("authorization", &token);
        request.body(()).unwrap()
    };
    probe::layer(|inner| layer(Remote(Ok(false))).layer(inner), request);
    probe::layer(|inner| layer(RevocationList::new(1)).layer(inner), request);
}
