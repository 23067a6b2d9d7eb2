//! One JWK (RFC 7517), read strictly: what the key says of its use binds.

use std::borrow::Cow;

use jsonwebtoken::Algorithm;
use zeroize::Zeroizing;

use super::{
    algorithm::{self, Curve},
    public::Public,
};
use crate::{
    Error, ErrorKind,
    token::{
        MAX_KEY_ID, base64url,
        json::{Object, Value},
    },
};

/// What a key is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Sign,
    Verify,
}

/// A JWK whose claims about itself have been checked against what it is read for.
#[derive(Debug)]
pub(super) struct Jwk {
    pub(super) key: Key,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

pub(super) enum Key {
    Public(Public),
    Ed25519 {
        public: [u8; 32],
        seed: Zeroizing<Vec<u8>>,
    },
    Ec {
        curve: Curve,
        point: Box<[u8]>,
        scalar: Zeroizing<Vec<u8>>,
    },
    Rsa {
        modulus: Box<[u8]>,
        exponent: Box<[u8]>,
        /// d, p, q, dp, dq and qi.
        private: Box<[Zeroizing<Vec<u8>>; 6]>,
    },
    Secret(Zeroizing<Vec<u8>>),
}

impl Jwk {
    pub(super) fn read(json: &[u8], operation: Operation) -> Result<Self, Error> {
        let object = Object::read(json)
            .ok_or_else(|| malformed("a JWK is one JSON object with unique names"))?;
        Self::of(&object, operation)
    }

    pub(super) fn of(object: &Object<'_>, operation: Operation) -> Result<Self, Error> {
        let members = Members(object);
        let key_type = members.required("kty")?;
        // A key of a type that is not known may be anything: it is told apart first.
        let key = match &*key_type {
            "OKP" => members.okp(operation)?,
            "EC" => members.ec(operation)?,
            "RSA" => members.rsa(operation)?,
            "oct" => members.oct(operation)?,
            _ => return Err(unsupported("`kty` is none of OKP, EC, RSA and oct")),
        };
        members.check_use()?;
        members.check_operations(operation)?;
        Ok(Self {
            algorithm: members.algorithm(&key)?,
            key_id: members.key_id()?,
            key,
        })
    }
}

/// What a private key that stands where everyone reads it gives away beside itself.
pub(super) struct Exposed {
    pub(super) key_id: Option<String>,
    /// Its public half, however the rest of the key is written: what it says of its use does not matter any more.
    pub(super) half: Option<Half>,
}

/// What tells one pair of keys from another.
#[derive(PartialEq, Eq)]
pub(super) enum Half {
    Ed25519(Vec<u8>),
    /// Both coordinates; the width of the field tells the curve.
    Ec(Vec<u8>),
    /// The modulus, without leading zeros: who can factor it needs no exponent.
    Rsa(Vec<u8>),
}

impl Exposed {
    /// `None` when the key has no private members, or is no object.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let object = Object::read(json)?;
        let members = Members(&object);
        members.without_private().err()?;
        Some(Self {
            key_id: members.text("kid"),
            half: members.half(),
        })
    }
}

impl Half {
    pub(super) fn of(public: &Public) -> Self {
        match public {
            Public::Ed25519(point) => Self::Ed25519(point.to_vec()),
            // The first byte says how the point is written.
            Public::Ec(_, point) => Self::Ec(point[1..].to_vec()),
            Public::Rsa { modulus, .. } => Self::Rsa(modulus.to_vec()),
        }
    }
}

/// Nothing of a private key is shown.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Public(_) => "Public",
            Self::Ed25519 { .. } => "Ed25519",
            Self::Ec { .. } => "Ec",
            Self::Rsa { .. } => "Rsa",
            Self::Secret(_) => "Secret",
        })
    }
}

/// The members of a JWK that only its owner may know. `k` is the whole secret of a symmetric key.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The registered operations are eight; each one is compared with every other.
const MAX_OPERATIONS: usize = 16;

struct Members<'o, 'a>(&'o Object<'a>);

