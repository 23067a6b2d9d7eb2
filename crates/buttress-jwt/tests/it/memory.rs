//! Tokens that are remembered: nothing is accepted that would not be without, and less is verified.

use std::{cell::Cell, convert::Infallible, sync::Arc};

use buttress_jwt::{
    Algorithm, BearerLayer, Claims, Grant, Issuer, KeyRing, Rejection, RevocationList, SigningKey,
    TokenErrorKind, Verifier,
};
use buttress_testkit::{alloc, http};
use bytes::Bytes;
use chrono::DateTime;
use http_body_util::Full;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tower::{Layer, Service, service_fn};

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, claims, encode, peer};

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

type CountedLayer = BearerLayer<Counted>;

/// Whose token it is, or why it is refused.
async fn call(layer: &CountedLayer, token: &str) -> Result<String, TokenErrorKind> {
    let inner = service_fn(async |request: ::http::Request<Full<Bytes>>| {
        let claims: &Arc<Claims<Counted>> = request.extensions().get().unwrap();
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::from(
            claims.subject.clone(),
        )))
    });
    let request = http::get("/").header("authorization", format!("Bearer {token}"));
    let answer = request.call(layer.layer(inner)).await;
    match answer.extension::<Rejection>() {
        None => Ok(answer.expect_status(200).text().to_owned()),
        Some(rejection) => Err(rejection.token_error().unwrap().kind()),
    }
}

fn layer(tokens: usize, hands: &Hands) -> CountedLayer {
    let verifier = Verifier::new(ISSUER, AUDIENCE, &peer(Algorithm::EdDSA).key);
    BearerLayer::new(verifier.with_clock(hands.clock())).with_memory(tokens)
}

fn token(subject: &str) -> String {
    let mut claims: Value = claims();
    claims["sub"] = json!(subject);
    peer(Algorithm::EdDSA).token(&claims)
}

/// How many verifications there were since the last time.
fn verified() -> usize {
    READ.replace(0)
}

#[tokio::test]
async fn a_token_is_verified_once() {
    let layer = layer(100, &Hands::at(NOW));
    for _ in 0..3 {
        assert_eq!(call(&layer, &token("a")).await.unwrap(), "a");
        assert_eq!(call(&layer.clone(), &token("b")).await.unwrap(), "b");
    }
    assert_eq!(verified(), 2);

    let without = layer.with_memory(0);
    for _ in 0..3 {
        call(&without, &token("a")).await.unwrap();
    }
    assert_eq!(verified(), 3);
}

#[tokio::test]
async fn time_goes_on() {
    let hands = Hands::at(NOW);
    let layer = layer(100, &hands);
    let mut claims = claims();
    claims["nbf"] = json!(NOW);
    let token = peer(Algorithm::EdDSA).token(&claims);
    // That it was refused is not remembered.
    hands.set(NOW - 31);
    assert_eq!(call(&layer, &token).await, Err(TokenErrorKind::NotYetValid));
    hands.set(NOW);
    assert!(call(&layer, &token).await.is_ok());
    hands.set(NOW + 929);
    assert!(call(&layer, &token).await.is_ok());
    hands.set(NOW + 930);
    assert_eq!(call(&layer, &token).await, Err(TokenErrorKind::Expired));
    // A clock that is set back takes the token out of its time, too.
    hands.set(NOW - 31);
    assert_eq!(call(&layer, &token).await, Err(TokenErrorKind::NotYetValid));
}

#[tokio::test]
async fn what_differs_anywhere_is_another_token() {
    let layer = layer(100, &Hands::at(NOW));
    let token = token("a");
    assert!(call(&layer, &token).await.is_ok());
    let parts: Vec<_> = token.split('.').collect();
    let mut forged = claims();
    forged["sub"] = json!("b");
    let forged = encode(forged.to_string().as_bytes());
    let flipped = if parts[2].starts_with('A') { 'B' } else { 'A' };
    let bad = [
        format!("{}.{forged}.{}", parts[0], parts[2]),
        format!("{}.{}.{flipped}{}", parts[0], parts[1], &parts[2][1..]),
    ];
    for token in &bad {
        assert_eq!(
            call(&layer, token).await,
            Err(TokenErrorKind::BadSignature),
            "{token}"
        );
    }
    let shorter = format!("{}.{}.{}", parts[0], parts[1], &parts[2][1..]);
    assert!(call(&layer, &shorter).await.is_err());
    assert!(call(&layer, &format!("{token}=")).await.is_err());
    assert!(call(&layer, parts[2]).await.is_err());
}

