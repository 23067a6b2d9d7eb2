//! Headers of tokens that were accepted, and the keys that they call for.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use chrono::{DateTime, Utc};

use crate::{KeySource, VerifyingKey};

/// An issuer writes the same header into all tokens of a key, so most tokens need not have theirs read.
///
/// Only headers with a `kid` are known here: which key one without it calls for depends on what other keys there
/// are. And only those that a good signature has vouched for: nobody can fill this who cannot sign.
pub(crate) struct KnownHeaders(RwLock<Vec<Known>>);

struct Known {
    /// The first segment of the token, as it stands there.
    segment: Box<str>,
    key: VerifyingKey,
}

/// More than a ring has keys at a time. An issuer that writes something new into each header has them read.
const CAPACITY: usize = 8;

impl KnownHeaders {
    pub(crate) fn new() -> Self {
        Self(RwLock::default())
    }

    /// The key that the header calls for, if that is known, and the key is there still.
    pub(crate) fn find(
        &self,
        segment: &str,
        keys: &KeySource,
        now: DateTime<Utc>,
    ) -> Option<VerifyingKey> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|known| *known.segment == *segment)?;
        let key = found.key.clone();
        drop(known);
        keys.has(&key, now).then_some(key)
    }

    /// Knows this header from now on, if there is room: keys that have left make some.
    pub(crate) fn insert(
        &self,
        segment: &str,
        key: &VerifyingKey,
        keys: &KeySource,
        now: DateTime<Utc>,
    ) {
        // Nobody waits for what only saves time.
        let Ok(mut known) = self.0.try_write() else {
            return;
        };
        if known.len() >= CAPACITY {
            known.retain(|known| keys.has(&known.key, now));
        }
        // The same header may have been there with a key that was replaced by one of its name.
        known.retain(|known| *known.segment != *segment);
        if known.len() < CAPACITY {
            known.push(Known {
                segment: segment.into(),
                key: key.clone(),
            });
        }
    }
}

/// Verifiers with other rules begin anew.
impl Clone for KnownHeaders {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl fmt::Debug for KnownHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownHeaders").finish_non_exhaustive()
    }
}
