//! What is accepted: our own tokens and those of a peer, by each algorithm.

use std::{collections::BTreeMap, time::Duration};

use buttress_jwt::{
    Algorithm, Clock, Grant, Issuer, KeyRing, KeySet, SigningKey, TokenErrorKind, Verifier,
    VerifyingKey,
};
use jsonwebtoken::{Header, Validation, decode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, Hands, ISSUER, NOW, PEERS, claims, claims_with, peer, refused, verify,
};

fn issuer(key: &SigningKey) -> Issuer {
    Issuer::new(ISSUER, AUDIENCE, KeyRing::new(key.clone()).unwrap())
        .with_clock(Hands::at(NOW).clock())
}

#[test]
fn what_is_issued_is_verified_by_each_algorithm() {
    for peer in PEERS.iter() {
        let grant = Grant::new("user-1")
            .with_session("s-1")
            .with_roles(["admin"])
            .with_scopes(["a", "b"]);
        let issued = issuer(&peer.key).issue(grant).unwrap();
        let claims = verify(&peer.verifier(), &issued.token).unwrap();
        assert_eq!(claims.subject, "user-1", "{:?}", peer.algorithm);
        assert_eq!(claims.issuer, ISSUER);
        assert_eq!(claims.audience, [AUDIENCE]);
        assert_eq!(claims.client_id.as_deref(), Some(AUDIENCE));
        assert_eq!(claims.issued_at.timestamp(), NOW);
        assert_eq!(claims.expires_at.timestamp(), NOW + 900);
        assert_eq!(claims.expires_at, issued.expires_at);
        assert_eq!(issued.expires_in, Duration::from_secs(900));
        assert_eq!(claims.not_before, None);
        assert_eq!(claims.token_id.len(), 36);
        assert_eq!(claims.session_id.as_deref(), Some("s-1"));
        assert_eq!(claims.scopes, ["a", "b"]);
        assert_eq!(claims.roles, ["admin"]);
    }
}

#[test]
fn a_key_accepts_no_token_of_another() {
    for one in PEERS.iter() {
        let token = issuer(&one.key).issue(Grant::new("user-1")).unwrap().token;
        for other in PEERS
            .iter()
            .filter(|other| other.algorithm != one.algorithm)
        {
            // By its name it is not found. Under the same name, its algorithm is another.
            assert_eq!(
                refused(&other.verifier(), &token),
                TokenErrorKind::UnknownKey
            );
            let key = other.key.clone().with_key_id(one.key.key_id()).unwrap();
            let verifier = Verifier::new(ISSUER, AUDIENCE, &key).with_clock(Hands::at(NOW).clock());
            assert_eq!(refused(&verifier, &token), TokenErrorKind::WrongAlgorithm);
        }
    }
}

