//! The private half of a key, prepared to sign.

use aws_lc_rs::{
    error::KeyRejected,
    hmac, rand, rsa,
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use jsonwebtoken::Algorithm;

use super::{
    algorithm::{self, Curve},
    der::KeyType,
    public::Public,
    verifying,
};
use crate::{Error, ErrorKind, token::base64url};

pub(super) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
    Hmac(Box<hmac::Key>),
}

impl Signer {
    pub(super) fn public(&self) -> Result<Public, Error> {
        Ok(match self {
            Self::Ed25519(key) => public(KeyType::Ed25519, key.public_key().as_ref())?,
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                // Both curves have uncompressed points of their own length.
                let curve = if point.len() == 1 + 2 * Curve::P256.width() {
                    Curve::P256
                } else {
                    Curve::P384
                };
                Public::Ec(curve, point.into())
            }
            Self::Rsa(key) => Public::rsa(key.public_key()),
            Self::Hmac(_) => {
                return Err(Error::new(
                    ErrorKind::UnsupportedKey,
                    "a symmetric key has no public half",
                ));
            }
        })
    }

    /// Appends a dot and the signature over what stands before it.
    ///
    /// ECDSA takes a fresh random number for each signature, into which the library mixes the private key and the
    /// message: a weak source of random bytes does not give the key away, which is what RFC 6979 is for.
    pub(super) fn append_signature(
        &self,
        algorithm: Algorithm,
        token: &mut String,
    ) -> Result<(), Error> {
        let failed = |_| Error::new(ErrorKind::Crypto, "the cryptographic library did not sign");
        let message = token.as_bytes();
        let mut buffer = [0; MAX_SIGNATURE];
        let random = rand::SystemRandom::new();
        match self {
            Self::Ed25519(key) => {
                let signature = key.try_sign(message).map_err(failed)?;
                token.push('.');
                base64url::encode_to(signature.as_ref(), token);
            }
            Self::Ec(key) => {
                let signature = key.sign(&random, message).map_err(failed)?;
                token.push('.');
                base64url::encode_to(signature.as_ref(), token);
            }
            Self::Rsa(key) => {
                let signature = buffer.get_mut(..key.public_modulus_len());
                let (Some(signature), Some(padding)) =
                    (signature, algorithm::rsa_signing(algorithm))
                else {
                    return Err(failed(aws_lc_rs::error::Unspecified));
                };
                key.sign(padding, &random, message, signature)
                    .map_err(failed)?;
                token.push('.');
                base64url::encode_to(signature, token);
            }
            Self::Hmac(key) => {
                let tag = hmac::sign(key, message);
                token.push('.');
                base64url::encode_to(tag.as_ref(), token);
            }
        }
        Ok(())
    }
}

/// That of an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The public key of this type whose bytes these are: those of a SubjectPublicKeyInfo.
pub(super) fn public(key_type: KeyType, bytes: &[u8]) -> Result<Public, Error> {
    match key_type {
        KeyType::Ed25519 => bytes.try_into().map(Public::Ed25519).map_err(|_| {
            Error::new(
                ErrorKind::MalformedKey,
                "the public key of Ed25519 is not 32 bytes",
            )
        }),
        KeyType::P256 => Ok(Public::Ec(Curve::P256, bytes.into())),
        KeyType::P384 => Ok(Public::Ec(Curve::P384, bytes.into())),
        KeyType::Rsa => rsa::PublicKey::from_der(bytes)
            .map(|key| Public::rsa(&key))
            .map_err(rejected),
        KeyType::Other(_) => Err(verifying::unsupported(key_type)),
    }
}

pub(super) fn ec(curve: Curve, document: &[u8]) -> Result<Signer, Error> {
    EcdsaKeyPair::from_pkcs8(curve.signing(), document)
        .map(Signer::Ec)
        .map_err(rejected)
}

/// What the library says of a key that it does not take.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it is a function for map_err"
)]
pub(super) fn rejected(error: KeyRejected) -> Error {
    match error.description_() {
        "TooSmall" => Error::new(
            ErrorKind::WeakKey,
            "the RSA key has fewer than 2048 bits: 2048 to 8192 are allowed",
        ),
        "TooLarge" => Error::new(
            ErrorKind::WeakKey,
            "the RSA key has more than 8192 bits: 2048 to 8192 are allowed",
        ),
        "InconsistentComponents" => Error::new(
            ErrorKind::MalformedKey,
            "the parts of the key do not belong together",
        ),
        _ => Error::new(
            ErrorKind::MalformedKey,
            "the cryptographic library cannot read the key: it is damaged, or of a form that is not supported",
        ),
    }
}
