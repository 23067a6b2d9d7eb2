//! JWKS documents of others.

use buttress_jwt::{Algorithm, ErrorKind, KeyRing, KeySet, Verifier};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, Peer, claims, peer, verify};

fn jwk(peer: &Peer) -> Value {
    let ring = KeyRing::new(peer.key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    jwks["keys"][0].clone()
}

fn renamed(peer: &Peer, kid: &str) -> Value {
    let mut jwk = jwk(peer);
    jwk["kid"] = json!(kid);
    jwk
}

fn set(keys: &[Value]) -> Result<KeySet, buttress_jwt::Error> {
    KeySet::from_json(json!({"keys": keys, "issued": 1}).to_string())
}

/// §7, test 15: one good key among all that can be wrong.
#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let good = peer(Algorithm::ES256);
    let ed25519 = peer(Algorithm::EdDSA);
    let mut encryption = renamed(peer(Algorithm::RS256), "enc");
    encryption["use"] = json!("enc");
    let mut private = renamed(ed25519, "private");
    private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let mut doubled = renamed(ed25519, "doubled").to_string();
    doubled.insert_str(1, "\"alg\":\"EdDSA\",");
    let mut keys = vec![
        json!({"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08", "kid": "x25519"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "ml-dsa"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
        encryption,
        private,
        renamed(ed25519, "twice"),
        renamed(peer(Algorithm::RS256), "twice"),
        json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}),
        json!("a string"),
        json!(null),
        json!({"kty": "RSA", "e": "AQAB", "n": "w"}),
        jwk(good),
    ];
    let mut document = json!({"keys": keys}).to_string();
    document.insert_str(document.len() - 2, &format!(",{doubled}"));
    let set = KeySet::from_json(&document).unwrap();
    assert_eq!(set.len(), 1, "{:?}", set.skipped());
    assert_eq!(set.iter().next().unwrap().key_id(), good.key.key_id());
    let skipped: Vec<_> = set
        .skipped()
        .iter()
        .map(|key| (key.index(), key.kind()))
        .collect();
    use ErrorKind::{DuplicateKey, MalformedKey, UnsupportedKey, WrongKeyUse};
    assert_eq!(
        skipped,
        [
            (0, UnsupportedKey),
            (1, UnsupportedKey),
            (2, UnsupportedKey),
            (3, WrongKeyUse),
            (4, WrongKeyUse),
            // Its private half stands before it, and its name belongs to the next one too.
            (5, WrongKeyUse),
            (6, DuplicateKey),
            (7, WrongKeyUse),
            (8, MalformedKey),
            (9, MalformedKey),
            (10, MalformedKey),
            (12, MalformedKey),
        ]
    );
    assert!(set.skipped().iter().all(|key| !key.reason().is_empty()));

    let verifier = Verifier::new(ISSUER, AUDIENCE, set).with_clock(Hands::at(NOW).clock());
    assert!(verify(&verifier, &good.token(&claims())).is_ok());
    // A token that calls for the name of two keys gets neither.
    let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "twice"}).to_string();
    assert!(verify(&verifier, &ed25519.forge(&header, &claims().to_string())).is_err());

    keys.pop();
    let error = self::set(&keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownKey);
    assert!(error.to_string().contains("the first: "), "{error}");
}

#[test]
fn a_key_without_kid_has_its_thumbprint() {
    let peer = peer(Algorithm::EdDSA);
    let mut key = jwk(peer);
    key.as_object_mut().unwrap().remove("kid");
    let keys = set(&[key.clone()]).unwrap();
    assert_eq!(keys.iter().next().unwrap().key_id(), peer.key.key_id());
    // Twice the same key is twice the same name.
    assert_eq!(
        set(&[key.clone(), key]).unwrap_err().kind(),
        ErrorKind::UnknownKey
    );
}

