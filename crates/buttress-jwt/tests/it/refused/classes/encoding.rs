//! How the parts of a token are written.

use buttress_jwt::Algorithm;
use buttress_jwt::TokenErrorKind::{BadSignature, Malformed};
use serde_json::json;

use super::{check, parts};
use crate::support::{Peer, claims, claims_with, encode, peer};

/// JWS 357 to 377. What is in the wrong form is signed as it is, or else it would be refused for its MAC.
#[test]
fn base64url_and_json() {
    let peer = peer(Algorithm::HS256);
    let token = peer.token(&claims());
    let [header, payload, mac] = parts(&token);
    let zeros = with_mac_from(peer, "AA");
    let ones = with_mac_from(peer, "__");
    let [_, _, zero_mac] = parts(&zeros);
    let before_zero = zeros.strip_suffix(zero_mac).unwrap();
    let sign = |message: String| peer.sign(&message);
    // The last character of a text whose length leaves bits that no byte takes.
    let spare = |bytes: &[u8]| {
        let text = encode(bytes);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (rest, last) = text.split_at(text.len() - 1);
        let at = alphabet.find(last).unwrap() + 1;
        (text.clone(), format!("{rest}{}", &alphabet[at..=at]))
    };
    let mut text = claims().to_string();
    while text.len().is_multiple_of(3) {
        text.push(' ');
    }
    let (proper, twin) = spare(text.as_bytes());
    let spaced = peer
        .header()
        .to_string()
        .replace(':', " : ")
        .replace(',', ",\n\t");
    let bad = Some(Malformed);
    check(
        &peer.verifier(),
        vec![
            ("ValidMac", token.clone(), None),
            ("ValidEdgeCaseMac", zeros.clone(), None),
            ("ValidEdgeCaseMac", ones, None),
            ("SpacesInMac", format!("{header}.{payload}.    {mac}"), bad),
            (
                "InvalidCharacterInsertedInMac",
                format!("{header}.{payload}.?{mac}"),
                bad,
            ),
            (
                "InvalidCharacterInsertedInMac",
                format!("{header}.{payload}.{mac}?"),
                bad,
            ),
            (
                "0ReplacedbyInvalidCharacter",
                format!("{before_zero}?{}", &zero_mac[1..]),
                bad,
            ),
            (
                "InvalidCharacters",
                format!("{before_zero}??{}", &zero_mac[2..]),
                bad,
            ),
            (
                "spacesInHeader",
                sign(format!("{header}    .{payload}")),
                bad,
            ),
            (
                "invalidCharactersInHeader",
                sign(format!("{header}####.{payload}")),
                bad,
            ),
            (
                "invalidBase64Padding",
                sign(format!("{header}=.{payload}")),
                bad,
            ),
            (
                "spacesInPayload",
                sign(format!("{header}.    {payload}")),
                bad,
            ),
            (
                "invalidCharactersInPayload",
                sign(format!("{header}.####{payload}")),
                bad,
            ),
            (
                "InvalidCharacterInPayload",
                sign(format!("{header}.?{payload}")),
                bad,
            ),
            (
                "invalidBase64PaddingInPayload",
                sign(format!("{header}.{payload}=")),
                bad,
            ),
            (
                "ModifiedUnusedBitsInPayload",
                sign(format!("{header}.{proper}")).replace(&proper, &twin),
                Some(BadSignature),
            ),
            (
                "MacOfIncorrectlyEncodedMessage",
                sign(format!("{header}.{twin}")),
                bad,
            ),
            ("proper", sign(format!("{header}.{proper}")), None),
            (
                "ValidSpacesInJsonHeader",
                peer.forge(&spaced, &claims().to_string()),
                None,
            ),
        ],
    );
}

/// A token whose MAC begins with these characters. One in 4096 does, for two of them.
fn with_mac_from(peer: &Peer, start: &str) -> String {
    (0..1_000_000)
        .map(|number| peer.token(&claims_with("jti", json!(format!("t-{number}")))))
        .find(|token| parts(token)[2].starts_with(start))
        .unwrap()
}
