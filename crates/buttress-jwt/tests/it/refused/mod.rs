//! What is refused, and for which reason: the attacks that are known, one after the other.

mod claims;
mod classes;
mod eddsa;
mod form;
mod header;
mod keys;
mod shown;
mod time;

use buttress_jwt::{Algorithm, TokenErrorKind};
use serde_json::Value;

use crate::support::{PEERS, Peer, claims, peer, refused, verify};

fn hs256() -> &'static Peer {
    peer(Algorithm::HS256)
}

#[track_caller]
fn refuses_claims(claims: &Value, kind: TokenErrorKind) {
    let peer = hs256();
    assert_eq!(
        refused(&peer.verifier(), &peer.token(claims)),
        kind,
        "{claims}"
    );
}

#[track_caller]
fn refuses_header(header: &str, kind: TokenErrorKind) {
    let peer = hs256();
    let token = peer.forge(header, &claims().to_string());
    assert_eq!(refused(&peer.verifier(), &token), kind, "{header}");
}

/// That the tables mean something.
#[test]
fn the_token_that_the_others_are_made_from_is_accepted() {
    for peer in PEERS.iter() {
        verify(&peer.verifier(), &peer.token(&claims())).unwrap();
    }
}
