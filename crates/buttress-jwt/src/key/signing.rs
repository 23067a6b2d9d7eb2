use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    error::KeyRejected,
    hmac, rsa,
    signature::{EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::Algorithm;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    VerifyingKey,
    algorithm::{self, Curve},
    der::{self, KeyType},
    jwk::{Jwk, Key, Operation},
    pem,
    signer::{Signer, ec, rejected},
    verifying,
};
use crate::{Error, ErrorKind, key, token::base64url};

/// A key that signs tokens: read once, prepared once, and bound to one algorithm.
///
/// Clones share the prepared key. `Debug` shows the name of the key and its algorithm, nothing else.
///
/// ```
/// use buttress_jwt::{Algorithm, SigningKey};
///
/// // What `openssl genpkey -algorithm ed25519` prints.
/// let key = SigningKey::from_pem(
///     "-----BEGIN PRIVATE KEY-----\n\
///      MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
///      -----END PRIVATE KEY-----\n",
/// )?;
/// assert_eq!(key.algorithm(), Algorithm::EdDSA);
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    signer: Arc<Signer>,
    verifying: VerifyingKey,
    /// What the header of a token calls the algorithm.
    name: &'static str,
    /// The header of every token that the key signs, in base64url.
    header: Arc<str>,
}

impl SigningKey {
    /// Makes a new key: 32 bytes for EdDSA, 3072 bits for RSA, as many as the digest has for HMAC.
    ///
    /// It is gone when the process ends, unless [`to_pem`](Self::to_pem) keeps it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Crypto`] when the system gives no random bytes.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let signer = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::generate().map(Signer::Ed25519),
            Algorithm::ES256 => EcdsaKeyPair::generate(Curve::P256.signing()).map(Signer::Ec),
            Algorithm::ES384 => EcdsaKeyPair::generate(Curve::P384.signing()).map(Signer::Ec),
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                let mut secret = Zeroizing::new(crate::secret::random::<64>()?);
                let length = algorithm::hmac(algorithm).map_or(64, |hash| hash.tag_len());
                let key = Self::from_secret(algorithm, &secret[..length]);
                secret.zeroize();
                return key;
            }
            _ => rsa::KeyPair::generate(rsa::KeySize::Rsa3072).map(Signer::Rsa),
        };
        let signer = signer
            .map_err(|_| Error::new(ErrorKind::Crypto, "the cryptographic library made no key"))?;
        Self::of(signer, Some(algorithm), None)
    }

    /// Reads a private key in PEM: `-----BEGIN PRIVATE KEY-----`, which is PKCS#8.
    ///
    /// An Ed25519 key is for EdDSA, one on P-256 for ES256, one on P-384 for ES384, and an RSA key for RS256
    /// unless [`with_algorithm`](Self::with_algorithm) says otherwise. The name of the key is the thumbprint of
    /// its public half (RFC 7638) unless [`with_key_id`](Self::with_key_id) gives another.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedKey`], [`ErrorKind::UnsupportedKey`] or [`ErrorKind::WeakKey`]: the text says what is
    /// there and what is allowed.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let document = pem::read(pem.as_ref(), "PRIVATE KEY")?;
        let signer = match der::pkcs8(&document) {
            Some(KeyType::Ed25519) => Ed25519KeyPair::from_pkcs8(&document)
                .map(Signer::Ed25519)
                .map_err(rejected)?,
            Some(KeyType::P256) => ec(Curve::P256, &document)?,
            Some(KeyType::P384) => ec(Curve::P384, &document)?,
            Some(KeyType::Rsa) => rsa::KeyPair::from_pkcs8(&document)
                .map(Signer::Rsa)
                .map_err(rejected)?,
            Some(other) => return Err(verifying::unsupported(other)),
            None => {
                return Err(Error::new(
                    ErrorKind::MalformedKey,
                    "what stands in the PEM block is no private key in PKCS#8",
                ));
            }
        };
        Self::of(signer, None, None)
    }

    /// Reads a private or symmetric key from a JWK (RFC 7517).
    ///
    /// What the key says of itself binds: `use`, `key_ops`, `alg` and `crv` must allow it to sign. Without `alg`,
    /// an RSA key is for RS256 and a symmetric one for HS256.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and [`ErrorKind::WrongKeyUse`] for a key that is for something else.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, Error> {
        let jwk = Jwk::read(json.as_ref(), Operation::Sign)?;
        let signer = match &jwk.key {
            Key::Ed25519 { public, seed } => {
                Ed25519KeyPair::from_seed_and_public_key(seed, public).map(Signer::Ed25519)
            }
            Key::Ec {
                curve,
                point,
                scalar,
            } => EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), scalar, point)
                .map(Signer::Ec),
            Key::Rsa {
                modulus,
                exponent,
                private,
            } => {
                let [d, p, q, dp, dq, qi] = &**private;
                rsa::KeyPair::from_components(&rsa::KeyPairComponents {
                    public_key: rsa::PublicKeyComponents {
                        n: modulus,
                        e: exponent,
                    },
                    d: d.as_slice(),
                    p: p.as_slice(),
                    q: q.as_slice(),
                    dP: dp.as_slice(),
                    dQ: dq.as_slice(),
                    qInv: qi.as_slice(),
                })
                .map(Signer::Rsa)
            }
            Key::Secret(secret) => {
                let key = Self::from_secret(jwk.algorithm, secret)?;
                return match jwk.key_id {
                    Some(key_id) => key.with_key_id(key_id),
                    None => Ok(key),
                };
            }
            // Reading for signing gives private keys only.
            Key::Public(_) => Err(KeyRejected::from(aws_lc_rs::error::Unspecified)),
        };
        Self::of(signer.map_err(rejected)?, Some(jwk.algorithm), jwk.key_id)
    }

    /// A symmetric key for HS256, HS384 or HS512. Everyone who verifies with it can sign with it too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WeakKey`] when it has fewer bytes than the digest (RFC 7518, section 3.2): 32, 48 and 64;
    /// [`ErrorKind::WrongKeyUse`] when it is no secret but a key in PEM, in DER or in JSON;
    /// [`ErrorKind::UnsupportedKey`] when the algorithm is another.
    pub fn from_secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let secret = secret.as_ref();
        let Some(hash) = algorithm::hmac(algorithm) else {
            return Err(algorithm::unfit(algorithm, "HS256, HS384 and HS512"));
        };
        if secret.len() < hash.tag_len() {
            return Err(Error::new(
                ErrorKind::WeakKey,
                format!(
                    "the secret has {} bytes: {} takes {} at least, as from `openssl rand {}`",
                    secret.len(),
                    key::name(algorithm),
                    hash.tag_len(),
                    hash.tag_len(),
                ),
            ));
        }
        if is_other_key(secret) {
            return Err(Error::new(
                ErrorKind::WrongKeyUse,
                "this is a key in PEM, in DER or in JSON: used as a secret, its public half would sign tokens",
            ));
        }
        let key = hmac::Key::new(hash, secret);
        // A thumbprint would be a hash of the secret. This one cannot be told from random without it.
        let name = hmac::sign(&key, b"buttress-jwt kid");
        let key_id = base64url::encode(&name.as_ref()[..16]);
        let key = Box::new(key);
        let verifying = VerifyingKey::of_secret(algorithm, key.clone(), key_id);
        Ok(Self::new(
            Arc::new(Signer::Hmac(key)),
            verifying,
            key::name(algorithm),
        ))
    }

    fn of(
        signer: Signer,
        algorithm: Option<Algorithm>,
        key_id: Option<String>,
    ) -> Result<Self, Error> {
        let public = signer.public()?;
        let algorithm = algorithm.unwrap_or(public.default_algorithm());
        let verifying = VerifyingKey::of_public(public, algorithm, key_id)?;
        Ok(Self::new(Arc::new(signer), verifying, key::name(algorithm)))
    }

    fn new(signer: Arc<Signer>, verifying: VerifyingKey, name: &'static str) -> Self {
        // The name of a key may have any character, that of an algorithm has none that JSON would escape.
        let key_id = serde_json::Value::from(verifying.key_id());
        let json = format!(r#"{{"typ":"at+jwt","alg":"{name}","kid":{key_id}}}"#);
        Self {
            header: base64url::encode(json.as_bytes()).into(),
            signer,
            verifying,
            name,
        }
    }

    /// Binds the key to another algorithm: PS256 for an RSA key, say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedKey`] when the key cannot be used with it.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, Error> {
        if algorithm == self.algorithm() {
            return Ok(self);
        }
        let verifying = self.verifying.with_algorithm(algorithm)?;
        Ok(Self::new(self.signer, verifying, key::name(algorithm)))
    }

    /// Gives the key another name, the `kid` in its tokens and in the JWKS.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedKey`] when it is empty or has more than 128 bytes.
    pub fn with_key_id(self, key_id: impl Into<String>) -> Result<Self, Error> {
        let verifying = self.verifying.with_key_id(key_id)?;
        Ok(Self::new(self.signer, verifying, self.name))
    }

    /// Writes `Ed25519` where tokens of an Ed25519 key say `EdDSA`, as RFC 9864 would have it. Other keys stay as
    /// they are.
    ///
    /// Not everyone who verifies tokens knows the new name. Every [`Verifier`](crate::Verifier) does.
    #[must_use]
    pub fn with_fully_specified_algorithm(self) -> Self {
        let name = match self.algorithm() {
            Algorithm::EdDSA => "Ed25519",
            other => key::name(other),
        };
        Self::new(self.signer, self.verifying, name)
    }

    /// The private key in PEM, as [`from_pem`](Self::from_pem) reads it, to be kept where secrets are kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedKey`] for a symmetric key, which has no such form.
    pub fn to_pem(&self) -> Result<String, Error> {
        let failed = |_| Error::new(ErrorKind::Crypto, "the private key could not be written");
        match &*self.signer {
            Signer::Ed25519(key) => {
                let document: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
                Ok(pem::write(document.as_ref(), "PRIVATE KEY"))
            }
            Signer::Ec(key) => {
                let document = key.to_pkcs8v1().map_err(failed)?;
                Ok(pem::write(document.as_ref(), "PRIVATE KEY"))
            }
            Signer::Rsa(key) => {
                let document = key.as_der().map_err(failed)?;
                Ok(pem::write(document.as_ref(), "PRIVATE KEY"))
            }
            Signer::Hmac(_) => Err(Error::new(
                ErrorKind::UnsupportedKey,
                "a symmetric key has no form in PEM",
            )),
        }
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The only algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// Its name: the `kid` of the tokens that it signs.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.verifying.key_id()
    }

    /// Makes a token of the claims, a JSON text.
    pub(crate) fn token(&self, claims: &[u8]) -> Result<String, Error> {
        // Header, claims and two dots, and a signature of RSA at most.
        let length = self.header.len() + claims.len() * 4 / 3 + 700;
        let mut token = String::with_capacity(length);
        token.push_str(&self.header);
        token.push('.');
        base64url::encode_to(claims, &mut token);
        self.append_signature(&mut token)?;
        Ok(token)
    }

    /// Appends a dot and the signature over what stands before it.
    pub(super) fn append_signature(&self, token: &mut String) -> Result<(), Error> {
        self.signer.append_signature(self.algorithm(), token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

/// Whether a secret is a key of another family, whose public half an attacker may know.
fn is_other_key(secret: &[u8]) -> bool {
    let text = secret.trim_ascii_start();
    text.starts_with(b"-----BEGIN")
        || der::spki(secret).is_some()
        || der::pkcs8(secret).is_some()
        || rsa::PublicKey::from_der(secret).is_ok()
        || (text.starts_with(b"{") && serde_json::from_slice::<serde_json::Value>(text).is_ok())
}
