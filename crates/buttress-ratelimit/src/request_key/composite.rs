use std::fmt;

use http::request::Parts;

use super::RequestKey;
use crate::Key;

/// One key for all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to say of it")]
pub struct Global;

impl RequestKey for Global {
    fn key(&self, _: &Parts) -> Option<Key> {
        Some(Key::global())
    }
}

/// Two keys in one: see [`RequestKey::and`].
#[derive(Clone, Debug)]
pub struct And<A, B> {
    pub(super) first: A,
    pub(super) second: B,
}

impl<A: RequestKey, B: RequestKey> RequestKey for And<A, B> {
    fn key(&self, parts: &Parts) -> Option<Key> {
        match (self.first.key(parts), self.second.key(parts)) {
            (None, None) => None,
            // What is not there has a place too: a key that is the first part alone is not one that is the second alone.
            (first, second) => {
                let or_nobody = |key: Option<Key>| key.unwrap_or_else(Key::nobody);
                Some(or_nobody(first).and(or_nobody(second)))
            }
        }
    }
}

/// The first of two keys that there is: see [`RequestKey::or`].
#[derive(Clone, Debug)]
pub struct Or<A, B> {
    pub(super) first: A,
    pub(super) second: B,
}

impl<A: RequestKey, B: RequestKey> RequestKey for Or<A, B> {
    fn key(&self, parts: &Parts) -> Option<Key> {
        let first = self.first.key(parts);
        first.or_else(|| self.second.key(parts))
    }
}

/// A key for some requests only: see [`RequestKey::unless`].
#[derive(Clone)]
pub struct Unless<K, F> {
    pub(super) key: K,
    pub(super) exempt: F,
}

impl<K, F> RequestKey for Unless<K, F>
where
    K: RequestKey,
    F: Fn(&Parts) -> bool + Send + Sync,
{
    fn key(&self, parts: &Parts) -> Option<Key> {
        if (self.exempt)(parts) {
            return None;
        }
        self.key.key(parts)
    }
}

impl<K: fmt::Debug, F> fmt::Debug for Unless<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unless")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
