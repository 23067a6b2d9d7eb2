//! The classes of cases that Project Wycheproof has on JSON Web Signature and JSON Web Crypto, made anew with keys and
//! tokens of our own. Its tokens say `foo` and nothing else; ours are access tokens, so that what is accepted is.
//!
//! `cases.md` has the list of the classes, and of those that are held elsewhere.

mod encoding;
mod keys;
mod numbers;

use buttress_jwt::TokenErrorKind::{self, BadSignature, Malformed, UnknownKey, WrongAlgorithm};
use buttress_jwt::{Algorithm, ErrorKind, Verifier, VerifyingKey};
use jsonwebtoken::{EncodingKey, crypto};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, Hands, ISSUER, NOW, PEERS, claims, claims_with, encode, peer, refused, verify,
};

/// Those that Project Wycheproof calls valid, and that are refused here. If one of them is accepted, this list is
/// wrong or the verifier is.
const EXCEPTIONS: [(&str, &str); 4] = [
    (
        "Figure20",
        "PS384 in the header, and PS256 in the key: a key is for one algorithm (RFC 8725, section 3.1)",
    ),
    (
        "Figure27",
        "P-521 is not supported, and ES521 is the name of nothing",
    ),
    (
        "InvalidCharacterInsertedInHeader",
        "`?` is no base64url, and is not passed over (RFC 7515, section 2)",
    ),
    ("InvalidCharacterInsertedInPayload", "the same"),
];

/// A class, what is sent, and why it is refused if it is.
type Case = (&'static str, String, Option<TokenErrorKind>);

fn check(verifier: &Verifier, cases: Vec<Case>) {
    for (class, token, refusal) in cases {
        let answer = verify(verifier, &token).err().map(|error| error.kind());
        assert_eq!(answer, refusal, "{class}: {token}");
    }
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// With another first character.
fn modified(text: &str) -> String {
    let first = if text.starts_with('X') { "Y" } else { "X" };
    format!("{first}{}", &text[1..])
}

/// JWS 1 to 45, JWC 1 to 45: the parts of a token, for each algorithm.
#[test]
fn parts_that_are_missing_or_changed() {
    for peer in PEERS.iter() {
        let token = peer.token(&claims());
        let [header, payload, signature] = parts(&token);
        let claimed = |name: &str, value: &str| {
            let mut members = peer.header();
            members[name] = json!(value);
            encode(members.to_string().as_bytes())
        };
        let other_name = claimed("kid", &modified(peer.key.key_id()));
        let none = claimed("alg", "none");
        let other_payload = encode(claims_with("sub", json!("admin")).to_string().as_bytes());
        let json = json!({"payload": payload, "signatures": [{
            "protected": header, "header": {"unknown": "untrustworthy"}, "signature": signature,
        }]});
        let flat = json!({"payload": payload, "protected": header, "signature": signature});
        check(
            &peer.verifier(),
            vec![
                ("acceptsValid", token.clone(), None),
                (
                    "ModifiedSignature",
                    format!("{header}.{payload}.{}", modified(signature)),
                    Some(BadSignature),
                ),
                (
                    "MissingSignature",
                    format!("{header}.{payload}."),
                    Some(Malformed),
                ),
                (
                    "MissingSignatureAndSeparator",
                    format!("{header}.{payload}"),
                    Some(Malformed),
                ),
                (
                    "ModifiedPayload",
                    format!("{header}.{other_payload}.{signature}"),
                    Some(BadSignature),
                ),
                (
                    "MissingPayload",
                    format!("{header}..{signature}"),
                    Some(Malformed),
                ),
                (
                    "MissingPayloadAndSeparator",
                    format!("{header}.{signature}"),
                    Some(Malformed),
                ),
                (
                    "ModifiedHeader",
                    format!("{other_name}.{payload}.{signature}"),
                    Some(UnknownKey),
                ),
                (
                    "MissingHeader",
                    format!(".{payload}.{signature}"),
                    Some(Malformed),
                ),
                (
                    "MissingHeaderAndSeparator",
                    format!("{payload}.{signature}"),
                    Some(Malformed),
                ),
                (
                    "MissingHeaderAndSignature",
                    format!(".{payload}."),
                    Some(Malformed),
                ),
                (
                    "MissingHeaderSignatureAndSeparators",
                    payload.to_owned(),
                    Some(Malformed),
                ),
                ("EmptyString", String::new(), Some(Malformed)),
                ("ExtraEmptyComponent", format!("{token}."), Some(Malformed)),
                ("ExtraComponent", format!("{token}.foo"), Some(Malformed)),
                (
                    "NoneAlgorithmAndMissingSignature",
                    format!("{none}.{payload}."),
                    Some(Malformed),
                ),
                (
                    "NoneAlgorithm",
                    format!("{none}.{payload}.{signature}"),
                    Some(WrongAlgorithm),
                ),
                ("JsonSerialization", json.to_string(), Some(Malformed)),
                ("JsonSerialization", flat.to_string(), Some(Malformed)),
            ],
        );
    }
}

/// JWS 346, 347, 350, 351, 372 and 373.
#[test]
fn exceptions_are_refused() {
    let rsa = peer(Algorithm::RS256);
    let key = rsa.key.clone().with_algorithm(Algorithm::PS256).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, &key).with_clock(Hands::at(NOW).clock());
    let header = json!({"typ": "at+jwt", "alg": "PS384", "kid": key.key_id()});
    let figure_20 = signed(&header, &claims(), &rsa.encoding, Algorithm::PS384);
    let figure_27 = |alg: &str| {
        let coordinate = encode(&[1; 66]);
        let key =
            json!({"kty": "EC", "crv": "P-521", "alg": alg, "x": coordinate, "y": coordinate});
        VerifyingKey::from_jwk(key.to_string())
            .err()
            .map(|error| error.kind())
    };
    let peer = peer(Algorithm::HS256);
    let token = peer.token(&claims());
    let [header, payload, mac] = parts(&token);
    let in_header = format!("{}?{}.{payload}.{mac}", &header[..9], &header[9..]);
    let in_payload = format!("{header}.{payload}?.{mac}");
    for (class, reason) in EXCEPTIONS {
        let is_refused = match class {
            "Figure20" => refused(&verifier, &figure_20) == WrongAlgorithm,
            "Figure27" => ["ES521", "ES512"]
                .iter()
                .all(|alg| figure_27(alg) == Some(ErrorKind::UnsupportedKey)),
            "InvalidCharacterInsertedInHeader" => {
                refused(&peer.verifier(), &in_header) == Malformed
            }
            "InvalidCharacterInsertedInPayload" => {
                // Not decoded yet: the MAC is not of this text.
                refused(&peer.verifier(), &in_payload) == BadSignature
            }
            _ => false,
        };
        assert!(is_refused, "{class}: {reason}");
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|json| encode(json.to_string().as_bytes()));
    format!("{header}.{claims}")
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = unsigned(header, claims);
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}
