//! Tokens whose key is not there: who is asked, how often, and who waits.

use std::time::Duration;

use buttress_jwt::{Algorithm, TokenErrorKind};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Other, ed25519, es256, jwk, started, token, token_named, verifier};
use crate::support::{
    Hands, NOW, claims, claims_with, claims_without, encode, peer, refused, verify,
};

use TokenErrorKind::{KeysUnavailable, UnknownKey};

/// §7, test 4: what no key could save is refused before anybody is asked.
#[tokio::test]
async fn what_no_key_could_save_is_no_reason_to_ask() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let verifier = verifier(&other.builder(&hands).build().unwrap(), &hands);
    let peer = es256();
    let good = peer.token(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let headed = |name: &str, value: serde_json::Value| {
        let mut header = peer.header();
        header[name] = value;
        format!(
            "{}.{}.{}",
            encode(header.to_string().as_bytes()),
            parts[1],
            parts[2]
        )
    };
    let mut tokens: Vec<String> = [
        "none", "None", "NONE", "nOnE", "none ", "none\0", "", "HS256", "HS384", "HS512", "ES256K",
        "es256", "RS1", "ES512",
    ]
    .map(|alg| headed("alg", json!(alg)))
    .into();
    tokens.extend([
        headed("alg", json!(null)),
        headed("alg", json!(["ES256"])),
        headed("typ", json!("JWT")),
        headed("typ", json!("dpop+jwt")),
        headed("crit", json!(["exp"])),
        headed("kid", json!("k".repeat(129))),
        headed("kid", json!(1)),
        headed("b64", json!(false)),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
        format!("{}.{}.!", parts[0], parts[1]),
        format!("{}.!.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], encode(b"[]"), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.a.b"),
        String::new(),
        "x".repeat(8193),
        peer.token(&claims_with("iss", json!("https://other.example.com"))),
        peer.token(&claims_with("aud", json!("other"))),
        peer.token(&claims_with("exp", json!(NOW - 31))),
        peer.token(&claims_with("nbf", json!(NOW + 31))),
        peer.token(&claims_with("cnf", json!({"jkt": "a"}))),
        peer.token(&claims_without("jti")),
    ]);
    for token in &tokens {
        let kind = verifier.verify_async::<()>(token).await.unwrap_err().kind();
        assert!(
            !matches!(kind, KeysUnavailable | UnknownKey),
            "{kind:?} {token}"
        );
        assert_eq!(refused(&verifier, token), kind);
    }
    other.until_asked(0).await;
    assert!(verifier.verify_async::<()>(&good).await.is_ok());
    assert_eq!(other.asked(), 1);
}

/// §5: a public key is no secret, and nothing that is published is one.
#[tokio::test]
async fn symmetric_keys_never_come_from_elsewhere() {
    let hs256 = peer(Algorithm::HS256);
    let shared = json!({"kty": "oct", "k": encode(crate::support::SECRET), "kid": "shared"});
    let other = Other::with(&[jwk(es256()), shared]);
    let (verifier, _) = started(&other).await;
    for kid in ["shared", es256().key.key_id()] {
        let kind = refused(&verifier, &token_named(hs256, kid));
        assert_eq!(kind, TokenErrorKind::WrongAlgorithm);
    }
    other.until_asked(1).await;
}

/// §7, test 17: a new key is used as soon as it is published.
#[tokio::test]
async fn a_new_key_is_found_with_one_request() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    hands.set(NOW + 1);
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    assert!(verifier.verify_async::<()>(&token(ed25519())).await.is_ok());
    assert!(verifier.verify_async::<()>(&token(es256())).await.is_ok());
    assert_eq!(other.asked(), 2);
}

/// Also one without a name.
#[tokio::test]
async fn a_new_key_is_found_for_a_token_without_kid() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, _) = started(&other).await;
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    let header = json!({"typ": "at+jwt", "alg": "EdDSA"}).to_string();
    let nameless = ed25519().forge(&header, &claims().to_string());
    assert!(verifier.verify_async::<()>(&nameless).await.is_ok());
    assert_eq!(other.asked(), 2);
}

/// §7, test 16, first half.
#[tokio::test]
async fn a_flood_of_unknown_names_asks_once_per_cool_down() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    let good = token(es256());
    let signed = token_named(es256(), "name");
    let (_, rest) = signed.split_once('.').unwrap();
    for at in 0..10_000 {
        let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": format!("name-{at}")});
        let token = format!("{}.{rest}", encode(header.to_string().as_bytes()));
        let error = verifier.verify_async::<()>(&token).await.unwrap_err();
        assert_eq!(error.kind(), UnknownKey);
    }
    assert_eq!(other.asked(), 2);
    for (second, asked) in [(29, 2), (30, 3), (59, 3), (60, 4)] {
        hands.set(NOW + second);
        for _ in 0..10 {
            let error = verifier.verify_async::<()>(&signed).await.unwrap_err();
            assert_eq!(error.kind(), UnknownKey);
        }
        assert_eq!(other.asked(), asked, "{second}");
    }
    assert!(verify(&verifier, &good).is_ok());
}

