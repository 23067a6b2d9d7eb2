//! Requests whose keys come from elsewhere.

use std::{
    cell::Cell,
    convert::Infallible,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use buttress_jwt::{
    BearerLayer, Claims, Principal, Rejection, RejectionKind, Require, RequireLayer,
    RevocationAnswer, RevocationList, TokenErrorKind, TokenIdentity,
};
use buttress_testkit::{
    alloc,
    http::{self, Answer},
};
use bytes::Bytes;
use chrono::DateTime;
use http_body_util::Full;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tower::{Layer, Service, ServiceBuilder, service_fn};

use super::{Other, ed25519, es256, jwk, started, token, token_named, verifier};
use crate::{
    log::Log,
    support::{Hands, NOW, claims_with},
};

async fn call<C>(layer: &BearerLayer<C>, token: &str) -> Answer
where
    C: serde::de::DeserializeOwned + Send + Sync + 'static,
{
    let who = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let extensions = request.extensions();
        let claims = extensions.get::<Arc<Claims<C>>>().unwrap();
        let principal = Principal::in_extensions(extensions).unwrap();
        assert_eq!(principal.subject(), claims.subject);
        assert!(request.headers()["authorization"].is_sensitive());
        let subject = Full::<Bytes>::from(claims.subject.clone());
        Ok::<_, Infallible>(::http::Response::new(subject))
    });
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(RequireLayer::new(Require::authenticated()))
        .service(who);
    let request = http::get("/").header("authorization", format!("Bearer {token}"));
    request.call(service).await
}

#[tokio::test]
async fn a_request_waits_for_a_key_that_is_new() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    let layer = BearerLayer::<()>::new(verifier(&keys, &hands)).with_memory(10);
    let answer = call(&layer, &token(es256())).await.expect_status(200);
    assert_eq!(answer.text(), "user-1");
    assert_eq!(other.asked(), 1);
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    let answer = call(&layer, &token(ed25519())).await.expect_status(200);
    assert_eq!(answer.text(), "user-1");
    assert_eq!(other.asked(), 2);
}

#[tokio::test]
async fn without_keys_the_service_is_unavailable_and_says_nothing_of_the_token() {
    let other = Other::with(&[]);
    other.fail();
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    let layer = BearerLayer::<()>::new(verifier(&keys, &hands)).with_realm("shop");
    for _ in 0..2 {
        let answer = call(&layer, &token(es256())).await.expect_status(503);
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.json().get("detail"), None);
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    }
    assert_eq!(other.asked(), 1);
    // What no key could save is 401 all the same.
    let expired = es256().token(&claims_with("exp", json!(NOW - 31)));
    for token in ["junk", &*expired] {
        let answer = call(&layer, token).await.expect_status(401);
        assert!(answer.header("www-authenticate").unwrap().contains("shop"));
    }
}

#[tokio::test]
async fn a_key_that_nobody_has_is_a_bad_token() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, _) = started(&other).await;
    let layer = BearerLayer::<()>::new(verifier).with_realm("shop");
    // The first one waits, the second one does not.
    for _ in 0..2 {
        let answer = call(&layer, &token(ed25519())).await.expect_status(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("realm=\"shop\""), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        let error = answer.extension::<Rejection>().unwrap().token_error();
        assert_eq!(error.unwrap().kind(), TokenErrorKind::UnknownKey);
    }
    assert_eq!(other.asked(), 2);
}

