//! What is shown of a refused token, and of keys.

use buttress_jwt::{Grant, Issuer, KeyRing};
use serde_json::json;

use super::hs256;
use crate::support::{AUDIENCE, ISSUER, PEERS, SECRET, claims, claims_with, encode, verify};

/// What is logged about a refused token has nothing of the token in it, and what is shown of keys no secret.
#[test]
fn nothing_secret_is_shown() {
    let peer = hs256();
    let canary = "CANARY7391";
    let mut values = vec![
        peer.token(&claims_with("iss", json!(canary))),
        peer.token(&claims_with("aud", json!(canary))),
        peer.token(&claims_with("exp", json!(canary))),
        peer.token(&claims_with("scope", json!([canary]))),
        peer.forge(&json!({"typ": canary, "alg": "HS256"}).to_string(), "{}"),
        peer.forge(&json!({"typ": "at+jwt", "alg": canary}).to_string(), "{}"),
        peer.forge(
            &json!({"typ": "at+jwt", "alg": "HS256", "kid": canary}).to_string(),
            "{}",
        ),
        peer.forge(
            &json!({"typ": "at+jwt", "alg": "HS256", "crit": [canary]}).to_string(),
            "{}",
        ),
        format!("{canary}.{canary}.{canary}"),
        canary.to_owned(),
    ];
    values.push(format!("{}x", peer.token(&claims())));
    for token in values {
        let error = verify(&peer.verifier(), &token).unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            std::error::Error::source(&error).map(ToString::to_string)
        );
        assert!(
            !shown.contains(canary) && !shown.contains(&encode(canary.as_bytes())),
            "{shown}"
        );
    }
    #[derive(Debug, serde::Deserialize)]
    struct Own {
        #[expect(dead_code, reason = "only read")]
        level: u8,
    }
    let error = peer
        .verifier()
        .verify::<Own>(&peer.token(&claims_with("level", json!(canary))))
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains(canary));

    for peer in PEERS.iter() {
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone());
        let issued = issuer.issue(Grant::new("user-1")).unwrap();
        let shown = format!(
            "{:?} {:?} {ring:?} {issuer:?} {issued:?} {:?}",
            peer.key,
            peer.key.verifying_key(),
            peer.verifier()
        );
        assert!(!shown.contains(&issued.token), "{shown}");
        let secret = std::str::from_utf8(SECRET).unwrap();
        assert!(
            !shown.contains(secret) && !shown.contains("48, 49, 50") && !shown.contains("303132"),
            "{shown}"
        );
        if let Ok(pem) = peer.key.to_pem() {
            let line = pem.lines().nth(1).unwrap();
            assert!(!shown.contains(line), "{shown}");
        }
    }
}
