//! What a token costs in memory: junk nothing, a good one little more than its claims.

use buttress_jwt::{Algorithm, Grant, Issuer, KeyRing, Verifier};
use buttress_testkit::alloc;
use serde_json::json;

use crate::support::{AUDIENCE, ISSUER, claims_with, encode, peer, verify};

#[test]
fn junk_is_refused_without_allocating() {
    let verifier = peer(Algorithm::EdDSA).verifier();
    let header = encode(br#"{"typ":"at+jwt","alg":"EdDSA"}"#);
    for junk in [
        String::new(),
        "junk".to_owned(),
        "x".repeat(100_000),
        "a.b.c".to_owned(),
        "a.b.c.d.e".to_owned(),
        format!("{header}!.e30.AA"),
        format!("{}.e30.AA", "h".repeat(4000)),
        format!("{}.e30.AA", encode(b"[1]")),
    ] {
        let counted = alloc::count(|| verify(&verifier, &junk).unwrap_err());
        assert_eq!(counted.count, 0, "{}", &junk[..junk.len().min(40)]);
    }
    // Its header has to be read to see that the key is unknown, into one list of members.
    let junk = format!(
        "{}.e30.AA",
        encode(br#"{"typ":"at+jwt","alg":"EdDSA","kid":"nobody"}"#)
    );
    assert_eq!(
        alloc::count(|| verify(&verifier, &junk).unwrap_err()).count,
        1
    );
}

/// What a token costs does not grow with the keys, and no key is read for it.
#[test]
fn a_good_token_costs_its_claims() {
    for algorithm in [
        Algorithm::HS256,
        Algorithm::EdDSA,
        Algorithm::ES256,
        Algorithm::RS256,
    ] {
        let peer = peer(algorithm);
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone());
        let token = issuer.issue(Grant::new("user-1")).unwrap().token;
        let verifier = Verifier::new(ISSUER, AUDIENCE, ring);
        // From the second one on, the header is known.
        verify(&verifier, &token).unwrap();
        let few = alloc::count(|| verify(&verifier, &token).unwrap());
        // The list of members, the claims in bytes, iss, sub, jti, client_id, and aud as a list of one, which is
        // first one of borrowed texts. The library allocates for some signatures, not visibly here.
        assert!(few.count <= 9, "{algorithm:?} {few:?}");
        assert!(few.bytes < 3000, "{algorithm:?} {few:?}");
    }
}

/// Members that nobody asks for are read over.
#[test]
fn what_is_not_asked_for_is_not_copied() {
    let peer = peer(Algorithm::HS256);
    let small = peer.token(&claims_with("x", json!(1)));
    let large = peer.token(&claims_with("x", json!(vec!["a string that is long"; 100])));
    let verifier = peer.verifier();
    verify(&verifier, &small).unwrap();
    let [few, many] =
        [small, large].map(|token| alloc::count(|| verify(&verifier, &token).unwrap()));
    assert_eq!(few.count, many.count);
}