impl<'a> Members<'_, 'a> {
    fn okp(&self, operation: Operation) -> Result<Key, Error> {
        if self.required("crv")? != "Ed25519" {
            return Err(unsupported("`crv` of a key of type OKP is not Ed25519"));
        }
        let wrong = || malformed("`x` of an Ed25519 key is not 32 bytes in base64url");
        let public = <[u8; 32]>::try_from(&**self.bytes("x")?).map_err(|_| wrong())?;
        match operation {
            Operation::Verify => {
                self.without_private()?;
                Ok(Key::Public(Public::Ed25519(public)))
            }
            Operation::Sign => Ok(Key::Ed25519 {
                public,
                seed: self.width("d", 32)?,
            }),
        }
    }

    fn ec(&self, operation: Operation) -> Result<Key, Error> {
        let curve = Curve::from_name(&self.required("crv")?)
            .ok_or_else(|| unsupported("`crv` of a key of type EC is neither P-256 nor P-384"))?;
        let (x, y) = (
            self.width("x", curve.width())?,
            self.width("y", curve.width())?,
        );
        let point = [&[4], x.as_slice(), y.as_slice()].concat().into();
        match operation {
            Operation::Verify => {
                self.without_private()?;
                Ok(Key::Public(Public::Ec(curve, point)))
            }
            Operation::Sign => Ok(Key::Ec {
                curve,
                point,
                scalar: self.width("d", curve.width())?,
            }),
        }
    }

    fn rsa(&self, operation: Operation) -> Result<Key, Error> {
        let number = |name| {
            let bytes = self.bytes(name)?;
            // RFC 7518, section 2: a number has one form, and with it a key has one thumbprint.
            if bytes.first().is_none_or(|first| *first == 0) {
                return Err(malformed(format!("`{name}` is empty or begins with zeros")));
            }
            Ok(bytes)
        };
        let modulus = number("n")?.as_slice().into();
        let exponent = number("e")?.as_slice().into();
        if operation == Operation::Verify {
            self.without_private()?;
            return Ok(Key::Public(Public::Rsa { modulus, exponent }));
        }
        if self.0.get("oth").is_some() {
            return Err(unsupported("an RSA key has two primes: `oth` is not read"));
        }
        let private = Box::new([
            self.bytes("d")?,
            self.bytes("p")?,
            self.bytes("q")?,
            self.bytes("dp")?,
            self.bytes("dq")?,
            self.bytes("qi")?,
        ]);
        Ok(Key::Rsa {
            modulus,
            exponent,
            private,
        })
    }

    fn oct(&self, operation: Operation) -> Result<Key, Error> {
        match operation {
            // Whoever can read it can sign: a public document is no place for it.
            Operation::Verify => Err(wrong_use(
                "a symmetric key is no public key: who verifies with it shares the `SigningKey`",
            )),
            Operation::Sign => Ok(Key::Secret(self.bytes("k")?)),
        }
    }

    fn check_use(&self) -> Result<(), Error> {
        match self.optional("use")? {
            None => Ok(()),
            Some(value) if value == "sig" => Ok(()),
            Some(_) => Err(wrong_use("`use` of the key is not sig")),
        }
    }

    fn check_operations(&self, operation: Operation) -> Result<(), Error> {
        let Some(value) = self.0.get("key_ops") else {
            return Ok(());
        };
        let operations = value
            .as_strings()
            .ok_or_else(|| malformed("`key_ops` is not an array of strings"))?;
        if operations.len() > MAX_OPERATIONS {
            return Err(malformed("`key_ops` has more than 16 operations"));
        }
        if (1..operations.len()).any(|at| operations[..at].contains(&operations[at])) {
            return Err(malformed("`key_ops` names an operation twice"));
        }
        let wanted = match operation {
            Operation::Sign => "sign",
            Operation::Verify => "verify",
        };
        if !operations.iter().any(|name| name == wanted) {
            return Err(wrong_use(format!(
                "`key_ops` of the key does not have {wanted}"
            )));
        }
        // A key that also encrypts can be made to answer for one use in the other.
        if operations
            .iter()
            .any(|name| name != "sign" && name != "verify")
        {
            return Err(wrong_use(
                "`key_ops` of the key has more than sign and verify",
            ));
        }
        Ok(())
    }

    fn algorithm(&self, key: &Key) -> Result<Algorithm, Error> {
        let default = match key {
            Key::Public(public) => public.default_algorithm(),
            Key::Ed25519 { .. } => Algorithm::EdDSA,
            Key::Ec { curve, .. } => curve.algorithm(),
            Key::Rsa { .. } => Algorithm::RS256,
            Key::Secret(_) => Algorithm::HS256,
        };
        match self.optional("alg")? {
            None => Ok(default),
            Some(name) => algorithm::from_name(&name)
                .ok_or_else(|| unsupported("`alg` of the key is none that is supported")),
        }
    }

    fn key_id(&self) -> Result<Option<String>, Error> {
        let Some(id) = self.optional("kid")? else {
            return Ok(None);
        };
        check_key_id(&id)?;
        Ok(Some(id.into_owned()))
    }

    fn without_private(&self) -> Result<(), Error> {
        if PRIVATE.iter().any(|name| self.0.get(name).is_some()) {
            return Err(wrong_use(
                "this is a private key where a public one belongs: whoever could read it can sign, so replace it",
            ));
        }
        Ok(())
    }

    fn half(&self) -> Option<Half> {
        let bytes = |name| base64url::decode(&self.text(name)?);
        match &*self.text("kty")? {
            "OKP" => Some(Half::Ed25519(bytes("x")?)),
            "EC" => Some(Half::Ec([bytes("x")?, bytes("y")?].concat())),
            "RSA" => {
                let modulus = bytes("n")?;
                let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
                Some(Half::Rsa(modulus[zeros..].to_vec()))
            }
            _ => None,
        }
    }

    /// A string, if it is one.
    fn text(&self, name: &str) -> Option<String> {
        Some(self.0.get(name)?.as_str()?.into_owned())
    }

    fn required(&self, name: &'static str) -> Result<Cow<'a, str>, Error> {
        self.optional(name)?
            .ok_or_else(|| malformed(format!("`{name}` is missing")))
    }

    fn optional(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, Error> {
        let text = |value: Value<'a>| {
            value
                .as_str()
                .ok_or_else(|| malformed(format!("`{name}` is not a string")))
        };
        self.0.get(name).map(text).transpose()
    }

    fn bytes(&self, name: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let text = self.required(name)?;
        base64url::decode(&text)
            .map(Zeroizing::new)
            .ok_or_else(|| malformed(format!("`{name}` is not base64url without padding")))
    }

    /// A number that is written with all its leading zeros.
    fn width(&self, name: &'static str, width: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = self.bytes(name)?;
        if bytes.len() == width {
            return Ok(bytes);
        }
        Err(malformed(format!("`{name}` is not {width} bytes")))
    }
}

pub(super) fn check_key_id(id: &str) -> Result<(), Error> {
    if id.is_empty() || id.len() > MAX_KEY_ID {
        return Err(malformed("`kid` has 1 to 128 bytes"));
    }
    Ok(())
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::MalformedKey, message)
}

fn unsupported(message: &'static str) -> Error {
    Error::new(ErrorKind::UnsupportedKey, message)
}

fn wrong_use(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::WrongKeyUse, message)
}
