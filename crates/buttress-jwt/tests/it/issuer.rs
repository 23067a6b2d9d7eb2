//! What an issuer puts into a token, and what it does not.

use std::{collections::HashSet, time::Duration};

use buttress_jwt::{Algorithm, Error, ErrorKind, Grant, Issuer, KeyRing, Schedule, TokenErrorKind};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, peer, refused, verify};

fn ring() -> KeyRing {
    KeyRing::new(peer(Algorithm::HS256).key.clone()).unwrap()
}

fn issuer() -> Issuer {
    Issuer::new(ISSUER, AUDIENCE, ring()).with_clock(Hands::at(NOW).clock())
}

fn payload(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let segment = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn a_token_says_what_rfc_9068_asks_for_and_no_more() {
    let issued = issuer().issue(Grant::new("user \"1\"\n")).unwrap();
    let mut claims = payload(&issued.token);
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 36);
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "client_id": AUDIENCE, "sub": "user \"1\"\n", "iat": NOW, "exp": NOW + 900,
        })
    );
    let grant = Grant::new("u")
        .with_session("s")
        .with_scopes(["a:b", "c"])
        .with_roles(["x y", "ü"])
        .with_custom(json!({"tenant": "t", "deep": {"exp": 1}}));
    let claims = payload(&issuer().with_client_id("web").issue(grant).unwrap().token);
    assert_eq!(claims["sid"], "s");
    assert_eq!(claims["scope"], "a:b c");
    assert_eq!(claims["roles"], json!(["x y", "ü"]));
    assert_eq!(claims["tenant"], "t");
    assert_eq!(claims["deep"]["exp"], 1);
    assert_eq!(claims["client_id"], "web");
}

#[test]
fn names_of_tokens_do_not_come_twice() {
    let issuer = issuer();
    let names: HashSet<_> = (0..1000)
        .map(|_| payload(&issuer.issue(Grant::new("u")).unwrap().token)["jti"].to_string())
        .collect();
    assert_eq!(names.len(), 1000);
}

#[test]
fn fractions_of_a_second_are_left_out_of_times() {
    let hands = Hands::at(NOW);
    hands.set_millis(NOW * 1000 + 999);
    let issued = issuer()
        .with_clock(hands.clock())
        .issue(Grant::new("u"))
        .unwrap();
    let claims = payload(&issued.token);
    assert_eq!(
        (&claims["iat"], &claims["exp"]),
        (&json!(NOW), &json!(NOW + 900))
    );
    assert_eq!(issued.expires_in, Duration::from_secs(900));
}

#[test]
fn a_grant_may_end_before_its_token() {
    let end = |seconds| DateTime::from_timestamp(NOW + seconds, 0).unwrap();
    let issue = |seconds| issuer().issue(Grant::new("u").not_after(end(seconds)));
    assert_eq!(issue(10).unwrap().expires_at, end(10));
    assert_eq!(issue(10).unwrap().expires_in, Duration::from_secs(10));
    assert_eq!(issue(900).unwrap().expires_at, end(900));
    assert_eq!(issue(901).unwrap().expires_at, end(900));
    assert_eq!(kind(issue(0)), Some(ErrorKind::InvalidClaims));
    assert_eq!(kind(issue(-1)), Some(ErrorKind::InvalidClaims));
}

#[test]
fn jitter_only_shortens() {
    let issuer = issuer().with_jitter(Duration::from_secs(60)).unwrap();
    let lifetimes: HashSet<_> = (0..500)
        .map(|_| issuer.issue(Grant::new("u")).unwrap().expires_in.as_secs())
        .collect();
    assert!(
        lifetimes
            .iter()
            .all(|seconds| (840..=900).contains(seconds)),
        "{lifetimes:?}"
    );
    // That fewer than ten of the 61 come up in 500 does not happen.
    assert!(lifetimes.len() > 10, "{lifetimes:?}");
    assert_eq!(
        kind(issuer.clone().with_jitter(Duration::from_secs(451))),
        Some(ErrorKind::InvalidConfiguration)
    );
    assert!(issuer.clone().with_jitter(Duration::from_secs(450)).is_ok());
    assert_eq!(
        kind(issuer.with_lifetime(Duration::from_secs(119))),
        Some(ErrorKind::InvalidConfiguration)
    );
}

