//! When keys are asked for, for how long they are used, and what happens when there are none.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use ::http::Response;
use buttress_jwt::{ErrorKind, RemoteKeys, TokenErrorKind};
use bytes::Bytes;
use serde_json::json;

use super::{Other, document_of, ed25519, es256, jwk, started, status, token, verifier};
use crate::{
    log::Log,
    support::{Hands, NOW, refused, verify},
};

use TokenErrorKind::{KeysUnavailable, UnknownKey};

#[tokio::test]
async fn the_first_token_waits_for_the_keys() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let verifier = verifier(&other.builder(&hands).build().unwrap(), &hands);
    assert_eq!(other.asked(), 0);
    let claims = verifier.verify_async::<()>(&token(es256())).await.unwrap();
    assert_eq!(claims.subject, "user-1");
    assert!(verify(&verifier, &token(es256())).is_ok());
    assert_eq!(other.asked(), 1);
}

#[tokio::test]
async fn who_does_not_wait_has_the_keys_the_next_time() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let verifier = verifier(&other.builder(&hands).build().unwrap(), &hands);
    assert_eq!(refused(&verifier, &token(es256())), KeysUnavailable);
    other.until_asked(1).await;
    assert!(verify(&verifier, &token(es256())).is_ok());
}

#[tokio::test]
async fn ready_says_why_there_are_no_keys() {
    let other = Other::with(&[jwk(es256())]);
    other.fail();
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    for _ in 0..3 {
        let error = keys.ready().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeysUnavailable);
        let text = error.to_string();
        assert!(text.contains("login.example.com/jwks.json"), "{text}");
        assert!(text.contains("nobody is there"), "{text}");
    }
    assert_eq!(other.asked(), 1);
    hands.set(NOW + 29);
    assert!(keys.ready().await.is_err());
    assert_eq!(other.asked(), 1);
    hands.set(NOW + 30);
    other.publish(&[jwk(es256())]);
    keys.ready().await.unwrap();
    keys.ready().await.unwrap();
    assert_eq!(other.asked(), 2);
}

#[tokio::test]
async fn keys_are_asked_for_again_before_their_time_is_over() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    hands.set(NOW + 749);
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.until_asked(1).await;
    hands.set(NOW + 850);
    other.hang(true);
    for _ in 0..3 {
        assert!(verify(&verifier, &token(es256())).is_ok());
    }
    other.until_asked(2).await;
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.hang(false);
    other.until_asked(2).await;
    // Another 1000 seconds from then on.
    hands.set(NOW + 850 + 749);
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.until_asked(2).await;
}

/// §7, test 17: also when no token came that would have had them asked for.
#[tokio::test]
async fn a_key_that_is_taken_back_is_gone_when_its_time_is_over() {
    let other = Other::with(&[jwk(es256()), jwk(ed25519())]);
    let (verifier, hands) = started(&other).await;
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.publish(&[jwk(ed25519())]);
    hands.set(NOW + 749);
    assert!(verify(&verifier, &token(es256())).is_ok());
    hands.set(NOW + 1000);
    assert_eq!(refused(&verifier, &token(es256())), KeysUnavailable);
    let error = verifier
        .verify_async::<()>(&token(es256()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), UnknownKey);
    assert!(verify(&verifier, &token(ed25519())).is_ok());
    assert_eq!(other.asked(), 2);
}

