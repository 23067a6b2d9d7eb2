//! Whose key it is, and that a signature of it has one form.

use buttress_jwt::TokenErrorKind::{BadSignature, Malformed, UnknownKey, WrongAlgorithm};
use buttress_jwt::{Algorithm, ErrorKind, KeyRing, SigningKey};
use serde_json::{Value, json};

use super::refuses_header;
use crate::support::{PEERS, claims, claims_with, encode, peer, refused, verify};

/// A public key is no secret: as one it would let everyone sign.
#[test]
fn t05_public_keys_are_no_secrets() {
    let rsa = peer(Algorithm::RS256);
    let ring = KeyRing::new(rsa.key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    let jwk = jwks["keys"][0].to_string();
    // The token says HS256 and is signed with what the verifier has published.
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": rsa.key.key_id()}).to_string();
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims().to_string().as_bytes())
    );
    let forging = jsonwebtoken::EncodingKey::from_secret(jwk.as_bytes());
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &forging, Algorithm::HS256).unwrap();
    assert_eq!(
        refused(&rsa.verifier(), &format!("{message}.{signature}")),
        WrongAlgorithm
    );

    // And the key of the verifier cannot be configured as a secret by mistake.
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let der = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x19, 0xbf, 0x44,
        0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50,
        0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
    ];
    for secret in [
        pem.as_bytes(),
        &der,
        jwk.as_bytes(),
        ring.jwks().as_bytes(),
        rsa.key.to_pem().unwrap().as_bytes(),
    ] {
        let error = SigningKey::from_secret(Algorithm::HS256, secret).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::WrongKeyUse,
            "{}",
            secret.escape_ascii()
        );
    }
}

#[test]
fn t06_a_signature_has_one_form() {
    for peer in PEERS.iter() {
        let token = peer.token(&claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let verifier = peer.verifier();
        let length = signature.len();
        for other in [
            "A".repeat(length),
            "A".repeat(length - 4),
            format!("{signature}AAAA"),
            "AA".to_owned(),
            signature[4..].to_owned(),
            format!("{}AAAA", &signature[4..]),
        ] {
            let kind = refused(&verifier, &format!("{message}.{other}"));
            assert!(
                matches!(kind, BadSignature | Malformed),
                "{kind:?} {:?}",
                peer.algorithm
            );
        }
        // What is signed is changed: the header, the claims.
        let (header, payload) = message.split_once('.').unwrap();
        let evil = encode(claims_with("sub", json!("admin")).to_string().as_bytes());
        assert_eq!(
            refused(&verifier, &format!("{header}.{evil}.{signature}")),
            BadSignature
        );
        let mut members = peer.header();
        members["x"] = json!(1);
        let other = encode(members.to_string().as_bytes());
        assert_eq!(
            refused(&verifier, &format!("{other}.{payload}.{signature}")),
            BadSignature
        );
    }
}

#[test]
fn keys_are_never_taken_from_the_token() {
    let attacker = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let ring = KeyRing::new(attacker.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    let jwk = &jwks["keys"][0];
    let peer = peer(Algorithm::EdDSA);
    let pem = attacker.to_pem().unwrap();
    let forging = jsonwebtoken::EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    for kid in [
        json!(peer.key.key_id()),
        json!(attacker.key_id()),
        json!(null),
    ] {
        let mut header = json!({
            "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jwk": jwk, "jku": "https://evil.example/jwks.json",
            "x5u": "https://evil.example/x5u", "x5c": ["AA=="],
        });
        if kid.is_null() {
            header.as_object_mut().unwrap().remove("kid");
        }
        let message = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims().to_string().as_bytes())
        );
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &forging, Algorithm::EdDSA).unwrap();
        let kind = refused(&peer.verifier(), &format!("{message}.{signature}"));
        assert!(matches!(kind, BadSignature | UnknownKey), "{kind:?}");
        // They do not get in the way of a good token either.
        if kid != json!(attacker.key_id()) {
            assert!(verify(&peer.verifier(), &peer.sign(&message)).is_ok());
        }
    }
}

#[test]
fn names_of_keys_are_only_compared() {
    for kid in [
        "../../dev/null",
        "' OR 1=1 --",
        "__proto__",
        "",
        "\u{0}",
        "*",
    ] {
        refuses_header(
            &json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}).to_string(),
            UnknownKey,
        );
    }
    refuses_header(r#"{"typ":"at+jwt","alg":"HS256","kid":["a"]}"#, Malformed);
    refuses_header(r#"{"typ":"at+jwt","alg":"HS256","kid":null}"#, Malformed);
}
