//! What is taken for keys, and what leaves those that are there.

use ::http::Response;
use buttress_jwt::{KeySet, TokenErrorKind};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Other, document_of, ed25519, es256, jwk, started, token};
use crate::support::{NOW, refused, verify};

/// §5: what somebody may serve in place of keys.
#[tokio::test]
async fn what_is_no_set_of_keys_leaves_the_keys_that_are_there() {
    let key = jwk(ed25519()).to_string();
    let many = vec![key.as_str(); KeySet::MAX_KEYS + 1].join(",");
    let secret = json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"});
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let documents = [
        String::new(),
        "null".to_owned(),
        "<!doctype html><title>Log in</title>".to_owned(),
        format!("[{key}]"),
        key.clone(),
        "{}".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":{}}"#.to_owned(),
        format!(r#"{{"keys":[{secret}]}}"#),
        format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#),
        format!(r#"{{"keys":[{many}]}}"#),
        format!(r#"{{"keys":[{key}],"x":{deep}}}"#),
        format!(r#"{{"keys":[{key},{deep}]}}"#),
        format!(r#"{{"keys":[{key}]}}{}"#, " ".repeat(KeySet::MAX_SIZE)),
        format!(r#"{{"keys":[{key}]"#),
        format!("\u{feff}{{\"keys\":[{key}]}}"),
    ];
    for document in documents {
        let other = Other::with(&[jwk(es256())]);
        let (verifier, hands) = started(&other).await;
        let body = Bytes::from(document.clone());
        other.answer(move |_| Some(Response::new(body.clone())));
        hands.set(NOW + 900);
        assert!(verify(&verifier, &token(es256())).is_ok());
        other.until_asked(2).await;
        let start = &document[..document.len().min(60)];
        assert!(verify(&verifier, &token(es256())).is_ok(), "{start}");
        let kind = refused(&verifier, &token(ed25519()));
        assert_eq!(kind, TokenErrorKind::KeysUnavailable, "{start}");
    }
}

/// §7, test 15, from elsewhere.
#[tokio::test]
async fn one_bad_key_does_not_spoil_the_set() {
    let mut private = jwk(ed25519());
    private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let keys: Vec<Value> = vec![
        json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "ml-dsa"}),
        json!(null),
        json!("key"),
        private,
        jwk(ed25519()),
        jwk(es256()),
    ];
    let (verifier, _) = started(&Other::with(&keys)).await;
    assert!(verify(&verifier, &token(es256())).is_ok());
    assert_eq!(
        refused(&verifier, &token(ed25519())),
        TokenErrorKind::UnknownKey
    );
}

/// Another key of the same name is another key.
#[tokio::test]
async fn a_name_that_is_used_again_means_the_new_key() {
    let named = |key: Value| {
        let mut key = key;
        key["kid"] = json!("current");
        key
    };
    let other = Other::with(&[named(jwk(es256()))]);
    let (verifier, hands) = started(&other).await;
    let old = super::token_named(es256(), "current");
    let new = super::token_named(ed25519(), "current");
    assert!(verify(&verifier, &old).is_ok());
    assert_eq!(refused(&verifier, &new), TokenErrorKind::WrongAlgorithm);
    other.publish(&[named(jwk(ed25519()))]);
    hands.set(NOW + 900);
    assert!(verify(&verifier, &old).is_ok());
    other.until_asked(2).await;
    assert!(verify(&verifier, &new).is_ok());
    assert_eq!(refused(&verifier, &old), TokenErrorKind::WrongAlgorithm);
}

#[tokio::test]
async fn the_type_that_an_answer_names_does_not_matter() {
    for content_type in [
        "application/jwk-set+json",
        "application/json",
        "text/plain",
        "",
    ] {
        let document = json!({"keys": [jwk(es256())]}).to_string();
        let other = Other::new(move |request| {
            assert_eq!(request.method(), "GET");
            let accept = request.headers()["accept"].to_str().unwrap();
            assert!(accept.starts_with("application/jwk-set+json"), "{accept}");
            let mut response = document_of(&document);
            let value = content_type.parse().unwrap();
            response.headers_mut().insert("content-type", value);
            Some(response)
        });
        let (verifier, _) = started(&other).await;
        assert!(verify(&verifier, &token(es256())).is_ok());
    }
}
