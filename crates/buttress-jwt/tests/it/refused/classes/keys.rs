//! Keys that a token chooses, and what they are for.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use buttress_jwt::TokenErrorKind::{BadSignature, Malformed, UnknownKey, WrongAlgorithm};
use buttress_jwt::{Algorithm, ErrorKind, KeyRing, KeySet, SigningKey, Verifier, VerifyingKey};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::{check, modified, parts, signed, unsigned};
use crate::support::{AUDIENCE, Hands, ISSUER, NOW, PEERS, SECRET, claims, encode, peer, refused};

/// JWS 31 and 32, and the like for the other keys.
#[test]
fn keys_of_another_kind_or_of_the_attacker() {
    for victim in PEERS.iter() {
        let public = match victim.algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => continue,
            _ => jwk(&victim.key),
        };
        let mut secrets = vec![public.to_string().into_bytes()];
        for name in ["x", "y", "n"] {
            let number = public[name].as_str();
            secrets.extend(number.map(|number| number.as_bytes().to_vec()));
            secrets.extend(number.map(|number| URL_SAFE_NO_PAD.decode(number).unwrap()));
        }
        for secret in secrets {
            let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": victim.key.key_id()});
            let key = EncodingKey::from_secret(&secret);
            let token = signed(&header, &claims(), &key, Algorithm::HS256);
            assert_eq!(refused(&victim.verifier(), &token), WrongAlgorithm);
        }
    }
    let victim = peer(Algorithm::ES256);
    let attacker = SigningKey::generate(Algorithm::ES256).unwrap();
    let key = EncodingKey::from_ec_pem(attacker.to_pem().unwrap().as_bytes()).unwrap();
    let mut header = victim.header();
    header["jwk"] = jwk(&attacker);
    header["jwk"]["kid"] = header["kid"].clone();
    let token = signed(&header, &claims(), &key, Algorithm::ES256);
    assert_eq!(refused(&victim.verifier(), &token), BadSignature);
}

/// JWS up to 344, what is flagged `WrongPrimitive` or `AlgIsNone`: a key, and each other algorithm that could use it, with the name of the one and of the other.
#[test]
fn signatures_by_another_algorithm_of_the_same_key() {
    use Algorithm::{HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
    let rsa = [RS256, RS384, RS512, PS256, PS384, PS512];
    let hmac = [HS256, HS384, HS512];
    let mut tried = 0;
    for (algorithms, base) in [(&rsa[..], peer(RS256)), (&hmac[..], peer(HS512))] {
        for own in algorithms {
            let key = match own {
                HS256 | HS384 | HS512 => SigningKey::from_secret(*own, SECRET),
                _ => base.key.clone().with_algorithm(*own),
            };
            let key = key.unwrap();
            let verifier = Verifier::new(ISSUER, AUDIENCE, &key).with_clock(Hands::at(NOW).clock());
            for used in algorithms {
                for named in [own, used] {
                    let name = format!("{named:?}");
                    let header = json!({"typ": "at+jwt", "alg": name, "kid": key.key_id()});
                    let token = signed(&header, &claims(), &base.encoding, *used);
                    let expected = match (used == own, named == own) {
                        (true, _) => None,
                        (false, true) => Some(BadSignature),
                        (false, false) => Some(WrongAlgorithm),
                    };
                    check(&verifier, vec![("WrongPrimitive", token, expected)]);
                    tried += 1;
                }
            }
            // Without a key, with one that nobody has, and with that of the verifier.
            for alg in ["none", "NONE"] {
                for kid in [json!(null), json!("none"), json!(key.key_id())] {
                    let mut header = json!({"typ": "at+jwt", "alg": alg, "kid": kid});
                    if kid.is_null() {
                        header.as_object_mut().unwrap().remove("kid");
                    }
                    let message = unsigned(&header, &claims());
                    check(
                        &verifier,
                        vec![
                            ("algIsNone", format!("{message}."), Some(Malformed)),
                            ("algIsNone", format!("{message}.AA"), Some(WrongAlgorithm)),
                        ],
                    );
                }
            }
        }
    }
    assert_eq!(tried, 2 * (6 * 6 + 3 * 3));
}

/// JWS 353 to 356, JWC 47 to 49.
#[test]
fn keys_that_are_for_something_else_and_sets() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!(["sign"])),
        ] {
            let mut key = jwk(&peer(algorithm).key);
            key.as_object_mut().unwrap().remove("use");
            key[name] = value;
            let error = VerifyingKey::from_jwk(key.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongKeyUse, "{key}");
        }
    }

    let (one, other, symmetric) = (
        peer(Algorithm::ES256),
        peer(Algorithm::EdDSA),
        peer(Algorithm::HS256),
    );
    let secret = json!({
        "kty": "oct", "use": "sig", "alg": "HS256", "kid": symmetric.key.key_id(), "k": encode(SECRET),
    });
    let set = json!({"keys": [secret, jwk(&one.key), jwk(&other.key)]});
    let set = KeySet::from_json(set.to_string()).unwrap();
    let verifier = Verifier::new(ISSUER, AUDIENCE, set).with_clock(Hands::at(NOW).clock());
    let [by_one, by_other, by_secret] = [one, other, symmetric].map(|peer| peer.token(&claims()));
    let [header, payload, signature] = parts(&by_one);
    check(
        &verifier,
        vec![
            ("keyset", by_one.clone(), None),
            ("keyset", by_other, None),
            (
                "keyset",
                format!("{header}.{payload}.{}", modified(signature)),
                Some(BadSignature),
            ),
            ("mixedSymmetryKeyset", by_secret, Some(UnknownKey)),
        ],
    );
}

fn jwk(key: &SigningKey) -> Value {
    let ring = KeyRing::new(key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    jwks["keys"][0].clone()
}