#[tokio::test]
async fn a_key_that_leaves_takes_its_tokens_along() {
    let hands = Hands::at(NOW);
    let key = || {
        SigningKey::generate(Algorithm::EdDSA)
            .unwrap()
            .with_key_id("k")
            .unwrap()
    };
    let keys = KeyRing::new(key()).unwrap().with_clock(hands.clock());
    let issuer = Issuer::new(ISSUER, AUDIENCE, keys.clone()).with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, keys.clone()).with_clock(hands.clock());
    let layer = CountedLayer::new(verifier).with_memory(100);
    let token = issuer.issue(Grant::new("a")).unwrap().token;
    for _ in 0..2 {
        assert!(call(&layer, &token).await.is_ok());
    }
    assert_eq!(verified(), 1);

    // A rotation takes nothing away from the key that was there before.
    keys.rotate(SigningKey::generate(Algorithm::EdDSA).unwrap())
        .unwrap();
    assert!(call(&layer, &token).await.is_ok());
    assert_eq!(verified(), 0);

    keys.remove("k").unwrap();
    assert_eq!(call(&layer, &token).await, Err(TokenErrorKind::UnknownKey));
    // Another key of the same name is another key.
    hands.set(NOW + 1);
    keys.rotate(key()).unwrap();
    assert_eq!(
        call(&layer, &token).await,
        Err(TokenErrorKind::BadSignature)
    );
}

#[tokio::test]
async fn what_is_revoked_is_not_remembered() {
    let list = RevocationList::new(10);
    let layer = layer(100, &Hands::at(NOW)).with_revocation(list.clone());
    let token = token("a");
    assert!(call(&layer, &token).await.is_ok());
    let end = DateTime::from_timestamp(NOW + 900, 0).unwrap();
    list.revoke_token("t-1", end).unwrap();
    assert_eq!(call(&layer, &token).await, Err(TokenErrorKind::Revoked));
    assert_eq!(verified(), 1);
}

#[tokio::test]
async fn it_is_bounded_and_keeps_what_is_used() {
    let layer = layer(20, &Hands::at(NOW));
    let used = token("used");
    call(&layer, &used).await.unwrap();
    call(&layer, &token("unused")).await.unwrap();
    for at in 0..50 {
        call(&layer, &token(&format!("user-{at}"))).await.unwrap();
        call(&layer, &used).await.unwrap();
    }
    assert_eq!(verified(), 52);
    call(&layer, &used).await.unwrap();
    call(&layer, &token("user-49")).await.unwrap();
    assert_eq!(verified(), 0);
    call(&layer, &token("unused")).await.unwrap();
    assert_eq!(verified(), 1);
    // None of the first forty is left, so no more than twenty are.
    for at in 0..30 {
        call(&layer, &token(&format!("user-{at}"))).await.unwrap();
    }
    assert_eq!(verified(), 30);
}

#[tokio::test]
async fn many_threads_agree() {
    let layer = layer(16, &Hands::at(NOW));
    let tokens: Vec<_> = (0..40).map(|at| token(&format!("user-{at}"))).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (layer, tokens) = (&layer, &tokens);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(async {
                    for round in 0..200 {
                        let at = (round * 7 + thread * 3) % tokens.len();
                        let subject = call(layer, &tokens[at]).await.unwrap();
                        assert_eq!(subject, format!("user-{at}"));
                    }
                });
            });
        }
    });
}

#[tokio::test]
async fn what_is_remembered_costs_no_allocation_but_the_extensions() {
    let inner = service_fn(async |_: ::http::Request<()>| {
        Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
    });
    let mut service = layer(100, &Hands::at(NOW)).layer(inner);
    let field = format!("Bearer {}", token("a"));
    let request = || {
        let request = ::http::Request::get("/").header("authorization", &field);
        request.body(()).unwrap()
    };
    let mut counts = Vec::new();
    for _ in 0..2 {
        let request = request();
        let (answer, counted) =
            alloc::count_future(async { service.call(request).await.map(drop) }).await;
        answer.unwrap();
        counts.push(counted.count);
    }
    // The map of the extensions, its table, the claims in it and the mark.
    assert!(counts[1] <= 4, "{counts:?}");
    assert!(counts[0] > 4, "{counts:?}");
}