/// What comes after the token is asked after it, also when that took a while.
#[tokio::test]
async fn who_waited_for_a_key_may_be_revoked() {
    let list = RevocationList::new(10);
    let end = DateTime::from_timestamp(NOW + 900, 0).unwrap();
    list.revoke_token("t-1", end).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    struct Later(Arc<AtomicUsize>, bool);
    impl buttress_jwt::Revocation for Later {
        fn check(&self, _token: &TokenIdentity<'_>) -> RevocationAnswer {
            self.0.fetch_add(1, Ordering::SeqCst);
            let revoked = self.1;
            RevocationAnswer::later(async move { Ok::<_, Infallible>(revoked) })
        }
    }
    for revoked in [true, false] {
        let other = Other::with(&[jwk(es256())]);
        let hands = Hands::at(NOW);
        let keys = other.builder(&hands).build().unwrap();
        let layer = BearerLayer::<()>::new(verifier(&keys, &hands));
        let later = layer.with_revocation(Later(Arc::clone(&asked), revoked));
        let answer = call(&later, &token(es256())).await;
        assert_eq!(answer.status(), if revoked { 401 } else { 200 });
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    let layer = BearerLayer::<()>::new(verifier(&keys, &hands)).with_revocation(list);
    call(&layer, &token(es256())).await.expect_status(401);
}

/// Anybody can name a key that is not there, and then waits.
#[tokio::test]
async fn no_more_requests_than_allowed_wait_for_keys() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, _) = started(&other).await;
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    other.hang(true);
    let two = NonZeroU32::new(2).unwrap();
    let layer = BearerLayer::<()>::new(verifier).with_waiting_requests(two);
    let waiting = [(); 2].map(|()| {
        let layer = layer.clone();
        tokio::spawn(async move { call(&layer, &token(ed25519())).await.status() })
    });
    other.until_asked(2).await;
    let (answer, log) = Log::of(call(&layer, &token(ed25519()))).await;
    let answer = answer.expect_status(503);
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(log.contains("WARN") && log.contains("too many"), "{log}");
    // Who has a known key does not wait, and what no key could save is told so.
    call(&layer, &token(es256())).await.expect_status(200);
    call(&layer, "junk").await.expect_status(401);
    other.hang(false);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), 200);
    }
    // Their places are free again.
    call(&layer, &token_named(ed25519(), "nobody's"))
        .await
        .expect_status(401);
}

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Claims that count how often they are read, which happens once per verification.
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[tokio::test]
async fn what_is_remembered_outlives_a_refresh_but_not_its_key() {
    let other = Other::with(&[jwk(es256()), jwk(ed25519())]);
    let (verifier, hands) = started(&other).await;
    let layer = BearerLayer::<Counted>::new(verifier).with_memory(100);
    let token = token(es256());
    for round in 0..4 {
        // The same document again, and the same with another key.
        match round % 2 {
            0 => other.publish(&[jwk(ed25519()), jwk(es256())]),
            _ => other.publish(&[jwk(es256())]),
        }
        hands.set(NOW + 900 * round);
        for _ in 0..2 {
            call(&layer, &token).await.expect_status(200);
            other.until_asked(1 + usize::try_from(round).unwrap()).await;
        }
    }
    assert_eq!(READ.get(), 1);
    other.publish(&[jwk(ed25519())]);
    hands.set(NOW + 3600);
    call(&layer, &token).await.expect_status(200);
    other.until_asked(5).await;
    call(&layer, &token).await.expect_status(401);
    assert_eq!(READ.get(), 1);
}

/// Only what waits is boxed.
#[tokio::test]
async fn known_keys_cost_no_allocation_but_the_extensions() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, _) = started(&other).await;
    let inner = service_fn(async |_: ::http::Request<()>| {
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
    });
    let mut service = BearerLayer::<()>::new(verifier)
        .with_memory(100)
        .layer(inner);
    let field = format!("Bearer {}", token(es256()));
    let mut counts = Vec::new();
    for _ in 0..2 {
        let request = ::http::Request::get("/").header("authorization", &field);
        let request = request.body(()).unwrap();
        let (answer, counted) =
            alloc::count_future(async { service.call(request).await.map(drop) }).await;
        answer.unwrap();
        counts.push(counted.count);
    }
    // The map of the extensions, its table, the claims in it and the mark.
    assert!(counts[1] <= 4, "{counts:?}");
    assert!(counts[0] > 4, "{counts:?}");
}
