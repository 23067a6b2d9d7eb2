//! `buttress-jwt` beside its peers and its floors.
//!
//! Every group has one function whose name begins with `floor`: the least that could do the job. For tokens that is
//! the signature alone, with a key that was prepared before.

use std::{
    cell::RefCell, collections::HashMap, hash::RandomState, hint::black_box, sync::Arc,
    time::Duration,
};

use aws_lc_rs::{hmac, rand::SystemRandom, rsa, signature};
use buttress_benches::{Bare, Interleaved, call, parsed_head};
use buttress_jwt::{
    Algorithm, BearerLayer, Grant, Issuer, KeyRing, MemoryRefreshStore, RefreshKeys, Require,
    RequireLayer, RevocationList, Sessions, SigningKey, Verifier,
};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Request, header::AUTHORIZATION};
use tower_layer::Layer;

const ISSUER: &str = "https://api.example.com";
const AUDIENCE: &str = "shop";
const SECRET: [u8; 32] = *b"the 256 bits that the two share.";
const ROLES: [&str; 2] = ["user", "admin"];
const SCOPES: [&str; 2] = ["orders:read", "orders:write"];

/// Whoever issues tokens, whoever takes them, and one token.
struct Parties {
    key: SigningKey,
    issuer: Issuer,
    verifier: Verifier,
    token: String,
}

impl Parties {
    fn new(algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::HS256 => SigningKey::from_secret(algorithm, SECRET),
            Algorithm::RS256 => SigningKey::from_pem(rsa_2048()),
            _ => SigningKey::generate(algorithm),
        };
        let key = key.expect("a key");
        let keys = KeyRing::new(key.clone()).expect("a ring");
        let issuer = Issuer::new(ISSUER, AUDIENCE, keys.clone());
        // No token is to expire while the peers are measured, however slow the machine.
        let issuer = issuer
            .with_lifetime(Duration::from_secs(3600))
            .expect("an hour");
        let verifier = Verifier::new(ISSUER, AUDIENCE, keys);
        let token = issuer.issue(grant()).expect("a token").token;
        Self {
            key,
            issuer,
            verifier,
            token,
        }
    }

    /// What is signed, and its signature.
    fn signed(&self) -> (Vec<u8>, Vec<u8>) {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let (message, signature) = self.token.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        (message.into(), signature)
    }

    /// A request as hyper parses it.
    fn request(&self) -> impl Fn() -> Request<()> + use<> {
        request(&self.token)
    }
}

fn grant() -> Grant {
    Grant::new("018f6b1e-7c1a-7000-8000-5d2a4c3b2a19")
        .with_session("018f6b1e-7c1a-7000-8000-0242ac120002")
        .with_roles(ROLES)
        .with_scopes(SCOPES)
}

fn request(token: &str) -> impl Fn() -> Request<()> + use<> {
    let head = parsed_head(&format!(
        "GET /v1/orders HTTP/1.1\r\n\
         host: shop.example.com\r\n\
         user-agent: bench/1.0\r\n\
         accept: application/json\r\n\
         authorization: Bearer {token}\r\n\r\n"
    ));
    move || Request::from_parts(head.clone(), ())
}

/// Takes a message and its signature.
type Verify = Box<dyn Fn(&[u8], &[u8])>;

/// The signature alone, with a prepared key.
#[allow(clippy::large_enum_variant, reason = "there is one for each group")]
enum Prepared {
    Hmac(hmac::Key),
    Ed25519(signature::Ed25519KeyPair),
    Ecdsa(signature::EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl Prepared {
    fn new(parties: &Parties) -> Self {
        if parties.key.algorithm() == Algorithm::HS256 {
            return Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &SECRET));
        }
        let der = pkcs8(&parties.key);
        match parties.key.algorithm() {
            Algorithm::EdDSA => {
                Self::Ed25519(signature::Ed25519KeyPair::from_pkcs8(&der).expect("a key"))
            }
            Algorithm::ES256 => {
                let form = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                Self::Ecdsa(signature::EcdsaKeyPair::from_pkcs8(form, &der).expect("a key"))
            }
            _ => Self::Rsa(rsa::KeyPair::from_pkcs8(&der).expect("a key")),
        }
    }

