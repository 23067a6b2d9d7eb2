//! Our tokens and keys with PyJWT, an independent implementation in another language, and its own with us: what both
//! accept, and what both refuse.

mod environment;

use buttress_jwt::{
    Algorithm, Claims, ErrorKind, Grant, Issuer, KeyRing, KeySet, SigningKey, TokenErrorKind,
    Verifier, VerifyingKey,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::environment::ask;
use crate::support::{AUDIENCE, ISSUER, PEERS, Peer, SECRET, encode, refused};

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::HS256,
];

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Tenant {
    tenant: String,
}

fn peers() -> impl Iterator<Item = &'static Peer> {
    PEERS
        .iter()
        .filter(|peer| ALGORITHMS.contains(&peer.algorithm))
}

/// A request to the other side.
fn request() -> Value {
    let algorithms: Vec<_> = ALGORITHMS.iter().map(|name| format!("{name:?}")).collect();
    let secret = std::str::from_utf8(SECRET).unwrap();
    json!({"issuer": ISSUER, "audience": AUDIENCE, "secret": secret, "algorithms": algorithms})
}

/// Our public keys, as one document.
fn jwks() -> Value {
    let mut keys = Vec::new();
    for peer in peers() {
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let document: Value = serde_json::from_str(&ring.jwks()).unwrap();
        keys.extend(document["keys"].as_array().unwrap().iter().cloned());
    }
    // The secret is in no document.
    assert_eq!(keys.len(), ALGORITHMS.len() - 1);
    json!({"keys": keys})
}

/// The same token with another claim, and with another signature.
fn broken(token: &str) -> [String; 2] {
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut bytes = decode(payload);
    let at = bytes.windows(6).position(|at| at == b"user-1").unwrap();
    bytes[at + 5] = b'2';
    let mut other = decode(signature);
    other[10] ^= 1;
    [
        format!("{header}.{}.{signature}", encode(&bytes)),
        format!("{header}.{payload}.{}", encode(&other)),
    ]
}

fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn our_tokens_are_accepted_there_and_broken_ones_are_not() {
    let issue = |peer: &Peer| {
        let ring = KeyRing::new(peer.key.clone()).unwrap();
        let grant = Grant::new("user-1").with_roles(["clerk"]);
        let grant = grant.with_custom(Tenant {
            tenant: "Öl \"&\" Söhne".to_owned(),
        });
        Issuer::new(ISSUER, AUDIENCE, ring).issue(grant).unwrap()
    };
    let issued: Vec<_> = peers().map(issue).collect();
    let mut tokens = Vec::new();
    for issued in &issued {
        tokens.push(issued.token.clone());
        tokens.extend(broken(&issued.token));
    }
    let mut request = request();
    request["jwks"] = jwks();
    request["tokens"] = json!(tokens);
    let answer = ask("verify", &request);
    let answers = answer["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 3 * ALGORITHMS.len());
    for ((answers, issued), peer) in answers.chunks(3).zip(&issued).zip(peers()) {
        let claims = &answers[0]["claims"];
        let algorithm = format!("{:?}", peer.algorithm);
        assert_eq!(answers[0]["header"]["alg"], algorithm, "{answers:?}");
        assert_eq!(answers[0]["header"]["typ"], "at+jwt");
        assert_eq!(claims["sub"], "user-1", "{algorithm}: {answers:?}");
        assert_eq!(claims["roles"], json!(["clerk"]));
        assert_eq!(claims["tenant"], "Öl \"&\" Söhne");
        assert_eq!(claims["exp"], issued.expires_at.timestamp());
        for answer in &answers[1..] {
            assert_eq!(answer["refused"], "InvalidSignatureError", "{algorithm}");
        }
    }
    // The names of our keys are the thumbprints that the other side computes.
    let thumbprints = answer["thumbprints"].as_object().unwrap();
    assert_eq!(thumbprints.len(), ALGORITHMS.len() - 1);
    assert!(
        thumbprints
            .iter()
            .all(|(kid, thumbprint)| kid == thumbprint)
    );
}

#[test]
fn their_tokens_are_accepted_here_and_broken_ones_are_not() {
    let issued = ask("issue", &request());
    let issued = issued.as_array().unwrap();
    assert_eq!(issued.len(), ALGORITHMS.len());
    for (issued, algorithm) in issued.iter().zip(ALGORITHMS) {
        let token = issued["token"].as_str().unwrap();
        let private = SigningKey::from_jwk(issued["private_jwk"].to_string()).unwrap();
        assert_eq!(private.algorithm(), algorithm);
        let mut verifiers = vec![Verifier::new(ISSUER, AUDIENCE, &private)];
        if let Some(pem) = issued["public_pem"].as_str() {
            let set = KeySet::from_json(json!({"keys": [issued["jwk"]]}).to_string()).unwrap();
            let key = VerifyingKey::from_pem(pem).unwrap();
            // What a PEM does not say: which of the algorithms of RSA it is for.
            let key = key.with_algorithm(algorithm).unwrap();
            assert_eq!(key.key_id(), issued["thumbprint"].as_str().unwrap());
            verifiers.push(Verifier::new(ISSUER, AUDIENCE, set));
            verifiers.push(Verifier::new(ISSUER, AUDIENCE, key));
            let pem = issued["pem"].as_str().unwrap();
            let private = SigningKey::from_pem(pem).unwrap();
            let private = private.with_algorithm(algorithm).unwrap();
            verifiers.push(Verifier::new(ISSUER, AUDIENCE, &private));
        }
        for verifier in &verifiers {
            let claims: Claims<Tenant> = verifier.verify(token).unwrap();
            assert_eq!(claims.subject, "user-1");
            assert_eq!(claims.audience, [AUDIENCE, "others"]);
            assert_eq!(claims.scopes, ["orders:read", "orders:write"]);
            assert_eq!(claims.roles, ["clerk"]);
            assert_eq!(claims.token_id, format!("python-{algorithm:?}"));
            assert_eq!(claims.custom.tenant, "Öl & Söhne");
            for broken in broken(token) {
                let kind = refused(verifier, &broken);
                assert_eq!(kind, TokenErrorKind::BadSignature, "{algorithm:?}");
            }
        }
        let other = Verifier::new(ISSUER, "backoffice", &private);
        assert_eq!(refused(&other, token), TokenErrorKind::WrongAudience);
    }
}

#[test]
fn our_private_keys_sign_there() {
    let keys = || peers().filter(|peer| peer.key.to_pem().is_ok());
    let pems = keys().map(|peer| {
        let algorithm = format!("{:?}", peer.algorithm);
        json!({"pem": peer.key.to_pem().unwrap(), "alg": algorithm, "kid": peer.key.key_id()})
    });
    let mut request = request();
    request["keys"] = pems.collect();
    let signed = ask("sign", &request);
    let signed = signed.as_array().unwrap();
    assert_eq!(signed.len(), ALGORITHMS.len() - 1);
    let set = Verifier::new(
        ISSUER,
        AUDIENCE,
        KeySet::from_json(jwks().to_string()).unwrap(),
    );
    for (token, peer) in signed.iter().zip(keys()) {
        let token = token.as_str().unwrap();
        let claims: Claims = set.verify(token).unwrap();
        assert_eq!(claims.token_id, format!("python-{:?}", peer.algorithm));
        assert_eq!(
            refused(&set, &broken(token)[1]),
            TokenErrorKind::BadSignature
        );
    }
}

/// The member with its first byte changed, and shorter by one.
fn damaged(jwk: &Value, name: &str) -> [Value; 2] {
    let bytes = decode(jwk[name].as_str().unwrap());
    let mut other = bytes.clone();
    other[0] ^= 1;
    [&other[..], &bytes[1..]].map(|bytes| {
        let mut jwk = jwk.clone();
        jwk[name] = json!(encode(bytes));
        jwk
    })
}

#[test]
fn broken_documents_are_refused_on_both_sides() {
    let document = |jwk: &Value| json!({"keys": [jwk]});
    let ours = jwks();
    let ours = ours["keys"].as_array().unwrap();
    let curves = || ours.iter().filter(|jwk| jwk["kty"] == "EC");
    let edwards = ours.iter().find(|jwk| jwk["kty"] == "OKP").unwrap();
    // No point of the curve, too short, and too short. A changed Ed25519 key may be another key.
    let mut documents: Vec<_> = curves().flat_map(|jwk| damaged(jwk, "y")).collect();
    documents.push(damaged(edwards, "x")[1].clone());
    assert_eq!(documents.len(), 5);
    let mut request = request();
    let whole = ours.iter().map(document);
    let all: Vec<_> = whole.chain(documents.iter().map(document)).collect();
    request["documents"] = json!(all);
    let counts = ask("read", &request);
    assert_eq!(counts, json!([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]));

    for theirs in ask("issue", &request).as_array().unwrap() {
        let jwk = &theirs["jwk"];
        let broken = match jwk["kty"].as_str() {
            Some("EC") => damaged(jwk, "y").to_vec(),
            Some("OKP") => vec![damaged(jwk, "x")[1].clone()],
            _ => Vec::new(),
        };
        for jwk in broken {
            let error = VerifyingKey::from_jwk(jwk.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedKey, "{jwk}");
            let error = KeySet::from_json(document(&jwk).to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnknownKey, "{jwk}");
        }
        // A private key where a public one belongs, and a secret.
        let private = document(&theirs["private_jwk"]);
        let error = KeySet::from_json(private.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownKey);
    }
}
