use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{KeyRing, KeySet, SigningKey, TokenError, TokenErrorKind, VerifyingKey, token::Header};

/// Where a [`Verifier`](crate::Verifier) finds keys: one key, a [`KeySet`], or a [`KeyRing`] with its rotations.
#[derive(Clone, Debug)]
pub struct KeySource(Source);

#[derive(Clone, Debug)]
enum Source {
    Fixed(Arc<[VerifyingKey]>),
    Ring(KeyRing),
}

impl KeySource {
    /// The key that the header calls for, which is one for the algorithm that it names.
    ///
    /// A header that names no key is served if exactly one key comes into question. To try several would let
    /// anyone multiply the work of the server.
    pub(crate) fn find(
        &self,
        header: &Header<'_>,
        now: DateTime<Utc>,
    ) -> Result<VerifyingKey, TokenError> {
        match &self.0 {
            Source::Fixed(keys) => find(&mut keys.iter(), header),
            Source::Ring(ring) => ring.with_published(now, |keys| find(keys, header)),
        }
    }

    /// Whether a key that was found here would be found now: the very key, not one of its name.
    pub(crate) fn has(&self, key: &VerifyingKey, now: DateTime<Utc>) -> bool {
        match &self.0 {
            Source::Fixed(_) => true,
            Source::Ring(ring) => ring.with_published(now, |mut keys| {
                Iterator::any(&mut keys, |published| published.is(key))
            }),
        }
    }
}

impl From<VerifyingKey> for KeySource {
    fn from(key: VerifyingKey) -> Self {
        Self(Source::Fixed([key].into()))
    }
}

/// The key that verifies what this one signs.
impl From<&SigningKey> for KeySource {
    fn from(key: &SigningKey) -> Self {
        key.verifying_key().clone().into()
    }
}

impl From<KeySet> for KeySource {
    fn from(keys: KeySet) -> Self {
        Self(Source::Fixed(keys.iter().cloned().collect()))
    }
}

impl From<KeyRing> for KeySource {
    fn from(ring: KeyRing) -> Self {
        Self(Source::Ring(ring))
    }
}

fn find(
    mut keys: &mut dyn Iterator<Item = &VerifyingKey>,
    header: &Header<'_>,
) -> Result<VerifyingKey, TokenError> {
    let unknown = |reason| TokenError::new(TokenErrorKind::UnknownKey, reason);
    let Some(key_id) = header.key_id.as_deref() else {
        let mut fitting = keys.filter(|key| key.algorithm() == header.algorithm);
        return match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key.clone()),
            (None, _) => Err(unknown("`kid` is missing and no key is for this `alg`")),
            (Some(_), Some(_)) => Err(unknown(
                "`kid` is missing and several keys are for this `alg`",
            )),
        };
    };
    // The reference is an iterator of known size, which its target is not.
    let key = Iterator::find(&mut keys, |key| key.key_id() == key_id)
        .ok_or(unknown("no key has this `kid`"))?;
    if key.algorithm() != header.algorithm {
        return Err(TokenError::new(
            TokenErrorKind::WrongAlgorithm,
            "`alg` is not the one of the key",
        ));
    }
    Ok(key.clone())
}