    fn sign(&self, random: &SystemRandom, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Ecdsa(key) => {
                let signed = key.sign(random, message).expect("a signature");
                signed.as_ref().to_vec()
            }
            Self::Rsa(key) => {
                let mut signed = vec![0; key.public_modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, random, message, &mut signed)
                    .expect("a signature");
                signed
            }
        }
    }

    /// Verifies with a key that has been parsed.
    fn verifier(&self) -> Verify {
        use signature::{KeyPair, ParsedPublicKey, VerificationAlgorithm};
        let (form, public): (&'static dyn VerificationAlgorithm, _) = match self {
            Self::Hmac(key) => {
                let key = key.clone();
                return Box::new(move |message, tag| {
                    hmac::verify(&key, message, tag).expect("it is ours");
                });
            }
            Self::Ed25519(key) => (&signature::ED25519, key.public_key().as_ref()),
            Self::Ecdsa(key) => (
                &signature::ECDSA_P256_SHA256_FIXED,
                key.public_key().as_ref(),
            ),
            Self::Rsa(key) => (
                &signature::RSA_PKCS1_2048_8192_SHA256,
                key.public_key().as_ref(),
            ),
        };
        let key = ParsedPublicKey::new(form, public).expect("a public key");
        Box::new(move |message, signature| {
            key.verify_sig(message, signature).expect("it is ours");
        })
    }
}

/// A key of the size that most have: new ones of ours have 3072 bits.
fn rsa_2048() -> String {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use base64::{Engine, engine::general_purpose::STANDARD};
    let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("PKCS#8");
    let text = STANDARD.encode::<&[u8]>(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn pkcs8(key: &SigningKey) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let pem = key.to_pem().expect("it is not symmetric");
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).expect("PEM")
}

fn verify(criterion: &mut Criterion, group: &str, algorithm: Algorithm, iterations: usize) {
    let parties = Parties::new(algorithm);
    let (message, signed) = parties.signed();
    let floor = Prepared::new(&parties).verifier();
    let token = || black_box(parties.token.as_str());
    let mut group = Interleaved::new(group).with_iterations(iterations);
    group.add(
        "floor: the signature, prepared key",
        || (),
        |()| {
            floor(black_box(&message), &signed);
        },
    );
    group.add("buttress-jwt", token, |it| {
        parties.verifier.verify::<()>(it).expect("a good token")
    });
    #[cfg(feature = "peers")]
    peers::verify(&mut group, &parties);
    group.bench(criterion);
}

fn verify_hs256(criterion: &mut Criterion) {
    verify(criterion, "jwt: verify, HS256", Algorithm::HS256, 64);
}

fn verify_eddsa(criterion: &mut Criterion) {
    verify(criterion, "jwt: verify, EdDSA", Algorithm::EdDSA, 8);
}

fn verify_es256(criterion: &mut Criterion) {
    verify(criterion, "jwt: verify, ES256", Algorithm::ES256, 8);
}

fn verify_rs256(criterion: &mut Criterion) {
    verify(criterion, "jwt: verify, RS256", Algorithm::RS256, 8);
}

fn issue(criterion: &mut Criterion, group: &str, algorithm: Algorithm, iterations: usize) {
    let parties = Parties::new(algorithm);
    let (message, _) = parties.signed();
    let floor = Prepared::new(&parties);
    let random = SystemRandom::new();
    let mut group = Interleaved::new(group).with_iterations(iterations);
    group.add(
        "floor: the signature, prepared key",
        || (),
        |()| floor.sign(&random, black_box(&message)),
    );
    group.add("buttress-jwt", grant, |it| {
        parties.issuer.issue(it).expect("a token")
    });
    #[cfg(feature = "peers")]
    peers::issue(&mut group, &parties);
    group.bench(criterion);
}

fn issue_hs256(criterion: &mut Criterion) {
    issue(criterion, "jwt: issue, HS256", Algorithm::HS256, 64);
}

fn issue_eddsa(criterion: &mut Criterion) {
    issue(criterion, "jwt: issue, EdDSA", Algorithm::EdDSA, 16);
}

fn issue_es256(criterion: &mut Criterion) {
    issue(criterion, "jwt: issue, ES256", Algorithm::ES256, 16);
}

fn issue_rs256(criterion: &mut Criterion) {
    issue(criterion, "jwt: issue, RS256", Algorithm::RS256, 2);
}

/// The whole way through the layer, with the signature.
fn layer(criterion: &mut Criterion) {
    let parties = Parties::new(Algorithm::EdDSA);
    let (message, signed) = parties.signed();
    let floor = Prepared::new(&parties).verifier();
    let mut layered = BearerLayer::<()>::new(parties.verifier.clone()).layer(Bare);
    let mut group = Interleaved::new("jwt: layer, EdDSA").with_iterations(8);
    group.add(
        "floor: bare service and the signature",
        parties.request(),
        |it| {
            floor(black_box(&message), &signed);
            call(&mut Bare, it)
        },
    );
    group.add("buttress-jwt", parties.request(), |it| {
        call(&mut layered, it)
    });
    #[cfg(feature = "peers")]
    peers::layer(&mut group, &parties);
    group.bench(criterion);
}