/// §7, test 18.
#[tokio::test]
async fn old_keys_are_used_while_no_others_can_be_had_and_not_for_ever() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    let token = token(es256());
    for answer in [None, status(500), status(404), status(302), status(204)] {
        other.answer(move |_| answer.clone());
        let before = other.asked();
        let begin = hands.seconds().max(NOW + 850);
        hands.set(begin);
        assert!(verify(&verifier, &token).is_ok());
        other.until_asked(before + 1).await;
        // Once in thirty seconds, and nobody waits for it.
        for second in 0..30 {
            hands.set(begin + second);
            assert!(verifier.verify_async::<()>(&token).await.is_ok());
        }
        other.until_asked(before + 1).await;
        hands.set(begin + 30);
    }
    other.fail();
    for (round, second) in (1000..1000 + 3600).step_by(30).enumerate() {
        hands.set(NOW + second);
        assert!(verify(&verifier, &token).is_ok());
        other.until_asked(7 + round).await;
    }
    hands.set(NOW + 1000 + 3599);
    assert!(verify(&verifier, &token).is_ok());
    hands.set(NOW + 1000 + 3600);
    assert_eq!(refused(&verifier, &token), KeysUnavailable);
    let error = verifier.verify_async::<()>(&token).await.unwrap_err();
    assert_eq!(error.kind(), KeysUnavailable);

    // As soon as they can be had, they are.
    other.publish(&[jwk(es256())]);
    hands.set(NOW + 1000 + 3600 + 60);
    assert!(verifier.verify_async::<()>(&token).await.is_ok());
}

/// That asking failed before a pause says nothing of what can be had after it.
#[tokio::test]
async fn after_a_pause_old_keys_are_not_used_before_others_were_asked_for() {
    let other = Other::with(&[jwk(es256()), jwk(ed25519())]);
    let (verifier, hands) = started(&other).await;
    let (taken_back, kept) = (token(es256()), token(ed25519()));
    other.fail();
    hands.set(NOW + 900);
    assert!(verify(&verifier, &taken_back).is_ok());
    other.until_asked(2).await;

    // It still fails: who comes first waits for that, the others do not.
    hands.set(NOW + 2000);
    assert_eq!(refused(&verifier, &taken_back), KeysUnavailable);
    assert!(verifier.verify_async::<()>(&taken_back).await.is_ok());
    assert_eq!(other.asked(), 3);
    hands.set(NOW + 2000 + 59);
    assert!(verify(&verifier, &taken_back).is_ok());
    other.until_asked(4).await;

    other.publish(&[jwk(ed25519())]);
    hands.set(NOW + 4000);
    let error = verifier.verify_async::<()>(&taken_back).await.unwrap_err();
    assert_eq!(error.kind(), UnknownKey);
    assert!(verify(&verifier, &kept).is_ok());
    assert_eq!(other.asked(), 5);
}

#[tokio::test]
async fn without_any_staleness_the_time_is_the_end() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let builder = other.builder(&hands).with_max_stale(Duration::ZERO);
    let keys = builder.build().unwrap();
    keys.ready().await.unwrap();
    let verifier = verifier(&keys, &hands);
    other.fail();
    hands.set(NOW + 999);
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.until_asked(2).await;
    hands.set(NOW + 1000);
    assert_eq!(refused(&verifier, &token(es256())), KeysUnavailable);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let other = Other::new(|_| None);
    let document = json!({"keys": [jwk(es256())]}).to_string();
    other.answer(move |request| {
        let mut response = match request.headers().get("if-none-match") {
            None => document_of(&document),
            Some(tag) => {
                assert_eq!(tag, "W/\"1\"");
                status(304).unwrap()
            }
        };
        let headers = response.headers_mut();
        headers.insert("etag", "W/\"1\"".parse().unwrap());
        headers.insert("cache-control", "max-age=2000".parse().unwrap());
        Some(response)
    });
    let (verifier, hands) = started(&other).await;
    for (second, asked) in [(1499, 1), (1700, 2), (1700 + 1499, 2), (1700 + 1700, 3)] {
        hands.set(NOW + second);
        assert!(verify(&verifier, &token(es256())).is_ok());
        other.until_asked(asked).await;
    }
    assert!(other.last().headers().contains_key("if-none-match"));
}

