//! What the claims have to say.

use buttress_jwt::TokenErrorKind::{InvalidClaim, MissingClaim, WrongAudience, WrongIssuer};
use buttress_jwt::{Algorithm, TokenErrorKind, Verifier};
use serde_json::json;

use super::{hs256, refuses_claims};
use crate::support::{
    AUDIENCE, Hands, ISSUER, NOW, claims, claims_with, claims_without, peer, refused,
};

#[test]
fn t01_issuer_and_audience_are_there_and_of_their_types() {
    for name in ["iss", "aud", "sub", "exp", "iat", "jti"] {
        refuses_claims(&claims_without(name), MissingClaim);
        for value in [
            json!(null),
            json!(true),
            json!({"x": 1}),
            json!([1]),
            json!([[]]),
            json!(""),
        ] {
            refuses_claims(&claims_with(name, value), InvalidClaim);
        }
    }
    for value in [
        json!(123),
        json!([1, "shop"]),
        json!(["shop", 1]),
        json!({"shop": 1}),
        json!([["shop"]]),
        json!([]),
    ] {
        refuses_claims(&claims_with("aud", value), InvalidClaim);
    }
    refuses_claims(&claims_with("aud", json!("other")), WrongAudience);
    refuses_claims(
        &claims_with("aud", json!(["other", "Shop", "shop "])),
        WrongAudience,
    );
    refuses_claims(&claims_with("iss", json!(123)), InvalidClaim);
    for issuer in [
        "https://evil.example",
        "https://api.example.com/",
        "https://API.example.com",
        "https://api.example.co",
    ] {
        refuses_claims(&claims_with("iss", json!(issuer)), WrongIssuer);
    }
}

#[test]
fn t02_an_issuer_is_one() {
    refuses_claims(
        &claims_with("iss", json!([ISSUER, "https://evil.example"])),
        InvalidClaim,
    );
    refuses_claims(&claims_with("iss", json!([ISSUER])), InvalidClaim);
}

#[test]
fn an_empty_issuer_or_audience_is_nobody() {
    let peer = hs256();
    let clock = Hands::at(NOW).clock();
    let nobody = Verifier::new("", AUDIENCE, &peer.key).with_clock(clock.clone());
    assert_eq!(
        refused(&nobody, &peer.token(&claims_with("iss", json!("")))),
        InvalidClaim
    );
    let nobody = Verifier::new(ISSUER, "", &peer.key).with_clock(clock);
    for audience in [json!(""), json!([""]), json!(["shop", ""])] {
        assert_eq!(
            refused(&nobody, &peer.token(&claims_with("aud", audience))),
            InvalidClaim
        );
    }
}

/// Such a token is good only beside a proof that its client has the key (RFC 7800, RFC 8705, RFC 9449), which is not
/// asked for: without it, it is anybody's.
#[test]
fn tokens_that_are_bound_to_a_key_are_refused() {
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA] {
        let peer = peer(algorithm);
        for cnf in [
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
            json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
            json!({"kid": "a"}),
            json!({}),
            json!(null),
            json!("a"),
        ] {
            let token = peer.token(&claims_with("cnf", cnf.clone()));
            assert_eq!(
                refused(&peer.verifier(), &token),
                TokenErrorKind::SenderConstrained,
                "{cnf}"
            );
        }
        let mut text = claims().to_string();
        text.insert_str(1, r#""\u0063nf":{},"#);
        let token = peer.forge(&peer.header().to_string(), &text);
        assert_eq!(
            refused(&peer.verifier(), &token),
            TokenErrorKind::SenderConstrained
        );
    }
}
