use std::{fmt, future::Future, pin::Pin, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{KeyRing, KeySet, SigningKey, TokenError, TokenErrorKind, VerifyingKey, token::Header};

/// Where a [`Verifier`](crate::Verifier) finds keys: one key, a [`KeySet`], a [`KeyRing`] with its rotations, or, with
/// the feature `remote`, the keys that another service publishes (`RemoteKeys`).
#[derive(Clone, Debug)]
pub struct KeySource(Arc<dyn Keys>);

/// What a [`KeySource`] is made of.
pub(crate) trait Keys: fmt::Debug + Send + Sync {
    /// The key that the header calls for, which is one for the algorithm that it names.
    fn find(&self, header: &Header<'_>, now: DateTime<Utc>) -> Result<VerifyingKey, TokenError>;

    /// Whether a key that was found here would be found now: the very key, not one of its name.
    fn has(&self, key: &VerifyingKey, now: DateTime<Utc>) -> bool;

    /// Whether there may ever be [`news`](Self::news).
    fn can_have_news(&self) -> bool {
        false
    }

    /// What to wait for after a key was not found: it may be found then. `None` when waiting would be in vain.
    fn news(&self, _header: &Header<'_>) -> Option<News> {
        None
    }
}

/// Ends when it is time to look again. What it waits for goes on when it is dropped.
pub(crate) type News = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a set of keys has for a token.
pub(crate) enum Lookup {
    Found(VerifyingKey),
    /// None of these keys comes into question. One that is added might.
    Absent(&'static str),
    /// The keys that are there settle that it is refused.
    Refused(TokenError),
}

impl KeySource {
    pub(crate) fn new(keys: impl Keys + 'static) -> Self {
        Self(Arc::new(keys))
    }

    pub(crate) fn find(
        &self,
        header: &Header<'_>,
        now: DateTime<Utc>,
    ) -> Result<VerifyingKey, TokenError> {
        self.0.find(header, now)
    }

    pub(crate) fn has(&self, key: &VerifyingKey, now: DateTime<Utc>) -> bool {
        self.0.has(key, now)
    }

    pub(crate) fn can_have_news(&self) -> bool {
        self.0.can_have_news()
    }

    pub(crate) fn news(&self, header: &Header<'_>) -> Option<News> {
        self.0.news(header)
    }
}

/// Keys that never change.
#[derive(Debug)]
struct Fixed(Box<[VerifyingKey]>);

impl Keys for Fixed {
    fn find(&self, header: &Header<'_>, _now: DateTime<Utc>) -> Result<VerifyingKey, TokenError> {
        look(&mut self.0.iter(), header).or_unknown()
    }

    fn has(&self, _key: &VerifyingKey, _now: DateTime<Utc>) -> bool {
        true
    }
}

impl Keys for KeyRing {
    fn find(&self, header: &Header<'_>, now: DateTime<Utc>) -> Result<VerifyingKey, TokenError> {
        self.with_published(now, |keys| look(keys, header))
            .or_unknown()
    }

    fn has(&self, key: &VerifyingKey, now: DateTime<Utc>) -> bool {
        self.with_published(now, |mut keys| {
            // The reference is an iterator of known size, which its target is not.
            Iterator::any(&mut keys, |published| published.is(key))
        })
    }
}

impl Lookup {
    pub(crate) fn or_unknown(self) -> Result<VerifyingKey, TokenError> {
        match self {
            Self::Found(key) => Ok(key),
            Self::Absent(reason) => Err(TokenError::new(TokenErrorKind::UnknownKey, reason)),
            Self::Refused(error) => Err(error),
        }
    }
}

/// A header that names no key is served if exactly one key comes into question. To try several would let anyone
/// multiply the work of the server.
pub(crate) fn look(
    mut keys: &mut dyn Iterator<Item = &VerifyingKey>,
    header: &Header<'_>,
) -> Lookup {
    let Some(key_id) = header.key_id.as_deref() else {
        let mut fitting = keys.filter(|key| key.algorithm() == header.algorithm);
        return match (fitting.next(), fitting.next()) {
            (Some(key), None) => Lookup::Found(key.clone()),
            (None, _) => Lookup::Absent("`kid` is missing and no key is for this `alg`"),
            (Some(_), Some(_)) => Lookup::Refused(TokenError::new(
                TokenErrorKind::UnknownKey,
                "`kid` is missing and several keys are for this `alg`",
            )),
        };
    };
    match Iterator::find(&mut keys, |key| key.key_id() == key_id) {
        None => Lookup::Absent("no key has this `kid`"),
        Some(key) if key.algorithm() == header.algorithm => Lookup::Found(key.clone()),
        Some(_) => Lookup::Refused(TokenError::new(
            TokenErrorKind::WrongAlgorithm,
            "`alg` is not the one of the key",
        )),
    }
}

impl From<VerifyingKey> for KeySource {
    fn from(key: VerifyingKey) -> Self {
        Self::new(Fixed([key].into()))
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
        Self::new(Fixed(keys.iter().cloned().collect()))
    }
}

impl From<KeyRing> for KeySource {
    fn from(ring: KeyRing) -> Self {
        Self::new(ring)
    }
}
