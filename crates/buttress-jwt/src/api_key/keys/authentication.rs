//! From the text of a key to whom it speaks for.

use std::{
    collections::HashSet,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{ApiKeys, Inner};
use crate::{
    ApiKey, ApiKeyError, ApiKeyId, ApiKeyRefusal, KeptKey, WhichKeys, api_key::format::Presented,
    schedule::delta,
};

/// How exactly it is kept when a key was last used.
const USES_APART: Duration = Duration::from_secs(60);
/// How many uses are being written at a time. What is more is written another time.
const MAX_WRITERS: usize = 32;

/// What is known of a key without asking the store.
pub(in crate::api_key) enum Look {
    Known(Arc<ApiKey>),
    Unknown(Presented),
}

impl ApiKeys {
    /// Whom this key speaks for, and what it may do.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Refused`] when it is not accepted, [`ApiKeyError::Failed`] when that could not be found out.
    pub async fn authenticate(&self, text: &str) -> Result<Arc<ApiKey>, ApiKeyError> {
        match self.look(text).map_err(ApiKeyError::Refused)? {
            Look::Known(key) => Ok(key),
            Look::Unknown(presented) => self.find(presented).await,
        }
    }

    /// Whether it means to be one of these keys.
    pub(crate) fn is_ours(&self, text: &[u8]) -> bool {
        self.inner.format.is_ours(text)
    }

    pub(in crate::api_key) fn look(&self, text: &str) -> Result<Look, ApiKeyRefusal> {
        let presented = self.inner.format.read(text).inspect_err(|refusal| {
            tracing::debug!(reason = refusal.as_str(), "an API key was refused");
        })?;
        let known = self.inner.verified.as_ref().and_then(|verified| {
            verified.find(presented.digest.as_bytes(), self.inner.clock.now())
        });
        Ok(known.map_or(Look::Unknown(presented), Look::Known))
    }

    pub(in crate::api_key) async fn find(
        &self,
        presented: Presented,
    ) -> Result<Arc<ApiKey>, ApiKeyError> {
        let inner = &self.inner;
        let epoch = inner.verified.as_ref().map(|verified| verified.epoch());
        // From before the store looks: what is remembered is at most as old as it may be.
        let from = inner.clock.now();
        let found = inner
            .ask(inner.store.find(&WhichKeys::One(presented.id)))
            .await?;
        let found = found.into_iter().next();
        let until = KeptKey::judge(found.as_ref(), &presented.digest);
        let (Some(kept), Ok(until)) = (found, until) else {
            let refusal = until.err().unwrap_or(ApiKeyRefusal::Unknown);
            tracing::debug!(reason = refusal.as_str(), id = %presented.id, "an API key was refused");
            return Err(ApiKeyError::Refused(refusal));
        };
        let KeptKey { key, read_at, .. } = kept;
        let is_due = |last| read_at - last >= delta(USES_APART);
        if key.last_used_at.is_none_or(is_due) {
            self.note_use(key.id);
        }
        let key = Arc::new(key);
        if let (Some(verified), Some(epoch)) = (&inner.verified, epoch) {
            let left = until.map(|until| until - read_at);
            verified.insert(
                epoch,
                *presented.digest.as_bytes(),
                Arc::clone(&key),
                from,
                left,
            );
        }
        Ok(key)
    }

    /// Writes that the key is used, beside the request: nobody waits for it, and one that fails is made up for by the
    /// next use.
    fn note_use(&self, id: ApiKeyId) {
        let inner = Arc::clone(&self.inner);
        let mut writers = inner.writers();
        if writers.len() >= MAX_WRITERS || !writers.insert(id) {
            return;
        }
        drop(writers);
        let writer = Writer { inner, id };
        let written = async move {
            let Writer { inner, id } = &writer;
            if let Err(error) = inner.ask(inner.store.note_use(*id, USES_APART)).await {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, "when an API key was last used could not be written");
            }
        };
        // Outside of a runtime it could not have been found either.
        let _task = self.inner.tasks.spawn(written);
    }
}

impl Inner {
    fn writers(&self) -> MutexGuard<'_, HashSet<ApiKeyId>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that writes a use, until it is done or given up.
struct Writer {
    inner: Arc<Inner>,
    id: ApiKeyId,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.inner.writers().remove(&self.id);
    }
}
