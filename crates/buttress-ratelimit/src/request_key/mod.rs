//! Whose bucket a request is charged to.

mod address;
mod peer;

use std::sync::Arc;

use http::request::Parts;
pub use peer::{PeerAddr, PeerIp};

use crate::Key;

/// Finds out from a request whose bucket it is.
///
/// Implemented by [`PeerIp`] and the like, and by closures `Fn(&Parts) -> Option<Key>`, which see what other layers
/// have put into the request's extensions.
///
/// A key has to be something that whoever asks cannot choose. Requests whose authentication has failed are never to be
/// counted by the name that they claim: anybody could spend the quota of somebody else that way, and learn from the
/// headers of the answer how much that one has left (section 8.2 of draft-ietf-httpapi-ratelimit-headers). Count them
/// by address.
///
/// ```
/// use buttress_ratelimit::{Key, RequestKey};
/// use http::request::Parts;
///
/// #[derive(Clone)]
/// struct Tenant(u64);
///
/// let by_tenant = |parts: &Parts| Some(Key::from(parts.extensions.get::<Tenant>()?.0));
/// let (mut parts, ()) = http::Request::new(()).into_parts();
/// assert_eq!(by_tenant.key(&parts), None);
/// parts.extensions.insert(Tenant(7));
/// assert_eq!(by_tenant.key(&parts), Some(Key::from(7_u64)));
/// ```
pub trait RequestKey: Send + Sync {
    /// Whose bucket it is. `None` when the request has nothing of what this looks for: it is not limited then.
    fn key(&self, parts: &Parts) -> Option<Key>;
}

impl<F> RequestKey for F
where
    F: Fn(&Parts) -> Option<Key> + Send + Sync,
{
    fn key(&self, parts: &Parts) -> Option<Key> {
        self(parts)
    }
}

impl<K> RequestKey for Arc<K>
where
    K: RequestKey + ?Sized,
{
    fn key(&self, parts: &Parts) -> Option<Key> {
        (**self).key(parts)
    }
}
