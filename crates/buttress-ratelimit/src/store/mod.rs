//! Where buckets are kept.

#[cfg(feature = "governor")]
pub(crate) mod governor;
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Error, Key, Levels, Quotas};

/// Keeps the buckets of keys.
///
/// Each method is one atomic operation on all buckets of one key, at the time of the store's own clock. A store reads
/// of each bucket how much is missing now, no more than [`deepest`](crate::Rate::deepest), and answers with that: what
/// follows from it is computed by the caller, and is the same everywhere. A key that the store does not know has full
/// buckets, and it may forget every key whose buckets are full.
///
/// The buckets of a key are those of the [quotas](Quotas) that it is called with. When these have
/// [previous](Quotas::previous) ones, what is missing is [inherited](Quotas::inherited) from there if the store still
/// has it; and so on, if these have previous ones themselves. Keys of other quotas are others.
///
/// [`Quotas::granted`] says what is granted, and [`Rate`](crate::Rate) reckons: what is
/// [missing](crate::Rate::missing) of a bucket, the [price](crate::Rate::price) of a charge, and what is missing after a
/// bucket was [adjusted](crate::Rate::adjusted).
///
/// The module `testing` (feature of that name) has the suite that every store is to pass.
#[async_trait]
pub trait RateLimitStore: Send + Sync {
    /// Whether it can keep buckets of these quotas: asked when a limiter is made, and, with `replaced`, before they take the
    /// place of others. A store that keeps any says `Ok(())`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) or
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration), with what it can.
    fn check_quotas(&self, quotas: &Quotas, replaced: bool) -> Result<(), Error>;

    /// Takes as many charges of this cost as are [granted](Quotas::granted), up to `count`, from all buckets that
    /// refuse, and from those that only count as many as they have. Answers what was missing before.
    ///
    /// # Errors
    ///
    /// When the store fails. Nothing is promised of the buckets then: they may have been charged.
    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error>;

    /// Takes tokens out of all buckets, or puts them back when the number is negative: none gets fuller than full, and
    /// none misses more than the [deepest](crate::Rate::deepest). Answers what was missing before.
    ///
    /// # Errors
    ///
    /// As for [`charge`](Self::charge), and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error>;

    /// Sets what is missing of each bucket, whatever was before.
    ///
    /// # Errors
    ///
    /// As for [`adjust`](Self::adjust).
    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error>;
}

#[async_trait]
impl<S: RateLimitStore + ?Sized> RateLimitStore for Arc<S> {
    fn check_quotas(&self, quotas: &Quotas, replaced: bool) -> Result<(), Error> {
        (**self).check_quotas(quotas, replaced)
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        (**self).charge(key, quotas, cost, count).await
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        (**self).adjust(key, quotas, by).await
    }

    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error> {
        (**self).set(key, quotas, missing).await
    }
}

#[async_trait]
impl<S: RateLimitStore + ?Sized> RateLimitStore for Box<S> {
    fn check_quotas(&self, quotas: &Quotas, replaced: bool) -> Result<(), Error> {
        (**self).check_quotas(quotas, replaced)
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        (**self).charge(key, quotas, cost, count).await
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        (**self).adjust(key, quotas, by).await
    }

    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error> {
        (**self).set(key, quotas, missing).await
    }
}