/// §7, test 16, second half.
#[tokio::test]
async fn known_keys_wait_for_nobody() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    let good = token(es256());
    other.hang(true);
    let waiting = {
        let verifier = verifier.clone();
        tokio::spawn(async move { verifier.verify_async::<()>(&token(ed25519())).await })
    };
    other.until_asked(2).await;
    for second in [0, 1, 500, 850, 999] {
        hands.set(NOW + second);
        // Ready at once, without being polled twice.
        let mut verifying = Box::pin(verifier.verify_async::<()>(&good));
        let first =
            std::future::poll_fn(|cx| std::task::Poll::Ready(Future::poll(verifying.as_mut(), cx)));
        assert!(
            matches!(first.await, std::task::Poll::Ready(Ok(_))),
            "{second}"
        );
    }
    assert!(!waiting.is_finished());
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    other.hang(false);
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(other.asked(), 2);
}

#[tokio::test]
async fn all_who_wait_share_one_request_and_may_go_away() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let verifier = verifier(&other.builder(&hands).build().unwrap(), &hands);
    other.hang(true);
    let mut waiting = JoinSet::new();
    let handles: Vec<_> = (0..64)
        .map(|_| {
            let verifier = verifier.clone();
            waiting.spawn(async move { verifier.verify_async::<()>(&token(es256())).await.is_ok() })
        })
        .collect();
    other.until_asked(1).await;
    // The first of them has begun the request.
    handles[..60]
        .iter()
        .for_each(tokio::task::AbortHandle::abort);
    other.until_asked(1).await;
    other.hang(false);
    let mut good = 0;
    while let Some(result) = waiting.join_next().await {
        match result {
            Ok(is_good) => good += usize::from(is_good),
            Err(error) => assert!(error.is_cancelled()),
        }
    }
    assert_eq!((good, other.asked()), (4, 1));
}

/// It goes on also when nobody is left to wait for it.
#[tokio::test]
async fn who_began_may_go_away() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let verifier = verifier(&other.builder(&hands).build().unwrap(), &hands);
    other.hang(true);
    let first = {
        let verifier = verifier.clone();
        tokio::spawn(async move { verifier.verify_async::<()>(&token(es256())).await.map(drop) })
    };
    other.until_asked(1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    other.hang(false);
    other.until_asked(1).await;
    assert!(verify(&verifier, &token(es256())).is_ok());
}

/// On threads that really run beside each other: nobody misses the end of the request that they came late for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_good_token_is_never_refused_while_its_key_arrives() {
    for _ in 0..200 {
        let other = Other::with(&[jwk(es256())]);
        let (verifier, _) = started(&other).await;
        other.publish(&[jwk(es256()), jwk(ed25519())]);
        let mut waiting = JoinSet::new();
        for _ in 0..16 {
            let verifier = verifier.clone();
            waiting.spawn(async move { verifier.verify_async::<()>(&token(ed25519())).await });
        }
        while let Some(result) = waiting.join_next().await {
            assert!(result.unwrap().is_ok());
        }
        assert_eq!(other.asked(), 2);
    }
}

/// The issuer is down: a token of a key that is not known may be good, and a client that is told otherwise throws
/// it away.
#[tokio::test]
async fn while_asking_fails_an_unknown_key_is_not_a_bad_token() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    other.fail();
    for (second, asked) in [(0, 2), (1, 2), (29, 2), (30, 3)] {
        hands.set(NOW + second);
        let error = verifier
            .verify_async::<()>(&token(ed25519()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), KeysUnavailable, "{second}");
        assert_eq!(refused(&verifier, &token(ed25519())), KeysUnavailable);
        assert!(verify(&verifier, &token(es256())).is_ok());
        assert_eq!(other.asked(), asked, "{second}");
    }
    // What is bad is bad.
    let expired = ed25519().token(&claims_with("exp", json!(NOW - 31)));
    let error = verifier.verify_async::<()>(&expired).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Expired);
}

#[tokio::test]
async fn the_cool_down_can_be_another() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let builder = other.builder(&hands).with_cool_down(Duration::from_secs(5));
    let keys = builder.build().unwrap();
    keys.ready().await.unwrap();
    let verifier = verifier(&keys, &hands);
    for (second, asked) in [(0, 2), (4, 2), (5, 3)] {
        hands.set(NOW + second);
        let error = verifier
            .verify_async::<()>(&token(ed25519()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), UnknownKey);
        assert_eq!(other.asked(), asked, "{second}");
    }
}
