//! Project Wycheproof, `testvectors_v1/json_web_key_test.json`: keys that a careless reader takes.
//!
//! The number of a case is its `tcId`. What is left out: the private halves, which no case uses, and case 4, two
//! symmetric keys of one name in a set, as no set has symmetric keys here.

use serde_json::{Value, json};

use super::{KeySet, SigningKey, VerifyingKey, from_name};
use crate::{Error, ErrorKind, token::base64url};

/// Reads a key as it is meant to be read: a symmetric one as a secret.
fn read(jwk: &Value) -> Result<VerifyingKey, Error> {
    if jwk["kty"] == "oct" {
        return SigningKey::from_jwk(jwk.to_string()).map(|key| key.verifying_key().clone());
    }
    VerifyingKey::from_jwk(jwk.to_string())
}

/// Whether the signature is of the key, by the algorithm of the key.
fn verifies(key: &VerifyingKey, jws: &str) -> bool {
    let (message, signature) = jws.rsplit_once('.').expect("a dot");
    let (header, _) = message.split_once('.').expect("a dot");
    let header: Value =
        serde_json::from_slice(&base64url::decode(header).expect("base64url")).expect("JSON");
    let algorithm = from_name(header["alg"].as_str().expect("a string"));
    algorithm == Some(key.algorithm())
        && header["kid"] == key.key_id()
        && key.verifies(
            message.as_bytes(),
            &base64url::decode(signature).expect("base64url"),
        )
}

#[track_caller]
fn valid(jwk: &Value, jws: &str) {
    assert!(verifies(&read(jwk).expect("a key"), jws));
}

#[track_caller]
fn refused(jwk: &Value, kind: ErrorKind) {
    assert_eq!(read(jwk).expect_err("no key").kind(), kind);
}

const HS256: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1hZXMtc2lnbiJ9.Zm9v.TD37p4c_0jmreSrBSDmE0F3mYSPtkZ3WrSyI5wb_KTg";

fn hs256() -> Value {
    json!({
        "alg": "HS256", "use": "sig", "k": "-ebuDNsVZ2iJtoZ-akfXTSCt4UO2cruLCsbWlBinggE", "kid": "kid-aes-sign",
        "kty": "oct",
    })
}

fn es256() -> Value {
    json!({
        "alg": "ES256", "use": "sig", "x": "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY",
        "y": "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw", "crv": "P-256", "kid": "kid-ec-sign", "kty": "EC",
    })
}

fn with(mut jwk: Value, name: &str, value: &str) -> Value {
    jwk[name] = value.into();
    jwk
}

/// 1: a symmetric key among public ones is left out, and with it the token that it would verify.
#[test]
fn mixed_sets() {
    let set = json!({"keys": [hs256(), es256()]}).to_string();
    let set = KeySet::from_json(set).expect("a set");
    assert_eq!(set.skipped()[0].kind(), ErrorKind::WrongKeyUse);
    assert!(set.len() == 1 && set.iter().all(|key| !verifies(key, HS256)));
}

/// 2, 3, 25 and 26.
#[test]
fn symmetric_keys() {
    valid(&hs256(), HS256);
    let key = read(&hs256()).expect("a key");
    assert!(!verifies(
        &key,
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1hZXMtc2lnbiJ9.Zm9v.XD37p4c_0jmreSrBSDmE0F3mYSPtkZ3WrSyI5wb_KTg"
    ));
    for alg in ["A256GCM", "A256KW"] {
        refused(&with(hs256(), "alg", alg), ErrorKind::UnsupportedKey);
    }
}