#[tokio::test]
async fn not_modified_without_a_document_is_a_failure() {
    let other = Other::new(|_| status(304));
    let keys = other.builder(&Hands::at(NOW)).build().unwrap();
    let text = keys.ready().await.unwrap_err().to_string();
    assert!(text.contains("status 304"), "{text}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nothing_alive() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    other.publish(&[jwk(ed25519())]);
    hands.set(NOW - 10);
    assert!(verify(&verifier, &token(es256())).is_ok());
    other.until_asked(2).await;
    assert_eq!(refused(&verifier, &token(es256())), UnknownKey);
    assert!(verify(&verifier, &token(ed25519())).is_ok());
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_asking_fails_keeps_nothing_alive() {
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW + 50_000);
    let keys = other.builder(&hands).build().unwrap();
    keys.ready().await.unwrap();
    let (verifier, token) = (verifier(&keys, &hands), token(es256()));
    other.fail();
    for (round, second) in (0..1000 + 3600).step_by(30).enumerate() {
        hands.set(NOW + second);
        assert!(verify(&verifier, &token).is_ok(), "{second}");
        other.until_asked(2 + round).await;
        // Once in thirty seconds, by this clock as well.
        assert!(verify(&verifier, &token).is_ok(), "{second}");
        other.until_asked(2 + round).await;
    }
    hands.set(NOW + 1000 + 3600);
    assert_eq!(refused(&verifier, &token), KeysUnavailable);
    let error = verifier.verify_async::<()>(&token).await.unwrap_err();
    assert_eq!(error.kind(), KeysUnavailable);
}

/// A failure of a time that has not come yet does not count.
#[tokio::test]
async fn a_clock_that_is_set_back_after_a_failure_has_keys_asked_for() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    other.fail();
    hands.set(NOW + 2000);
    let token = token(es256());
    assert!(verifier.verify_async::<()>(&token).await.is_ok());
    hands.set(NOW + 1100);
    other.publish(&[jwk(ed25519())]);
    let error = verifier.verify_async::<()>(&token).await.unwrap_err();
    assert_eq!(error.kind(), UnknownKey);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_its_time() {
    let other = Other::with(&[jwk(es256())]);
    other.hang(true);
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    let begin = tokio::time::Instant::now();
    let text = keys.ready().await.unwrap_err().to_string();
    assert!(text.contains("in time"), "{text}");
    let took = begin.elapsed();
    assert!((5000..5100).contains(&took.as_millis()), "{took:?}");
    // The attempt is over: the next one finds what has come.
    other.hang(false);
    hands.set(NOW + 30);
    keys.ready().await.unwrap();
}

#[tokio::test]
async fn a_client_that_panics_has_failed() {
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = started(&other).await;
    let panics = AtomicBool::new(true);
    let document = json!({"keys": [jwk(ed25519())]}).to_string();
    other.answer(move |_| {
        assert!(
            !panics.swap(false, Ordering::SeqCst),
            "a client may have bugs"
        );
        Some(document_of(&document))
    });
    hands.set(NOW + 1000);
    // It is not known, after an attempt that has failed.
    let error = verifier
        .verify_async::<()>(&token(ed25519()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), KeysUnavailable);
    assert!(verify(&verifier, &token(es256())).is_ok());
}

/// A runtime that ends takes its tasks along, and another one may go on with the keys.
#[test]
fn a_runtime_that_ends_takes_no_keys_along() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let other = Other::with(&[jwk(es256())]);
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    let verifier = verifier(&keys, &hands);
    let first = runtime();
    other.hang(true);
    first.block_on(async {
        assert_eq!(refused(&verifier, &token(es256())), KeysUnavailable);
        other.until_asked(1).await;
    });
    drop(first);
    other.hang(false);
    hands.set(NOW + 30);
    runtime().block_on(async { keys.ready().await.unwrap() });
    assert_eq!(other.asked(), 2);
    // Outside of any, what is there is used, and nothing is fetched.
    hands.set(NOW + 900);
    assert!(verify(&verifier, &token(es256())).is_ok());
    hands.set(NOW + 30 + 1000 + 3600);
    assert_eq!(refused(&verifier, &token(es256())), KeysUnavailable);
    assert_eq!(other.asked(), 2);
}

