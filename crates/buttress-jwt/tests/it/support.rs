//! A clock that is moved by hand, and a peer that makes tokens from any header and any claims.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use buttress_jwt::{Algorithm, Claims, Clock, SigningKey, TokenError, TokenErrorKind, Verifier};
use jsonwebtoken::{DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const ISSUER: &str = "https://api.example.com";
pub(crate) const AUDIENCE: &str = "shop";
pub(crate) const SECRET: &[u8] =
    b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds * 1000)))
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn set_millis(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst) / 1000
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || {
            let millis = millis.load(Ordering::SeqCst).try_into().unwrap();
            SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
        })
    }
}

/// One key, as this crate has it and as jsonwebtoken has it.
pub(crate) struct Peer {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: SigningKey,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
}

impl Peer {
    fn new(algorithm: Algorithm) -> Self {
        // Another member of the workspace may enable the other backend of jsonwebtoken, and then it has none
        // until it is told which. It is told once; the second time it says so.
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        if let Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 = algorithm {
            return Self {
                algorithm,
                key: SigningKey::from_secret(algorithm, SECRET).unwrap(),
                encoding: EncodingKey::from_secret(SECRET),
                decoding: DecodingKey::from_secret(SECRET),
            };
        }
        let key = SigningKey::generate(algorithm).unwrap();
        let pem = key.to_pem().unwrap();
        let encoding = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        let ring = buttress_jwt::KeyRing::new(key.clone()).unwrap();
        let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
        let jwk = serde_json::from_value(jwks["keys"][0].clone()).unwrap();
        Self {
            algorithm,
            decoding: DecodingKey::from_jwk(&jwk).unwrap(),
            encoding: encoding.unwrap(),
            key,
        }
    }

    /// A token of this header and these claims, whatever they are.
    pub(crate) fn forge(&self, header: &str, claims: &str) -> String {
        self.sign(&format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(claims.as_bytes())
        ))
    }

    /// The message with a signature.
    pub(crate) fn sign(&self, message: &str) -> String {
        let signature = crypto::sign(message.as_bytes(), &self.encoding, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": format!("{:?}", self.algorithm), "kid": self.key.key_id()})
    }

    /// A token with these claims under the right header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.forge(&self.header().to_string(), &claims.to_string())
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::new(ISSUER, AUDIENCE, &self.key).with_clock(Hands::at(NOW).clock())
    }
}

/// The claims of a token that is accepted.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "user-1", "aud": AUDIENCE, "exp": NOW + 900, "iat": NOW, "jti": "t-1",
        "client_id": "shop",
    })
}

/// Those claims with one of them changed.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn verify(verifier: &Verifier, token: &str) -> Result<Claims, TokenError> {
    verifier.verify(token)
}

/// Why the token is refused.
#[track_caller]
pub(crate) fn refused(verifier: &Verifier, token: &str) -> TokenErrorKind {
    verify(verifier, token).unwrap_err().kind()
}

/// The algorithms, each with a key. RSA keys take a while to make, so they are made once.
pub(crate) static PEERS: LazyLock<Vec<Peer>> = LazyLock::new(|| {
    [
        Algorithm::EdDSA,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::HS256,
        Algorithm::HS384,
        Algorithm::HS512,
    ]
    .map(Peer::new)
    .into()
});

pub(crate) fn peer(algorithm: Algorithm) -> &'static Peer {
    PEERS
        .iter()
        .find(|peer| peer.algorithm == algorithm)
        .unwrap()
}