/// 10 to 12 and 16 to 18.
#[test]
fn symmetric_keys_that_are_short() {
    for (alg, k) in [
        ("HS256", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg"),
        (
            "HS384",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4",
        ),
        (
            "HS512",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-",
        ),
        ("HS256", ""),
        ("HS384", ""),
        ("HS512", ""),
    ] {
        refused(
            &json!({"kty": "oct", "use": "sig", "alg": alg, "k": k}),
            ErrorKind::WeakKey,
        );
    }
}

/// 13 to 15.
#[test]
fn symmetric_keys_that_are_long() {
    let k =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A";
    for (alg, kid, jws) in [
        (
            "HS256",
            "long_hs256_key",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImxvbmdfaHMyNTZfa2V5In0.Zm9v.21LcS4mucXHeWxB34_udiXxb3M3MHd0127KdnfF726o",
        ),
        (
            "HS384",
            "long_hs384_key",
            "eyJhbGciOiJIUzM4NCIsImtpZCI6ImxvbmdfaHMzODRfa2V5In0.Zm9v.Ets-iThpZ2a7MChVHGPUIddl87WDNMWBXzUuaqqwXhy1JQJ2e7qzF395b8dTM8XE",
        ),
        (
            "HS512",
            "long_hs512_key",
            "eyJhbGciOiJIUzUxMiIsImtpZCI6ImxvbmdfaHM1MTJfa2V5In0.Zm9v.QNYWqEdHjNGYfU3_Nf-ZfwaTuW9sNCtzQCNYcp64VJJPeFzph9CsN2CbBhCa2LKTJ7xXwpZPyS3KkwqLAwy17g",
        ),
    ] {
        valid(
            &json!({"kty": "oct", "use": "sig", "kid": kid, "alg": alg, "k": k}),
            jws,
        );
    }
}

/// 5 to 9.
#[test]
fn rsa_keys() {
    let rs256 = json!({
        "alg": "RS256", "use": "sig", "e": "AQAB", "kid": "kid-rsa-sign", "kty": "RSA",
        "n": "kqGboBfAWttWPCA-0cGRgsY6SaYoIARt0B_PkaEcIq9HPYNdu9n6UuWHuuTHrjF_ZoQW97r5HaAorNvrMEGTGdxCHZdEtkHvNVVmrtxTBLiQCbCozXhFoIrVcr3qUBrdGnNn_M3jJi7Wg7p_-x62nS5gNG875oyheRkutHsQXikFZwsN3q_TsPNOVlCiHy8mxzaFTUQGm-X8UYexFyAivlDSjgDJLAZSWfxd7k9Gxuwa3AUfQqQcVcegmgKGCaErQ3qQbh1x7WB6iopE3_-GZ8HMAVtR9AmrVscqYsnjhaCehfAI0iKKs8zXr8tISc0ORbaalrkk03H1ZrsEnDKEWQ",
    });
    valid(
        &rs256,
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtpZC1yc2Etc2lnbiJ9.Zm9v.HUwxI1-cZrZgcuOgBQ7G7NE-GrqK79l6GV1KT4DKXnSMFwC8pfZCzE7pmLE7mYpLCIvzC87yuOjuhT0uW5oe6aaAEtR978cm-q8dfly45flqMrd_ifhi9GCsMlyi8dpQ42Ou1etZljFZuWjfyk8CN1c5DaHRwhqjScAPIFp6xmzKIRUJ_xdQfUSfSlujLaixtScU518EoNP4oo1v7E8RAz6ZO4g2N4Xqs8OvSxYydcoTEg42QnLHe9JnXgI37Q5gSwinwaPsG3Ry56UYiLoL8mCUa74S51y02VsIgVmmGWgaXjM-i_lCiKQDBiBnvWlka4XhVuvd6ZWibM9cbCPtPg",
    );
    refused(
        &with(with(rs256.clone(), "alg", "RSA1_5"), "use", "enc"),
        ErrorKind::WrongKeyUse,
    );
    refused(
        &with(
            rs256.clone(),
            "n",
            "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE",
        ),
        ErrorKind::WeakKey,
    );
    refused(
        &with(
            rs256.clone(),
            "n",
            "rJBIp6T1YK-RtPyvYqFFlcucqewSAA_IReSFchE8qyiQrbARqRlXWkB2DR8j_pJQnIpYELbQWZC5Cd0PTGAU8rMbar2AW6zpmBbi7aQf17lUBdt8XI9M9rq7FPVQ1dDdUXm1SVH_9qqWhvMPR422SbfHBEzCAtzK0ANDRo6qz78",
        ),
        ErrorKind::WeakKey,
    );
    refused(&with(rs256, "e", "AQ"), ErrorKind::WeakKey);
}

/// 19 to 24.
#[test]
fn keys_on_curves() {
    let jws = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v.5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrqWrte5P-pAvsE3Ve6xSyU3YDQwUHjVVOtvcrEbbnZ8yA";
    valid(&es256(), jws);
    refused(&with(es256(), "alg", "ES521"), ErrorKind::UnsupportedKey);
    refused(&with(es256(), "alg", "ES224"), ErrorKind::UnsupportedKey);
    refused(&with(es256(), "use", "enc"), ErrorKind::WrongKeyUse);
    refused(
        &with(es256(), "y", "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgnw"),
        ErrorKind::MalformedKey,
    );
    refused(&with(es256(), "crv", "P-384"), ErrorKind::MalformedKey);
    refused(&with(es256(), "kty", "RSA"), ErrorKind::MalformedKey);
}
