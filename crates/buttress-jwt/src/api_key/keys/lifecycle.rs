//! From the first secret of a key to its end.

use std::{sync::Arc, time::Duration};

use super::{ApiKeys, IssuedApiKey};
use crate::{
    ApiKey, ApiKeyError, ApiKeyId, ApiKeyStore, Error, ErrorKind, KeyIssuance, KeyRotated,
    KeyRotation, NewApiKey, WhichKeys,
};

const DAY: u64 = 24 * 60 * 60;

/// The longest overlap: who needs longer has two keys.
const MAX_OVERLAP: Duration = Duration::from_secs(90 * DAY);
const NANOS_PER_MILLI: u128 = 1_000_000;

impl ApiKeys {
    /// Issues a key. How many a subject may have is for the application to see to, which can [list](Self::list) them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidApiKey`] when a text is too long or cannot stand where it is to stand,
    /// [`ErrorKind::Store`] when the store fails.
    pub async fn issue(&self, new: impl Into<NewApiKey>) -> Result<IssuedApiKey, Error> {
        let new = new.into();
        new.check()?;
        let inner = &self.inner;
        let id = ApiKeyId::new(&new.subject)?;
        let (secret, digest) = inner.format.generate(id)?;
        let issuance = KeyIssuance {
            id,
            subject: new.subject,
            environment: inner.format.environment(),
            label: new.label,
            scopes: new.scopes,
            roles: new.roles,
            lifetime: new.lifetime,
            digest,
        };
        let key = inner.ask(inner.store.insert(&issuance)).await?;
        Ok(IssuedApiKey { key, secret })
    }

    /// Gives a key of this subject a new secret. The one that it has works for the overlap too, and is then dead;
    /// without overlap it is dead at once, and so is one from before, as after a leak. `None` when the subject has no
    /// such key that is live.
    ///
    /// The overlap is rounded up to whole milliseconds.
    ///
    /// If the answer is lost, the new secret is too: it is kept nowhere. Issue another key then, and revoke this one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnfinishedRotation`] when the overlap of the last rotation is not over and this one has an overlap
    /// too: one of the two secrets that work would die before its time. [`ErrorKind::InvalidApiKey`] when the overlap
    /// is longer than 90 days, [`ErrorKind::Store`] when the store fails.
    pub async fn rotate(
        &self,
        subject: &str,
        id: ApiKeyId,
        overlap: Duration,
    ) -> Result<Option<IssuedApiKey>, Error> {
        if overlap > MAX_OVERLAP {
            return Err(Error::new(
                ErrorKind::InvalidApiKey,
                "the overlap of a rotation is at most 90 days",
            ));
        }
        let inner = &self.inner;
        // As exactly as every store keeps it, and never none if there is to be one.
        let overlap = overlap.as_nanos().div_ceil(NANOS_PER_MILLI);
        let overlap = u64::try_from(overlap).map_or(MAX_OVERLAP, Duration::from_millis);
        let (secret, digest) = inner.format.generate(id)?;
        let rotation = KeyRotation {
            id,
            subject: subject.to_owned(),
            environment: inner.format.environment(),
            digest,
            overlap,
        };
        let which = self.one_of(subject, id);
        let rotated = inner.change(which, |store| async move { store.rotate(&rotation).await });
        match rotated.await? {
            KeyRotated::Done(key) => Ok(Some(IssuedApiKey { key, secret })),
            KeyRotated::Unknown => Ok(None),
            KeyRotated::Overlapping(_) => Err(Error::new(
                ErrorKind::UnfinishedRotation,
                "the API key was rotated before, and its former secret still works: wait for the end of the overlap, \
                 or rotate without one",
            )),
        }
    }

    /// Revokes a key of this subject, and says whether there was one. It is gone for good.
    ///
    /// Here it is not accepted any more when this returns; other instances forget it in the time that
    /// [they remember keys](Self::with_memory).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when the store fails. Whether the key is gone is not known then: revoke it again.
    pub async fn revoke(&self, subject: &str, id: ApiKeyId) -> Result<bool, Error> {
        let which = self.one_of(subject, id);
        Ok(!self.revoke_which(which).await?.is_empty())
    }

    /// Revokes the key that this is, whoever's it is, and returns what may be shown of it: for one that was found where
    /// it should not be. What is not accepted is not revoked.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate) and [`revoke`](Self::revoke).
    pub async fn revoke_leaked(&self, text: &str) -> Result<Option<ApiKey>, ApiKeyError> {
        let key = self.authenticate(text).await?;
        let revoked = self.revoke_which(WhichKeys::One(key.id)).await?;
        Ok(revoked.into_iter().next())
    }

    /// Revokes all keys of this subject in this environment, and returns them.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_all(&self, subject: &str) -> Result<Vec<ApiKey>, Error> {
        self.revoke_which(self.all_of(subject)).await
    }

    async fn revoke_which(&self, which: WhichKeys) -> Result<Vec<ApiKey>, Error> {
        let meant = which.clone();
        let revoked = |store: Arc<dyn ApiKeyStore>| async move { store.revoke(&meant).await };
        self.inner.change(which, revoked).await
    }

    /// The keys of this subject in this environment, newest first. Those that have expired are among them for a month.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when the store fails.
    pub async fn list(&self, subject: &str) -> Result<Vec<ApiKey>, Error> {
        let inner = &self.inner;
        let found = inner.ask(inner.store.find(&self.all_of(subject))).await?;
        Ok(found.into_iter().map(|kept| kept.key).collect())
    }

    fn one_of(&self, subject: &str, id: ApiKeyId) -> WhichKeys {
        WhichKeys::OneOf {
            subject: subject.to_owned(),
            environment: self.inner.format.environment(),
            id,
        }
    }

    fn all_of(&self, subject: &str) -> WhichKeys {
        WhichKeys::AllOf {
            subject: subject.to_owned(),
            environment: self.inner.format.environment(),
        }
    }
}