/// A map of what was seen, as one would write it by hand: without time, key or revocation.
fn seen(headers: &HeaderMap, tokens: &HashMap<Box<[u8]>, Arc<str>, RandomState>) -> Arc<str> {
    let value = headers[AUTHORIZATION].as_bytes();
    Arc::clone(&tokens[&value[b"Bearer ".len()..]])
}

fn layer_with_memory(criterion: &mut Criterion) {
    let parties = Parties::new(Algorithm::EdDSA);
    let seen_before = parties.token.as_bytes().into();
    let tokens = HashMap::from([(seen_before, Arc::from("user-1"))]);
    let remembering = || BearerLayer::<()>::new(parties.verifier.clone()).with_memory(10_000);
    let mut layered = remembering().layer(Bare);
    let revoked = RevocationList::new(1000);
    let mut revocable = remembering().with_revocation(revoked).layer(Bare);
    let require = RequireLayer::new(Require::all([
        Require::role("admin"),
        Require::scope("orders:read"),
    ]));
    let mut required = remembering().layer(require.layer(Bare));

    let mut group = Interleaved::new("jwt: layer, a token that was seen before");
    group.add("bare service", parties.request(), |it| call(&mut Bare, it));
    group.add(
        "floor: bare service and a map by hand",
        parties.request(),
        |mut it| {
            let seen = seen(it.headers(), &tokens);
            it.extensions_mut().insert(seen);
            call(&mut Bare, it)
        },
    );
    group.add("buttress-jwt", parties.request(), |it| {
        call(&mut layered, it)
    });
    group.add(
        "buttress-jwt with a list of revocations",
        parties.request(),
        |it| call(&mut revocable, it),
    );
    group.add(
        "buttress-jwt with a role and a scope",
        parties.request(),
        |it| call(&mut required, it),
    );
    group.bench(criterion);
}

/// What an attacker can make us do for nothing.
fn refuse_junk(criterion: &mut Criterion) {
    let parties = Parties::new(Algorithm::EdDSA);
    let junk = "x".repeat(parties.token.len());
    let (header, rest) = parties.token.split_once('.').expect("three parts");
    let unknown = {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
        let header = String::from_utf8(header).expect("JSON");
        let header = header.replace(parties.key.key_id(), &"k".repeat(43));
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    };
    let refused = |token| parties.verifier.verify::<()>(token).expect_err("junk");
    let mut group = Interleaved::new("jwt: refuse junk");
    group.add(
        "floor: look for the points",
        || black_box(&junk),
        |it| it.bytes().filter(|byte| *byte == b'.').count(),
    );
    group.add(
        "buttress-jwt, no token",
        || black_box(&junk),
        |it| refused(it),
    );
    group.add(
        "buttress-jwt, no key of ours",
        || black_box(&unknown),
        |it| refused(it),
    );
    #[cfg(feature = "peers")]
    peers::refuse_junk(&mut group, &parties, &junk);
    group.bench(criterion);
}

/// One refresh, all of it: the MAC, the successor, the store, a new access token.
fn refresh(criterion: &mut Criterion) {
    let parties = Parties::new(Algorithm::EdDSA);
    let (message, _) = parties.signed();
    let floor = Prepared::new(&parties);
    let random = SystemRandom::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let keys = RefreshKeys::new(1, SECRET).expect("a key");
    let sessions = Sessions::new(parties.issuer.clone(), keys, MemoryRefreshStore::new());
    let first = runtime
        .block_on(sessions.start("user-1"))
        .expect("a session");
    let newest = RefCell::new(first.refresh_token);
    let mut group = Interleaved::new("jwt: refresh, memory, EdDSA").with_iterations(8);
    group.add(
        "floor: the signature, prepared key",
        || (),
        |()| floor.sign(&random, black_box(&message)),
    );
    group.add(
        "buttress-jwt",
        || (),
        |()| {
            let token = newest.borrow().clone();
            let pair = runtime
                .block_on(sessions.refresh(&token))
                .expect("the newest token");
            newest.replace(pair.refresh_token)
        },
    );
    group.bench(criterion);
}

#[cfg(feature = "peers")]
#[path = "jwt_peers.rs"]
mod peers;

criterion_group!(
    benches_of_jwt,
    verify_hs256,
    verify_eddsa,
    verify_es256,
    verify_rs256,
    issue_hs256,
    issue_eddsa,
    issue_es256,
    issue_rs256,
    layer,
    layer_with_memory,
    refuse_junk,
    refresh
);
criterion_main!(benches_of_jwt);
