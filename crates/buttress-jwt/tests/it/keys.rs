//! Which keys are read, which are not, and what is said of those.

use ErrorKind::{MalformedKey, UnsupportedKey, WeakKey, WrongKeyUse};
use buttress_jwt::{Algorithm, Error, ErrorKind, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{PEERS, SECRET, encode, peer};

/// RFC 8037, appendix A.1.
fn ed25519() -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// RFC 7515, appendix A.3.
fn es256() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

fn public(mut key: Value) -> Value {
    key.as_object_mut().unwrap().remove("d").unwrap();
    key
}

fn rsa() -> Value {
    let ring = buttress_jwt::KeyRing::new(peer(Algorithm::RS256).key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    jwks["keys"][0].clone()
}

fn oct() -> Value {
    json!({"kty": "oct", "k": encode(SECRET)})
}

fn with(mut key: Value, name: &str, value: Value) -> String {
    key[name] = value;
    key.to_string()
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, kind: ErrorKind) -> String {
    let Err(error) = result else {
        panic!("accepted")
    };
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}

#[test]
fn what_a_key_says_of_its_use_binds() {
    for key in [public(ed25519()), public(es256()), rsa()] {
        let read = |name, value| VerifyingKey::from_jwk(with(key.clone(), name, value));
        assert!(read("use", json!("sig")).is_ok());
        assert!(read("key_ops", json!(["verify"])).is_ok());
        refused(read("use", json!("enc")), WrongKeyUse);
        refused(read("use", json!("")), WrongKeyUse);
        refused(read("use", json!(["sig"])), MalformedKey);
        refused(read("key_ops", json!(["sign"])), WrongKeyUse);
        refused(read("key_ops", json!([])), WrongKeyUse);
        refused(read("key_ops", json!(["verify", "encrypt"])), WrongKeyUse);
        refused(read("key_ops", json!(["verify", "verify"])), MalformedKey);
        let many = |count: usize| {
            let other = (1..count).map(|at| format!("operation-{at}"));
            json!(other.chain(["verify".to_owned()]).collect::<Vec<_>>())
        };
        refused(read("key_ops", many(16)), WrongKeyUse);
        refused(read("key_ops", many(17)), MalformedKey);
        refused(read("key_ops", json!("verify")), MalformedKey);
        for alg in ["A256KW", "ES512", "none", "HS256", "RSA-OAEP", "es256", ""] {
            refused(read("alg", json!(alg)), UnsupportedKey);
        }
        refused(read("alg", json!(null)), MalformedKey);
        refused(read("kid", json!(1)), MalformedKey);
        refused(read("kid", json!("")), MalformedKey);
        refused(read("kid", json!("k".repeat(129))), MalformedKey);
        assert_eq!(read("kid", json!("k")).unwrap().key_id(), "k");
        for kty in ["oct", "AKP", "okp", ""] {
            assert!(read("kty", json!(kty)).is_err(), "{kty}");
        }
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let error = refused(read(private, json!("AA")), WrongKeyUse);
            assert!(error.contains("private key"), "{error}");
        }
    }
    for key in [ed25519(), es256(), oct()] {
        let read = |name, value| SigningKey::from_jwk(with(key.clone(), name, value));
        assert!(read("use", json!("sig")).is_ok());
        assert!(read("key_ops", json!(["sign", "verify"])).is_ok());
        refused(read("use", json!("enc")), WrongKeyUse);
        refused(read("key_ops", json!(["verify"])), WrongKeyUse);
        refused(read("alg", json!("RS256")), UnsupportedKey);
        assert_eq!(read("kid", json!("k")).unwrap().key_id(), "k");
    }
}

#[test]
fn an_algorithm_fits_its_key() {
    assert_eq!(
        VerifyingKey::from_jwk(with(rsa(), "alg", json!("PS256")))
            .unwrap()
            .algorithm(),
        Algorithm::PS256
    );
    let mut plain = rsa();
    plain.as_object_mut().unwrap().remove("alg");
    assert_eq!(
        VerifyingKey::from_jwk(plain.to_string())
            .unwrap()
            .algorithm(),
        Algorithm::RS256
    );
    let ed25519 = VerifyingKey::from_jwk(with(public(ed25519()), "alg", json!("Ed25519"))).unwrap();
    assert_eq!(ed25519.algorithm(), Algorithm::EdDSA);
    refused(ed25519.with_algorithm(Algorithm::ES256), UnsupportedKey);
    refused(
        VerifyingKey::from_jwk(with(public(es256()), "alg", json!("ES384"))),
        UnsupportedKey,
    );
    let key = VerifyingKey::from_jwk(with(rsa(), "kid", json!("k")))
        .unwrap()
        .with_algorithm(Algorithm::RS512);
    assert_eq!(key.unwrap().key_id(), "k");
    for peer in PEERS.iter() {
        for other in PEERS.iter() {
            let rsa = |algorithm| matches!(algorithm, Algorithm::RS256 | Algorithm::PS256);
            let fits =
                peer.algorithm == other.algorithm || (rsa(peer.algorithm) && rsa(other.algorithm));
            assert_eq!(
                peer.key.clone().with_algorithm(other.algorithm).is_ok(),
                fits
            );
        }
    }
}

#[test]
fn numbers_have_their_width_and_lie_on_their_curve() {
    let read =
        |key: Value, name, value: &str| VerifyingKey::from_jwk(with(key, name, json!(value)));
    refused(
        read(
            public(ed25519()),
            "x",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ",
        ),
        MalformedKey,
    );
    refused(
        read(
            public(ed25519()),
            "x",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        ),
        MalformedKey,
    );
    refused(
        read(
            public(ed25519()),
            "x",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
        ),
        MalformedKey,
    );
    refused(read(public(ed25519()), "x", &encode(&[0; 32])), WeakKey);
    refused(read(public(ed25519()), "crv", "X25519"), UnsupportedKey);
    refused(read(public(ed25519()), "crv", "Ed448"), UnsupportedKey);
    refused(read(public(es256()), "crv", "P-521"), UnsupportedKey);
    refused(read(public(es256()), "crv", "P-384"), MalformedKey);
    refused(read(public(es256()), "crv", "secp256k1"), UnsupportedKey);
    // Off the curve, by one bit.
    refused(
        read(
            public(es256()),
            "y",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4",
        ),
        MalformedKey,
    );
    refused(read(public(es256()), "x", &encode(&[0; 32])), MalformedKey);
    refused(read(public(es256()), "x", &encode(&[0; 33])), MalformedKey);
    refused(read(rsa(), "n", &encode(&[0xff; 128])), WeakKey);
    refused(read(rsa(), "n", &encode(&[0xff; 1025])), WeakKey);
    let modulus = rsa()["n"].as_str().unwrap().to_owned();
    // A zero before it is another way to write the same number.
    let error = refused(read(rsa(), "n", &format!("AAAA{modulus}")), MalformedKey);
    assert!(error.contains("begins with zeros"), "{error}");
    for exponent in ["", "AQ", "Ag", "AQAA", "AAEAAQ"] {
        assert!(read(rsa(), "e", exponent).is_err(), "{exponent}");
    }
    for name in ["n", "e", "kty"] {
        let mut key = rsa();
        key.as_object_mut().unwrap().remove(name);
        refused(VerifyingKey::from_jwk(key.to_string()), MalformedKey);
    }
}

#[test]
fn halves_of_a_key_belong_together() {
    let other = encode(&[7; 32]);
    refused(
        SigningKey::from_jwk(with(ed25519(), "d", json!(other))),
        MalformedKey,
    );
    refused(
        SigningKey::from_jwk(with(es256(), "d", json!(other))),
        MalformedKey,
    );
    refused(
        SigningKey::from_jwk(with(es256(), "d", json!("AA"))),
        MalformedKey,
    );
    refused(
        SigningKey::from_jwk(with(es256(), "d", json!(encode(&[0; 32])))),
        MalformedKey,
    );
    refused(
        SigningKey::from_jwk(public(ed25519()).to_string()),
        MalformedKey,
    );
}

#[test]
fn a_jwk_is_one_object() {
    for text in [
        "",
        "[]",
        "null",
        "{}",
        "{\"kty\":1}",
        "{\"kty\":\"OKP\",\"kty\":\"EC\"}",
        "\u{feff}{}",
    ] {
        refused(VerifyingKey::from_jwk(text), MalformedKey);
        refused(SigningKey::from_jwk(text), MalformedKey);
    }
    refused(VerifyingKey::from_jwk(oct().to_string()), WrongKeyUse);
}

#[test]
fn secrets_are_as_long_as_their_digest() {
    for (algorithm, length) in [
        (Algorithm::HS256, 32),
        (Algorithm::HS384, 48),
        (Algorithm::HS512, 64),
    ] {
        assert!(SigningKey::from_secret(algorithm, &SECRET[..length]).is_ok());
        for short in [0, 1, length - 1] {
            let error = refused(
                SigningKey::from_secret(algorithm, &SECRET[..short]),
                WeakKey,
            );
            assert!(
                error.contains(&format!("has {short} bytes"))
                    && error.contains(&length.to_string()),
                "{error}"
            );
        }
        let jwk = json!({"kty": "oct", "k": encode(&SECRET[..length - 1]), "alg": format!("{algorithm:?}")});
        refused(SigningKey::from_jwk(jwk.to_string()), WeakKey);
    }
    refused(
        SigningKey::from_secret(Algorithm::RS256, SECRET),
        UnsupportedKey,
    );
}

#[test]
fn the_name_of_a_secret_does_not_give_it_away() {
    let one = SigningKey::from_secret(Algorithm::HS256, SECRET).unwrap();
    assert_eq!(
        one.key_id(),
        SigningKey::from_jwk(oct().to_string()).unwrap().key_id()
    );
    // RFC 7638, section 7: its thumbprint would be a hash of it.
    let thumbprint = format!(r#"{{"k":"{}","kty":"oct"}}"#, encode(SECRET));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, thumbprint.as_bytes());
    assert!(!encode(digest.as_ref()).starts_with(one.key_id()));
    let other = SigningKey::from_secret(Algorithm::HS256, &SECRET[1..]).unwrap();
    assert_ne!(one.key_id(), other.key_id());
}

#[test]
fn keys_survive_a_way_through_pem() {
    for peer in PEERS.iter() {
        let Ok(pem) = peer.key.to_pem() else {
            assert!(matches!(
                peer.algorithm,
                Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
            ));
            continue;
        };
        let read = SigningKey::from_pem(&pem).unwrap();
        assert_eq!(read.key_id(), peer.key.key_id());
        let expected = if peer.algorithm == Algorithm::PS256 {
            Algorithm::RS256
        } else {
            peer.algorithm
        };
        assert_eq!(read.algorithm(), expected);
    }
}

/// A key of 1024 bits, made by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024`.
const RSA_1024: &str = include_str!("keys/rsa_1024.pem");
const RSA_1024_PUBLIC: &str = include_str!("keys/rsa_1024_public.pem");
const RSA_2048_PUBLIC: &str = include_str!("keys/rsa_2048_public.pem");
const RSA_2048: &str = include_str!("keys/rsa_2048.pem");
const P256: &str = include_str!("keys/p256.pem");
const P256_PUBLIC: &str = include_str!("keys/p256_public.pem");
const P256_COMPRESSED: &str = include_str!("keys/p256_compressed_public.pem");
const P521: &str = include_str!("keys/p521.pem");
const SECP256K1: &str = include_str!("keys/secp256k1.pem");
const X25519: &str = include_str!("keys/x25519.pem");
const RSA_PSS: &str = include_str!("keys/rsa_pss.pem");
const PKCS1: &str = include_str!("keys/pkcs1.pem");
const SEC1: &str = include_str!("keys/sec1.pem");
const ENCRYPTED: &str = include_str!("keys/encrypted.pem");

#[test]
fn pem_of_openssl_is_read() {
    for (private, public, algorithm) in [
        (RSA_2048, RSA_2048_PUBLIC, Algorithm::RS256),
        (P256, P256_PUBLIC, Algorithm::ES256),
    ] {
        let private = SigningKey::from_pem(private).unwrap();
        let public = VerifyingKey::from_pem(public).unwrap();
        assert_eq!(private.algorithm(), algorithm);
        assert_eq!(
            (public.algorithm(), public.key_id()),
            (algorithm, private.key_id())
        );
    }
}

#[test]
fn pem_that_is_refused_says_why() {
    for (pem, kind, says) in [
        (RSA_1024, WeakKey, "2048"),
        (P521, UnsupportedKey, "P-521"),
        (SECP256K1, UnsupportedKey, "secp256k1"),
        (X25519, UnsupportedKey, "X25519"),
        (RSA_PSS, UnsupportedKey, "PSS"),
        (PKCS1, MalformedKey, "openssl pkcs8"),
        (SEC1, MalformedKey, "openssl pkcs8"),
        (ENCRYPTED, MalformedKey, "encrypted"),
        (P256_PUBLIC, MalformedKey, "a public key"),
        ("", MalformedKey, "no PEM block"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            MalformedKey,
            "PKCS#8",
        ),
    ] {
        let error = refused(SigningKey::from_pem(pem), kind);
        assert!(error.contains(says), "{error}");
    }
    for (pem, kind, says) in [
        (RSA_1024_PUBLIC, WeakKey, "1024 bits"),
        // Only half of the point, which a JWK could not say.
        (P256_COMPRESSED, MalformedKey, "no point"),
        (RSA_2048, MalformedKey, "a private key"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            MalformedKey,
            "no public key",
        ),
    ] {
        let error = refused(VerifyingKey::from_pem(pem), kind);
        assert!(error.contains(says), "{error}");
    }
    // Damaged: whatever comes of it, it is no panic.
    let lines: Vec<_> = P256.lines().collect();
    for line in 1..lines.len() - 1 {
        for at in (0..lines[line].len()).step_by(3) {
            let mut damaged = lines.clone();
            let text = lines[line].replace('A', "B");
            let text = format!("{}{}", &text[..at], &lines[line][at..]);
            damaged[line] = &text;
            let _ = SigningKey::from_pem(damaged.join("\n"));
        }
    }
}