/// Whoever reads the document has the private half: what it signs is signed by anyone.
#[test]
fn a_key_whose_private_half_is_in_the_document_is_not_used() {
    let good = jwk(peer(Algorithm::ES384));
    for (algorithm, private) in [
        (
            Algorithm::EdDSA,
            json!({"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}),
        ),
        (Algorithm::ES256, json!({"d": "AA"})),
        (Algorithm::RS256, json!({"d": "AA"})),
        (Algorithm::RS256, json!({"p": "AA"})),
    ] {
        let public = jwk(peer(algorithm));
        let mut exposing = public.clone();
        for (name, value) in private.as_object().unwrap() {
            exposing[name] = value.clone();
        }
        let mut unnamed = exposing.clone();
        unnamed.as_object_mut().unwrap().remove("kid");
        let mut elsewhere = exposing.clone();
        elsewhere["kid"] = json!("elsewhere");
        elsewhere["use"] = json!("enc");
        elsewhere["alg"] = json!("a name that is not known");
        for exposing in [&exposing, &unnamed, &elsewhere] {
            for keys in [
                [exposing.clone(), public.clone(), good.clone()],
                [good.clone(), public.clone(), exposing.clone()],
            ] {
                let set = set(&keys).unwrap();
                assert_eq!(set.len(), 1, "{algorithm:?} {exposing}");
                assert_eq!(set.iter().next().unwrap().algorithm(), Algorithm::ES384);
                assert!(
                    set.skipped()
                        .iter()
                        .all(|key| key.kind() == ErrorKind::WrongKeyUse),
                    "{:?}",
                    set.skipped()
                );
            }
        }
    }
    // The modulus is what is secret of an RSA key, however it is written and whatever the exponent.
    let public = jwk(peer(Algorithm::RS256));
    let exposing = json!({"kty": "RSA", "n": format!("AAAA{}", public["n"].as_str().unwrap()), "e": "Aw", "d": "AA"});
    assert_eq!(set(&[exposing, public, good]).unwrap().len(), 1);
}

/// A token that calls for the name means one of two keys, and one of them is known to everybody.
#[test]
fn a_key_that_shares_its_name_with_a_private_one_is_not_used() {
    let good = jwk(peer(Algorithm::ES384));
    for private in [
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA", "kid": "name"}),
        json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T", "kid": "n\u{61}me"}),
        json!({"kty": "unknown", "d": 1, "kid": "name"}),
    ] {
        let keys = [
            renamed(peer(Algorithm::ES256), "name"),
            private,
            good.clone(),
        ];
        let set = set(&keys).unwrap();
        assert_eq!(set.len(), 1, "{:?}", set.skipped());
        assert_eq!(set.skipped()[0].kind(), ErrorKind::DuplicateKey);
    }
}

#[test]
fn documents_are_bounded() {
    let key = jwk(peer(Algorithm::EdDSA)).to_string();
    let many = |count: usize| {
        let others = vec!["null"; count - 1].join(",");
        KeySet::from_json(format!("{{\"keys\":[{key},{others}]}}"))
    };
    assert_eq!(many(KeySet::MAX_KEYS).unwrap().len(), 1);
    assert_eq!(
        many(KeySet::MAX_KEYS + 1).unwrap_err().kind(),
        ErrorKind::MalformedKey
    );
    let padded = |size: usize| {
        let document = format!("{{\"keys\":[{key}]}}");
        KeySet::from_json(format!("{document}{}", " ".repeat(size - document.len())))
    };
    assert!(padded(KeySet::MAX_SIZE).is_ok());
    assert_eq!(
        padded(KeySet::MAX_SIZE + 1).unwrap_err().kind(),
        ErrorKind::MalformedKey
    );
    let deep = format!(
        "{{\"keys\":[{key}],\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        KeySet::from_json(deep).unwrap_err().kind(),
        ErrorKind::MalformedKey
    );
    for text in [
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[],\"keys\":[]}",
        "<html>",
        "null",
    ] {
        assert_eq!(
            KeySet::from_json(text).unwrap_err().kind(),
            ErrorKind::MalformedKey,
            "{text}"
        );
    }
    assert_eq!(
        KeySet::from_json("{\"keys\":[]}").unwrap_err().kind(),
        ErrorKind::UnknownKey
    );
}