#[test]
fn jsonwebtoken_verifies_ours_and_we_verify_its() {
    for peer in PEERS.iter() {
        let mut validation = Validation::new(peer.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let token = issuer(&peer.key).issue(Grant::new("user-1")).unwrap().token;
        let theirs = decode::<Value>(&token, &peer.decoding, &validation).unwrap();
        assert_eq!(theirs.claims["sub"], "user-1");
        assert_eq!(theirs.header.kid.as_deref(), Some(peer.key.key_id()));
        assert_eq!(theirs.header.typ.as_deref(), Some("at+jwt"));

        let mut header = Header::new(peer.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(peer.key.key_id().to_owned());
        let token = jsonwebtoken::encode(&header, &claims(), &peer.encoding).unwrap();
        assert_eq!(verify(&peer.verifier(), &token).unwrap().subject, "user-1");
    }
}

#[test]
fn the_public_half_is_enough() {
    for peer in PEERS.iter() {
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let issued = issuer(&peer.key).issue(Grant::new("user-1")).unwrap();
        let Ok(keys) = KeySet::from_json(ring.jwks()) else {
            // A symmetric key is never published.
            assert!(format!("{:?}", peer.algorithm).starts_with("HS"));
            assert_eq!(ring.jwks(), r#"{"keys":[]}"#);
            continue;
        };
        let verifier = Verifier::new(ISSUER, AUDIENCE, keys).with_clock(Hands::at(NOW).clock());
        assert!(
            verify(&verifier, &issued.token).is_ok(),
            "{:?}",
            peer.algorithm
        );
    }
}

#[test]
fn ed25519_has_two_names() {
    let peer = peer(Algorithm::EdDSA);
    let old = issuer(&peer.key).issue(Grant::new("user-1")).unwrap().token;
    let new = peer.key.clone().with_fully_specified_algorithm();
    let new = issuer(&new).issue(Grant::new("user-1")).unwrap().token;
    for (token, name) in [(&old, "EdDSA"), (&new, "Ed25519")] {
        assert_eq!(header(token)["alg"], name);
        assert!(verify(&peer.verifier(), token).is_ok());
    }
    let other = crate::support::peer(Algorithm::ES256).key.clone();
    let token = issuer(&other.with_fully_specified_algorithm())
        .issue(Grant::new("user-1"))
        .unwrap()
        .token;
    assert_eq!(header(&token)["alg"], "ES256");
}

fn header(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let segment = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

#[test]
fn the_name_of_a_key_may_have_any_character() {
    let key = peer(Algorithm::HS256)
        .key
        .clone()
        .with_key_id("a\"b\\c\u{0}ü' OR 1=1 ../../dev/null")
        .unwrap();
    let token = issuer(&key).issue(Grant::new("user-1")).unwrap().token;
    let verifier = Verifier::new(ISSUER, AUDIENCE, &key).with_clock(Hands::at(NOW).clock());
    assert!(verify(&verifier, &token).is_ok());
    assert_eq!(header(&token)["kid"], key.key_id());
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Tenant {
    tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Plan {
    seats: u32,
}

#[test]
fn the_application_adds_its_own_claims() {
    let peer = peer(Algorithm::EdDSA);
    let custom = Tenant {
        tenant: "a\"\u{1f600}\\".to_owned(),
        plan: Some(Plan { seats: 7 }),
    };
    let token = issuer(&peer.key)
        .issue(Grant::new("user-1").with_custom(custom.clone()))
        .unwrap()
        .token;
    assert_eq!(
        peer.verifier().verify::<Tenant>(&token).unwrap().custom,
        custom
    );
    // Who does not ask for them does not see them, and who wants to see all does.
    verify(&peer.verifier(), &token).unwrap();
    let all = peer
        .verifier()
        .verify::<BTreeMap<String, Value>>(&token)
        .unwrap()
        .custom;
    assert_eq!(all.keys().collect::<Vec<_>>(), ["plan", "tenant"]);

    let plain = issuer(&peer.key).issue(Grant::new("user-1")).unwrap().token;
    let error = peer.verifier().verify::<Tenant>(&plain).unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::InvalidCustomClaims);
    assert_eq!(
        peer.verifier()
            .verify::<Option<Tenant>>(&token)
            .unwrap()
            .custom,
        Some(custom)
    );
}

#[test]
fn a_token_without_kid_is_served_by_the_only_key_for_its_algorithm() {
    let [one, other] = [peer(Algorithm::EdDSA), peer(Algorithm::ES256)];
    let mut jwks = json!({"keys": []});
    for key in [&one.key, &other.key] {
        let document: Value =
            serde_json::from_str(&KeyRing::new(key.clone()).unwrap().jwks()).unwrap();
        jwks["keys"]
            .as_array_mut()
            .unwrap()
            .push(document["keys"][0].clone());
    }
    let token = one.forge(r#"{"alg":"EdDSA","typ":"at+jwt"}"#, &claims().to_string());
    let verifier = |jwks: &Value| {
        let keys = KeySet::from_json(jwks.to_string()).unwrap();
        Verifier::new(ISSUER, AUDIENCE, keys).with_clock(Hands::at(NOW).clock())
    };
    assert!(verify(&verifier(&jwks), &token).is_ok());

    let more = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let document: Value = serde_json::from_str(&KeyRing::new(more).unwrap().jwks()).unwrap();
    jwks["keys"]
        .as_array_mut()
        .unwrap()
        .push(document["keys"][0].clone());
    assert_eq!(
        refused(&verifier(&jwks), &token),
        TokenErrorKind::UnknownKey
    );
    // None for that algorithm.
    assert_eq!(
        refused(&other.verifier(), &token),
        TokenErrorKind::UnknownKey
    );
}

#[test]
fn an_audience_may_be_one_of_several() {
    let peer = peer(Algorithm::HS256);
    for audience in [json!("shop"), json!(["shop"]), json!(["other", "shop"])] {
        let token = peer.token(&claims_with("aud", audience));
        assert!(verify(&peer.verifier(), &token).is_ok());
    }
}

#[test]
fn clients_are_checked_when_asked_for() {
    let peer = peer(Algorithm::HS256);
    let token = |claims: &Value| peer.token(claims);
    let verifier = peer.verifier().with_client_ids(["web", "shop"]);
    assert!(verify(&verifier, &token(&claims())).is_ok());
    let other = token(&claims_with("client_id", json!("cli")));
    assert!(verify(&peer.verifier(), &other).is_ok());
    assert_eq!(refused(&verifier, &other), TokenErrorKind::WrongClient);
    let none = token(&crate::support::claims_without("client_id"));
    assert!(verify(&peer.verifier(), &none).is_ok());
    assert_eq!(refused(&verifier, &none), TokenErrorKind::MissingClaim);
}

#[test]
fn a_public_key_is_read_from_pem() {
    // What `openssl pkey -pubout` prints of the key in the example of `SigningKey`: RFC 8410, section 10.1.
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let public = VerifyingKey::from_pem(pem).unwrap();
    let key = SigningKey::from_pem(private).unwrap();
    assert_eq!(public.key_id(), key.key_id());
    let token = issuer(&key).issue(Grant::new("user-1")).unwrap().token;
    let verifier = Verifier::new(ISSUER, AUDIENCE, public).with_clock(Hands::at(NOW).clock());
    assert!(verify(&verifier, &token).is_ok());
}

#[test]
fn the_clock_of_the_machine_is_the_default() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let ring = KeyRing::new(key).unwrap();
    let token = Issuer::new(ISSUER, AUDIENCE, ring.clone())
        .issue(Grant::new("user-1"))
        .unwrap()
        .token;
    let claims = verify(&Verifier::new(ISSUER, AUDIENCE, ring), &token).unwrap();
    assert!((Clock::system().now() - claims.issued_at).num_seconds() < 60);
}
