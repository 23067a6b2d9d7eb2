//! Where API keys are kept, and what every place has to promise.

#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod grants;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{cmp::Reverse, fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;

#[cfg(feature = "redis")]
pub use self::redis::RedisApiKeyStore;
pub use memory::MemoryApiKeyStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresApiKeyStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteApiKeyStore;

use super::{ApiKey, ApiKeyId, KeptKey, KeyIssuance, KeyRotated, KeyRotation, WhichKeys};
use crate::{Error, ErrorKind};

/// Where [`ApiKeys`](crate::ApiKeys) are kept.
///
/// What every store promises, and the `testing` feature checks:
///
/// - Each call is one atomic operation on the keys that it touches, and two calls for one key have an order. A key that
///   was revoked is gone: no rotation and no use brings it back.
/// - Time is the store's own clock, read while the operation has its place in that order.
/// - A call that returns an error may or may not have been done. Conflicts that a repetition solves are repeated inside
///   of the store.
/// - A key is kept until it is revoked, or for a month after it has expired, so that its owner sees what became of it.
/// - What is kept opens nothing: digests, times, and what may be shown.
///
/// The ids of one subject's keys begin with the same [group](ApiKeyId::group), which a store may rely on.
#[async_trait]
pub trait ApiKeyStore: Debug + Send + Sync + 'static {
    /// Keeps a new key, and returns it as it is kept.
    ///
    /// # Errors
    ///
    /// When the store fails, and when the id is that of a key which is kept already.
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error>;

    /// The keys that are meant, newest first, with the time at which they were read. Those that have expired are among
    /// them.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error>;

    /// Rotates a key by the rules of [`KeptKey::rotate`], and keeps what that changes.
    ///
    /// Of any number of rotations at once that have an overlap, one is done.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error>;

    /// Removes the keys that are meant, and returns them as they were. What comes after this does not find them.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error>;

    /// Keeps that a key is used now, unless it was used less than `apart` ago or is not there.
    ///
    /// # Errors
    ///
    /// When the store fails.
    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error>;
}

/// How long a key is kept after it has expired.
const RETAINED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// As [`ApiKeyStore::find`] wants them.
fn newest_first(keys: &mut [KeptKey]) {
    keys.sort_unstable_by_key(|kept| Reverse((kept.key.created_at, kept.key.id)));
}

fn taken() -> Error {
    Error::new(
        ErrorKind::InvalidApiKey,
        "an API key of that id is kept already",
    )
}

/// A store that several share.
#[async_trait]
impl<S: ApiKeyStore + ?Sized> ApiKeyStore for Arc<S> {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        (**self).insert(issuance).await
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        (**self).find(which).await
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        (**self).rotate(rotation).await
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        (**self).revoke(which).await
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        (**self).note_use(id, apart).await
    }
}
