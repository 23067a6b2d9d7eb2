//! Properties that hold for whatever is sent.

use std::collections::HashSet;

use buttress_jwt::{Algorithm, Claims, KeySet, SigningKey, VerifyingKey};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, ISSUER, NOW, claims, encode, peer, verify};

/// What a claim may be in a token that someone got wrong, or meant to.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(vec![
            NOW - 1,
            NOW,
            NOW + 1,
            NOW + 60,
            NOW - 31,
            NOW - 30,
            NOW + 301,
            0,
            -1,
            i64::MAX
        ])
        .prop_map(Value::from),
        select(vec![0.5, -0.5, 1.7e9, 1e300]).prop_map(Value::from),
        select(vec![
            "",
            AUDIENCE,
            ISSUER,
            "other",
            "a b",
            " ",
            "ü",
            "a\"b",
            "1700000060"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            inner.prop_map(|value| json!({"a": value})),
        ]
    })
}

const NAMES: [&str; 12] = [
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
    "other",
];

/// The rules, read off RFC 9068 as simply as possible.
pub(crate) fn is_valid(claims: &Value) -> bool {
    let text = |name: &str| claims[name].as_str().is_some_and(|text| !text.is_empty());
    let absent = |name: &str| claims.get(name).is_none();
    let strings = |value: &Value| {
        value
            .as_array()
            .is_some_and(|values| values.iter().all(Value::is_string))
    };
    // Of the numbers that are generated, all are exact in floating point but the largest, which is refused.
    let time = |name: &str| {
        claims[name]
            .as_f64()
            .filter(|time| (0.0..253_402_300_800.0).contains(time) && !time.is_sign_negative())
    };
    let audience = match &claims["aud"] {
        Value::String(one) => vec![Value::from(one.as_str())],
        Value::Array(all) => all.clone(),
        _ => return false,
    };
    let scope = |value: &Value| {
        value.as_str().is_some_and(|scope| {
            scope.is_empty()
                || scope.split(' ').all(|one| {
                    !one.is_empty()
                        && one
                            .chars()
                            .all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
                })
        })
    };
    let now = NOW as f64;
    claims["iss"] == ISSUER
        && text("sub")
        && text("jti")
        && audience
            .iter()
            .all(|one| one.as_str().is_some_and(|one| !one.is_empty()))
        && audience.contains(&Value::from(AUDIENCE))
        && time("exp").is_some_and(|time| now < time + 30.0)
        && time("iat").is_some_and(|time| time <= now + 300.0)
        && (absent("nbf") || time("nbf").is_some_and(|time| time <= now + 30.0))
        && (absent("client_id") || text("client_id"))
        && (absent("sid") || text("sid"))
        && (absent("scope") || scope(&claims["scope"]))
        && (absent("roles") || strings(&claims["roles"]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_verifier_agrees_with_a_naive_reading(
        changes in vec((select(&NAMES[..]), option::weighted(0.8, value())), 0..3),
    ) {
        let peer = peer(Algorithm::HS256);
        let mut claims = claims();
        for (name, value) in changes {
            match value {
                Some(value) => claims[name] = value,
                None => {
                    claims.as_object_mut().unwrap().remove(name);
                }
            }
        }
        let result = verify(&peer.verifier(), &peer.token(&claims));
        prop_assert_eq!(result.is_ok(), is_valid(&claims), "{} {:?}", claims, result);
    }

    #[test]
    fn no_text_is_a_token(text in ".{0,300}") {
        prop_assert!(verify(&peer(Algorithm::HS256).verifier(), &text).is_err());
    }

    #[test]
    fn no_segments_are_a_token(
        header in vec(any::<u8>(), 0..80), payload in vec(any::<u8>(), 0..80), signature in vec(any::<u8>(), 0..80),
    ) {
        let token = [header, payload, signature].map(|bytes| encode(&bytes)).join(".");
        prop_assert!(verify(&peer(Algorithm::HS256).verifier(), &token).is_err());
    }

    /// Signed junk gets past the signature and no further.
    #[test]
    fn signed_junk_is_refused(header in "[{}\\[\\]\",:a-z0-9\\\\u ]{0,60}", payload in vec(any::<u8>(), 0..80)) {
        let peer = peer(Algorithm::HS256);
        let payload = encode(&payload);
        for header in [header, peer.header().to_string()] {
            let token = peer.sign(&format!("{}.{payload}", encode(header.as_bytes())));
            prop_assert!(verify(&peer.verifier(), &token).is_err());
        }
    }

    /// No token but the one that was issued: any change anywhere is refused.
    #[test]
    fn no_character_of_a_token_can_be_changed(at in any::<prop::sample::Index>(), by in any::<char>(), how in 0..3) {
        let peer = peer(Algorithm::HS256);
        let token = peer.token(&claims());
        let at = at.index(token.len());
        let mut other = token.clone();
        match how {
            0 => other.insert(at, by),
            1 => drop(other.remove(at)),
            _ => other.replace_range(at..=at, &by.to_string()),
        }
        prop_assume!(other != token);
        prop_assert!(verify(&peer.verifier(), &other).is_err());
    }

    #[test]
    fn what_is_issued_is_read_back(
        subject in "\\PC{1,20}", session in option::of("\\PC{1,20}"), roles in vec("\\PC{0,10}", 0..4),
        scopes in vec("[!#-\\[\\]-~]{1,10}", 0..4), custom in "\\PC{0,20}", key in "[a-z]{12}",
    ) {
        let key_ring = buttress_jwt::KeyRing::new(peer(Algorithm::HS256).key.clone()).unwrap();
        let issuer = buttress_jwt::Issuer::new(ISSUER, AUDIENCE, key_ring.clone());
        let verifier = buttress_jwt::Verifier::new(ISSUER, AUDIENCE, key_ring);
        let mut grant = buttress_jwt::Grant::new(&*subject).with_roles(&roles).with_scopes(&scopes);
        if let Some(session) = &session {
            grant = grant.with_session(session);
        }
        let custom = json!({ key: custom });
        let token = issuer.issue(grant.with_custom(&custom)).unwrap().token;
        let claims: Claims<Value> = verifier.verify(&token).unwrap();
        prop_assert_eq!(claims.subject, subject);
        prop_assert_eq!(claims.session_id, session);
        prop_assert_eq!(claims.roles, roles);
        prop_assert_eq!(claims.scopes, scopes);
        prop_assert_eq!(claims.custom, custom);
    }

    #[test]
    fn no_text_makes_the_readers_of_keys_panic(text in "[{}\\[\\]\",:a-zA-Z0-9_\\- \n]{0,200}") {
        let jwk = text.replace("kk", "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":");
        let _ = VerifyingKey::from_jwk(&jwk);
        let _ = SigningKey::from_jwk(&jwk);
        let _ = KeySet::from_json(&jwk);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let _ = SigningKey::from_pem(&pem);
        let _ = VerifyingKey::from_pem(pem.replace("PRIVATE", "PUBLIC"));
    }

    #[test]
    fn members_of_a_jwk_are_never_trusted(changes in vec((
        select(vec!["kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "d", "k"]),
        prop_oneof![
            value(),
            select(vec!["OKP", "EC", "RSA", "oct", "sig", "enc", "Ed25519", "P-256", "EdDSA", "ES256", "AQAB", "AA"])
                .prop_map(Value::from),
            vec(select(vec!["sign", "verify", "encrypt"]), 0..3).prop_map(Value::from),
            vec(any::<u8>(), 32).prop_map(|bytes| Value::from(encode(&bytes))),
        ],
    ), 0..4)) {
        let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (name, value) in changes {
            jwk[name] = value;
        }
        let absent = |name: &str| jwk.get(name).is_none();
        let read = VerifyingKey::from_jwk(jwk.to_string());
        // What is read satisfies all of this.
        if let Ok(key) = read {
            prop_assert!(absent("d") && absent("k"));
            prop_assert!(absent("use") || jwk["use"] == "sig");
            prop_assert!(absent("kid") || jwk["kid"] == key.key_id());
            if let Some(operations) = jwk.get("key_ops") {
                let operations: Vec<_> = operations.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
                let unique: HashSet<_> = operations.iter().collect();
                prop_assert!(operations.contains(&"verify") && unique.len() == operations.len());
                prop_assert!(!operations.contains(&"encrypt"));
            }
            let algorithm = format!("{:?}", key.algorithm());
            prop_assert!(absent("alg") || jwk["alg"] == algorithm || jwk["alg"] == "Ed25519");
        }
    }
}