/// One part of a program that verifies where nothing can be fetched does not take new keys from the others.
#[test]
fn verifying_outside_of_a_runtime_is_logged_and_is_no_failure() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let other = Other::with(&[jwk(es256())]);
    let (verifier, hands) = runtime.block_on(started(&other));
    let unknown = token(ed25519());
    let log = |at: i64| {
        hands.set(NOW + at);
        let logged = pin!(Log::of(async {
            for _ in 0..3 {
                assert_eq!(refused(&verifier, &unknown), UnknownKey);
                assert!(verify(&verifier, &token(es256())).is_ok());
            }
        }));
        let Poll::Ready((_, log)) = logged.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("nothing waits");
        };
        log.matches("outside of a Tokio runtime").count()
    };
    assert_eq!((log(900), log(929), log(930)), (1, 0, 1));
    assert_eq!(other.asked(), 1);
    other.publish(&[jwk(es256()), jwk(ed25519())]);
    let found = runtime.block_on(verifier.verify_async::<()>(&unknown));
    assert!(found.is_ok());
    assert_eq!(other.asked(), 2);
}

#[tokio::test]
async fn what_happens_is_logged_and_nothing_that_is_secret() {
    let hands = Hands::at(NOW);
    let other = Other::with(&[jwk(es256()), json!({"kty": "oct", "k": "c2VjcmV0LWtleQ"})]);
    let keys = RemoteKeys::builder("https://login.example.com/keys?code=hidden-query")
        .with_fetch(other.clone())
        .with_clock(hands.clock())
        .build()
        .unwrap();
    let (_, log) = Log::of(keys.ready()).await;
    assert!(
        log.contains("the keys of another service have changed"),
        "{log}"
    );
    assert!(
        log.contains("a key of another service is not used"),
        "{log}"
    );
    assert!(log.contains(es256().key.key_id()), "{log}");
    let verifier = verifier(&keys, &hands);
    other.answer(|_| {
        let body = Bytes::from_static(b"<html>text-of-the-page</html>");
        Some(Response::new(body))
    });
    hands.set(NOW + 900);
    let (_, failed) = Log::of(async {
        verify(&verifier, &token(es256())).unwrap();
        other.until_asked(2).await;
    })
    .await;
    assert!(failed.contains("WARN"), "{failed}");
    assert!(failed.contains("could not be fetched"), "{failed}");
    assert!(failed.contains("kept_until"), "{failed}");
    let debug = format!(
        "{keys:?} {:?}",
        RemoteKeys::builder("https://a.com/?b=hidden-query")
    );
    for text in [log, failed, debug] {
        for secret in ["hidden-query", "c2VjcmV0LWtleQ", "text-of-the-page"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn settings_have_bounds() {
    let seconds = Duration::from_secs;
    let builder = || Other::new(|_| None).builder(&Hands::at(NOW));
    for built in [
        builder().with_timeout(seconds(0)),
        builder().with_timeout(seconds(31)),
        builder().with_cool_down(seconds(0)),
        builder().with_cool_down(seconds(3601)),
        builder().with_max_stale(seconds(7 * 86_400 + 1)),
        RemoteKeys::builder("http://login.example.com/jwks.json"),
        RemoteKeys::builder("http://localhost/jwks.json"),
        RemoteKeys::builder("jwks.json"),
        RemoteKeys::builder("http://login.example.com/jwks.json").with_insecure_loopback_http(),
        RemoteKeys::of_openid_issuer("http://login.example.com"),
        RemoteKeys::of_oauth_issuer("https://login.example.com?a"),
    ] {
        let error = built.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{error}");
    }
    let built = builder()
        .with_timeout(seconds(30))
        .with_cool_down(seconds(3600))
        .with_max_stale(seconds(7 * 86_400));
    assert!(built.build().is_ok());
}

#[cfg(not(feature = "remote-https"))]
#[test]
fn without_a_client_it_is_said_how_to_have_one() {
    let error = RemoteKeys::builder("https://login.example.com/jwks.json")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    let text = error.to_string();
    assert!(
        text.contains("with_fetch") && text.contains("remote-https"),
        "{text}"
    );
}
