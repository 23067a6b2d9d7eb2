use std::{collections::HashMap, slice};

use super::{
    VerifyingKey,
    jwk::{Exposed, Jwk, Operation},
};
use crate::{Error, ErrorKind, token::json::Object};

/// The public keys of an issuer, from its JWKS document (RFC 7517, section 5).
///
/// A key that cannot be used, because it is of a type that is not known, for encryption, too small or damaged, is
/// left out, and the others stay. So are keys that share a `kid`, all of them, as a token that calls for one could
/// mean either; and keys whose private half is in the document, as everyone who reads it can sign with them.
///
/// ```
/// use buttress_jwt::KeySet;
///
/// let keys = KeySet::from_json(
///     r#"{"keys":[
///         {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"2026"},
///         {"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
///     ]}"#,
/// )?;
/// assert_eq!(keys.len(), 1);
/// assert_eq!(keys.skipped()[0].index(), 1);
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    skipped: Vec<SkippedKey>,
}

/// A key of a [`KeySet`] that is not used, and why.
#[derive(Clone, Debug)]
pub struct SkippedKey {
    index: usize,
    kind: ErrorKind,
    reason: String,
}

impl SkippedKey {
    /// Where it stands in `keys`.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same in words.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl KeySet {
    /// How many bytes a document may have.
    pub const MAX_SIZE: usize = 256 * 1024;

    /// How many keys a document may have.
    pub const MAX_KEYS: usize = 100;

    /// Reads a JWKS document.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MalformedKey`] when it is no such document, or larger than is read;
    /// [`ErrorKind::UnknownKey`] when no key in it can be used.
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Self, Error> {
        let json = json.as_ref();
        if json.len() > Self::MAX_SIZE {
            return Err(malformed("a JWKS document has at most 256 KiB"));
        }
        let document = Object::read(json)
            .ok_or_else(|| malformed("a JWKS document is one JSON object with unique names"))?;
        let entries = document
            .get("keys")
            .and_then(|keys| keys.as_array())
            .ok_or_else(|| malformed("a JWKS document has `keys`, an array"))?;
        if entries.len() > Self::MAX_KEYS {
            return Err(malformed("a JWKS document has at most 100 keys"));
        }
        let mut set = Self {
            keys: Vec::with_capacity(entries.len()),
            skipped: Vec::new(),
        };
        let mut read = Vec::with_capacity(entries.len());
        let mut exposed = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let json = entry.text().as_bytes();
            match Jwk::read(json, Operation::Verify).and_then(VerifyingKey::of_jwk) {
                Ok(key) => read.push((index, key)),
                Err(error) => {
                    set.skip(index, &error);
                    exposed.extend(Exposed::read(json));
                }
            }
        }
        let mut count: HashMap<&str, usize> = HashMap::new();
        for (_, key) in &read {
            *count.entry(key.key_id()).or_default() += 1;
        }
        for (index, key) in &read {
            let why_not = known_to_everybody(key, &exposed).or_else(|| {
                (count[key.key_id()] > 1).then(|| {
                    Error::new(
                        ErrorKind::DuplicateKey,
                        "another key of the set bears the same `kid`",
                    )
                })
            });
            match why_not {
                Some(error) => set.skip(*index, &error),
                None => set.keys.push(key.clone()),
            }
        }
        set.skipped.sort_by_key(|skipped| skipped.index);
        if set.keys.is_empty() {
            return Err(set.unusable());
        }
        Ok(set)
    }

    /// How many keys can be used.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "a set without a key is not made"
    )]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that can be used.
    pub fn iter(&self) -> slice::Iter<'_, VerifyingKey> {
        self.keys.iter()
    }

    /// The keys of the document that are not used, in its order.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    fn skip(&mut self, index: usize, error: &Error) {
        self.skipped.push(SkippedKey {
            index,
            kind: error.kind(),
            reason: error.to_string(),
        });
    }

    fn unusable(&self) -> Error {
        let reason = match self.skipped.first() {
            Some(first) => format!(
                "no key of the JWKS document can be used; the first: {}",
                first.reason
            ),
            None => "the JWKS document has no keys".to_owned(),
        };
        Error::new(ErrorKind::UnknownKey, reason)
    }
}

impl<'a> IntoIterator for &'a KeySet {
    type Item = &'a VerifyingKey;
    type IntoIter = slice::Iter<'a, VerifyingKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Why a key cannot be trusted beside these private ones.
fn known_to_everybody(key: &VerifyingKey, exposed: &[Exposed]) -> Option<Error> {
    if exposed.is_empty() {
        return None;
    }
    let half = key.half();
    if exposed.iter().any(|private| private.half == half) {
        return Some(Error::new(
            ErrorKind::WrongKeyUse,
            "the private half of the key is in the document: whoever could read it can sign, so replace the key",
        ));
    }
    let named = |private: &Exposed| private.key_id.as_deref() == Some(key.key_id());
    exposed.iter().any(named).then(|| {
        Error::new(
            ErrorKind::DuplicateKey,
            "a private key of the document bears the same `kid`",
        )
    })
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::MalformedKey, message)
}