#[test]
fn tokens_do_not_outlive_what_the_keys_are_held_for() {
    let seconds = Duration::from_secs;
    let short = ring()
        .with_schedule(Schedule::new(seconds(300), seconds(60)).unwrap())
        .unwrap();
    let issuer = Issuer::new(ISSUER, AUDIENCE, short).with_clock(Hands::at(NOW).clock());
    assert_eq!(
        issuer.issue(Grant::new("u")).unwrap().expires_in,
        seconds(300)
    );
    assert_eq!(
        kind(issuer.clone().with_lifetime(seconds(301))),
        Some(ErrorKind::UnsafeSchedule)
    );
    assert_eq!(
        kind(issuer.clone().with_lifetime(Duration::from_millis(999))),
        Some(ErrorKind::InvalidConfiguration)
    );
    assert_eq!(
        issuer
            .with_lifetime(seconds(60))
            .unwrap()
            .issue(Grant::new("u"))
            .unwrap()
            .expires_in,
        seconds(60)
    );
}

#[test]
fn what_no_verifier_would_take_is_not_issued() {
    let invalid = Some(ErrorKind::InvalidClaims);
    assert_eq!(kind(issuer().issue(Grant::new(""))), invalid);
    assert_eq!(
        kind(issuer().issue(Grant::new("u").with_session(""))),
        invalid
    );
    for scope in ["", "a b", "a\"b", "a\\b", "ä", "a\n"] {
        assert_eq!(
            kind(issuer().issue(Grant::new("u").with_scopes([scope]))),
            invalid,
            "{scope:?}"
        );
    }
    // What a token says elsewhere, or what would bind it to a key.
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "sid",
        "scope",
        "roles",
        "cnf",
    ] {
        assert_eq!(
            kind(issuer().issue(Grant::new("u").with_custom(json!({"a": 1, name: "b"})))),
            invalid,
            "{name}"
        );
    }
    for custom in [
        json!([1]),
        json!("a"),
        json!(1),
        json!(true),
        json!({"x": "x".repeat(8000)}),
    ] {
        assert_eq!(
            kind(issuer().issue(Grant::new("u").with_custom(&custom))),
            invalid,
            "{custom}"
        );
    }
    for custom in [json!(null), json!({})] {
        let token = issuer()
            .issue(Grant::new("u").with_custom(custom))
            .unwrap()
            .token;
        assert!(verify(&peer(Algorithm::HS256).verifier(), &token).is_ok());
    }
    // Two members of one name, which serde lets a type write.
    #[derive(serde::Serialize)]
    struct Twice {
        a: u8,
        #[serde(flatten)]
        b: std::collections::BTreeMap<&'static str, u8>,
    }
    let twice = Twice {
        a: 1,
        b: [("a", 2)].into(),
    };
    assert_eq!(
        kind(issuer().issue(Grant::new("u").with_custom(twice))),
        invalid
    );
    let clock = Hands::at(NOW).clock();
    assert_eq!(
        kind(
            Issuer::new("", AUDIENCE, ring())
                .with_clock(clock.clone())
                .issue(Grant::new("u"))
        ),
        invalid
    );
    assert_eq!(
        kind(
            Issuer::new(ISSUER, "", ring())
                .with_clock(clock)
                .issue(Grant::new("u"))
        ),
        invalid
    );
    assert_eq!(
        kind(issuer().with_client_id("").issue(Grant::new("u"))),
        invalid
    );
}

#[test]
fn another_audience_is_another_verifier() {
    let token = Issuer::new(ISSUER, "other", ring())
        .with_clock(Hands::at(NOW).clock())
        .issue(Grant::new("u"))
        .unwrap()
        .token;
    assert_eq!(
        refused(&peer(Algorithm::HS256).verifier(), &token),
        TokenErrorKind::WrongAudience
    );
}
