use std::{any, fmt, marker::PhantomData};

use http::request::Parts;

use super::RequestKey;
use crate::Key;

/// The key of what a layer in front has put into the extensions of the request, such as who was authenticated.
///
/// Without it there is no key, and the request is not limited unless there is [another](RequestKey::or).
///
/// ```
/// use buttress_ratelimit::{ExtensionKey, Key, PeerIp, RequestKey};
///
/// #[derive(Clone)]
/// struct User {
///     id: u64,
/// }
///
/// let key = ExtensionKey::new(|user: &User| Key::from(user.id)).or(PeerIp::new());
/// # let _ = key;
/// ```
pub struct ExtensionKey<T, F> {
    key: F,
    extension: PhantomData<fn(&T)>,
}

impl<T, F> ExtensionKey<T, F>
where
    F: Fn(&T) -> Key,
{
    /// What this makes of the extension.
    #[must_use]
    pub fn new(key: F) -> Self {
        Self {
            key,
            extension: PhantomData,
        }
    }
}

impl<T, F> RequestKey for ExtensionKey<T, F>
where
    T: Send + Sync + 'static,
    F: Fn(&T) -> Key + Send + Sync,
{
    fn key(&self, parts: &Parts) -> Option<Key> {
        parts.extensions.get().map(&self.key)
    }
}

impl<T, F: Clone> Clone for ExtensionKey<T, F> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            extension: PhantomData,
        }
    }
}

impl<T, F> fmt::Debug for ExtensionKey<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExtensionKey")
            .field(&any::type_name::<T>())
            .finish_non_exhaustive()
    }
}
