//! Headers that need not be read again: nothing is accepted by them that would not be without them.

use buttress_jwt::{Algorithm, Grant, Issuer, KeyRing, SigningKey, TokenErrorKind, Verifier};
use buttress_testkit::alloc;

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, claims, peer, refused, verify};

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDSA).unwrap()
}

#[test]
fn a_header_is_read_once() {
    let keys = KeyRing::new(key()).unwrap();
    let issuer = Issuer::new(ISSUER, AUDIENCE, keys.clone());
    let verifier = Verifier::new(ISSUER, AUDIENCE, keys);
    let [first, second] = [(), ()].map(|()| issuer.issue(Grant::new("user-1")).unwrap().token);
    verify(&verifier, &first).unwrap();
    let known = alloc::count(|| verify(&verifier, &second).unwrap());
    let anew = verifier
        .clone()
        .with_leeway(std::time::Duration::ZERO)
        .unwrap();
    let read = alloc::count(|| verify(&anew, &second).unwrap());
    // Its members, and what is remembered of it.
    assert!(known.count < read.count, "{known:?} {read:?}");
}

#[test]
fn a_known_header_vouches_for_no_signature() {
    let peer = peer(Algorithm::EdDSA);
    let verifier = peer.verifier();
    let token = peer.token(&claims());
    verify(&verifier, &token).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let other = peer.token(&crate::support::claims_with("sub", "somebody else".into()));
    let payload = other.split('.').nth(1).unwrap();
    let forged = format!("{header}.{payload}.{signature}");
    assert_eq!(refused(&verifier, &forged), TokenErrorKind::BadSignature);
}

/// A key that is replaced by one of its name is another key.
#[test]
fn a_known_header_does_not_keep_its_key() {
    let hands = Hands::at(NOW);
    let (old, next) = (key(), key());
    let ring = KeyRing::new(old.clone()).unwrap().with_clock(hands.clock());
    let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let token = issuer.issue(Grant::new("user-1")).unwrap().token;
    verify(&verifier, &token).unwrap();
    ring.rotate(next).unwrap();
    verify(&verifier, &token).unwrap();
    ring.remove(old.key_id()).unwrap();
    assert_eq!(refused(&verifier, &token), TokenErrorKind::UnknownKey);
    let namesake = key().with_key_id(old.key_id()).unwrap();
    ring.rotate(namesake).unwrap();
    assert_eq!(refused(&verifier, &token), TokenErrorKind::BadSignature);
}

/// Which key a header without `kid` calls for depends on what other keys there are.
#[test]
fn a_header_without_kid_is_read_each_time() {
    let peer = peer(Algorithm::EdDSA);
    let hands = Hands::at(NOW);
    let ring = KeyRing::new(peer.key.clone())
        .unwrap()
        .with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let token = peer.forge(r#"{"alg":"EdDSA","typ":"at+jwt"}"#, &claims().to_string());
    verify(&verifier, &token).unwrap();
    ring.rotate(key()).unwrap();
    assert_eq!(refused(&verifier, &token), TokenErrorKind::UnknownKey);
}

/// Whoever can sign may write what they like into headers: it is bounded, and the tokens are accepted all the same.
#[test]
fn headers_that_are_all_different_are_accepted_and_forgotten() {
    let peer = peer(Algorithm::EdDSA);
    let verifier = peer.verifier();
    let tokens: Vec<_> = (0..20)
        .map(|number| {
            let kid = peer.key.key_id();
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}","n":{number}}}"#);
            peer.forge(&header, &claims().to_string())
        })
        .collect();
    for token in tokens.iter().chain(&tokens) {
        verify(&verifier, token).unwrap();
    }
    let last = tokens.last().unwrap();
    let first = &tokens[0];
    let [known, read] =
        [first, last].map(|token| alloc::count(|| verify(&verifier, token).unwrap()));
    assert!(known.count < read.count, "{known:?} {read:?}");
}
