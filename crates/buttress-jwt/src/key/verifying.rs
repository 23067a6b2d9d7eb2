use std::{fmt, sync::Arc};

use aws_lc_rs::{hmac, signature::ParsedPublicKey};
use jsonwebtoken::Algorithm;

use super::{
    der::{self, KeyType},
    jwk::{self, Half, Jwk, Key, Operation},
    pem,
    public::Public,
    thumbprint,
};
use crate::{Error, ErrorKind, key};

/// A key that verifies signatures: read once, prepared once, and bound to one algorithm.
///
/// Clones share the prepared key.
///
/// ```
/// use buttress_jwt::{Algorithm, SigningKey, VerifyingKey};
///
/// // RFC 8037, appendix A.2 and A.3.
/// let key = VerifyingKey::from_jwk(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// assert_eq!(key.algorithm(), Algorithm::EdDSA);
/// assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    inner: Arc<Inner>,
}

struct Inner {
    key_id: Box<str>,
    algorithm: Algorithm,
    prepared: Prepared,
}

enum Prepared {
    Public(Public, ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

impl VerifyingKey {
    /// Reads a public key in PEM: `-----BEGIN PUBLIC KEY-----`.
    ///
    /// An Ed25519 key is for EdDSA, one on P-256 for ES256, one on P-384 for ES384, and an RSA key for RS256
    /// unless [`with_algorithm`](Self::with_algorithm) says otherwise. The name of the key is its thumbprint
    /// (RFC 7638) unless [`with_key_id`](Self::with_key_id) gives another.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedKey`], [`ErrorKind::UnsupportedKey`] or [`ErrorKind::WeakKey`]: the text says what is
    /// there and what is allowed.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let document = pem::read(pem.as_ref(), "PUBLIC KEY")?;
        let (key_type, key) = der::spki(&document).ok_or_else(|| {
            Error::new(
                ErrorKind::MalformedKey,
                "what stands in the PEM block is no public key",
            )
        })?;
        let public = super::signer::public(key_type, key)?;
        let algorithm = public.default_algorithm();
        Self::of_public(public, algorithm, None)
    }

    /// Reads a public key from a JWK (RFC 7517).
    ///
    /// What the key says of itself binds: `use`, `key_ops`, `alg` and `crv` must allow it to verify signatures.
    /// Without `alg`, an RSA key is for RS256; without `kid`, the name of the key is its thumbprint.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and [`ErrorKind::WrongKeyUse`] for a key that is for something else, is
    /// private, or is symmetric.
    pub fn from_jwk(json: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::of_jwk(Jwk::read(json.as_ref(), Operation::Verify)?)
    }

    /// Whether the two are clones of one key.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether the two are the same public key, for the same algorithm and of the same name, however they came here.
    #[cfg(feature = "remote")]
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let same = match (&self.inner.prepared, &other.inner.prepared) {
            (Prepared::Public(one, _), Prepared::Public(other, _)) => one == other,
            _ => false,
        };
        same && self.key_id() == other.key_id() && self.algorithm() == other.algorithm()
    }

    /// What this key and its private half have in common; `None` for a symmetric one.
    pub(super) fn half(&self) -> Option<Half> {
        match &self.inner.prepared {
            Prepared::Public(public, _) => Some(Half::of(public)),
            Prepared::Secret(_) => None,
        }
    }

    pub(super) fn of_jwk(jwk: Jwk) -> Result<Self, Error> {
        match jwk.key {
            Key::Public(public) => Self::of_public(public, jwk.algorithm, jwk.key_id),
            // Reading for verification gives public keys only.
            _ => Err(Error::new(ErrorKind::WrongKeyUse, "this is no public key")),
        }
    }

    pub(super) fn of_public(
        public: Public,
        algorithm: Algorithm,
        key_id: Option<String>,
    ) -> Result<Self, Error> {
        let prepared = public.prepare(algorithm)?;
        let key_id = key_id.unwrap_or_else(|| thumbprint::of(&public));
        Ok(Self::new(
            algorithm,
            key_id,
            Prepared::Public(public, prepared),
        ))
    }

    pub(super) fn of_secret(algorithm: Algorithm, key: Box<hmac::Key>, key_id: String) -> Self {
        Self::new(algorithm, key_id, Prepared::Secret(key))
    }

    fn new(algorithm: Algorithm, key_id: String, prepared: Prepared) -> Self {
        Self {
            inner: Arc::new(Inner {
                key_id: key_id.into(),
                algorithm,
                prepared,
            }),
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
        match &self.inner.prepared {
            Prepared::Public(public, _) => {
                let key_id = self.inner.key_id.to_string();
                Self::of_public(public.clone(), algorithm, Some(key_id))
            }
            Prepared::Secret(_) => Err(super::algorithm::unfit(
                algorithm,
                "the algorithm that it was made for",
            )),
        }
    }

    /// Gives the key another name, the `kid` by which tokens call for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedKey`] when it is empty or has more than 128 bytes.
    pub fn with_key_id(self, key_id: impl Into<String>) -> Result<Self, Error> {
        let key_id = key_id.into();
        jwk::check_key_id(&key_id)?;
        let prepared = match &self.inner.prepared {
            Prepared::Public(public, key) => Prepared::Public(public.clone(), key.clone()),
            Prepared::Secret(key) => Prepared::Secret(key.clone()),
        };
        Ok(Self::new(self.algorithm(), key_id, prepared))
    }

    /// The only algorithm whose signatures it verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// Its name: the `kid` of the tokens that it verifies.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.inner.key_id
    }

    /// Whether the signature is of this key over the message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.inner.prepared {
            Prepared::Public(public, key) => {
                public.admits(signature) && key.verify_sig(message, signature).is_ok()
            }
            // Compares in constant time.
            Prepared::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }

    /// The members of its JWK, `None` for a symmetric key, which is not for publication.
    pub(crate) fn jwk(&self) -> Option<Vec<(&'static str, String)>> {
        let Prepared::Public(public, _) = &self.inner.prepared else {
            return None;
        };
        let mut members = thumbprint::members(public);
        members.push(("use", "sig".to_owned()));
        members.push(("alg", key::name(self.algorithm()).to_owned()));
        members.push(("kid", self.key_id().to_owned()));
        Some(members)
    }
}

/// Shows nothing of a symmetric key.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

/// What is said of a type of key that is not supported.
pub(super) fn unsupported(key_type: KeyType) -> Error {
    let name = match key_type {
        KeyType::Other(name) => name,
        KeyType::Rsa | KeyType::P256 | KeyType::P384 | KeyType::Ed25519 => "of a type",
    };
    Error::new(
        ErrorKind::UnsupportedKey,
        format!("a key {name} is not supported: Ed25519, P-256, P-384 and RSA are"),
    )
}
