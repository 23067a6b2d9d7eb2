//! Whose bucket a request is charged to.

mod address;
mod client_ip;
mod composite;
mod extension;
mod header;
mod networks;
mod peer;

use std::sync::Arc;

pub use client_ip::ClientIp;
pub use composite::{And, Global, Or, Unless};
pub use extension::ExtensionKey;
pub use header::HeaderKey;
use http::request::Parts;
pub use networks::Networks;
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

    /// A bucket for each pair of this key and another one, such as an address and a route.
    ///
    /// Where a request has only one of the two, it is charged to a bucket of that one alone, so that nobody is free by
    /// leaving something out. There is no key if it has neither.
    fn and<K>(self, other: K) -> And<Self, K>
    where
        Self: Sized,
        K: RequestKey,
    {
        And {
            first: self,
            second: other,
        }
    }

    /// This key, or another one for requests that have none of this.
    fn or<K>(self, other: K) -> Or<Self, K>
    where
        Self: Sized,
        K: RequestKey,
    {
        Or {
            first: self,
            second: other,
        }
    }

    /// No key for requests of which this is true: they are not limited. It is what comes last, since what is
    /// composed with it afterwards only sees that there is no key. A layer has
    /// [`with_exempt`](crate::RateLimitLayer::with_exempt) for the same.
    ///
    /// ```
    /// use buttress_ratelimit::{ClientIp, RequestKey};
    ///
    /// let client_ip = ClientIp::behind("10.0.0.0/8".parse()?);
    /// let office = client_ip.within("198.51.100.0/24".parse()?);
    /// let key = client_ip.unless(office);
    /// # let _ = key;
    /// # Ok::<(), buttress_ratelimit::Error>(())
    /// ```
    fn unless<F>(self, exempt: F) -> Unless<Self, F>
    where
        Self: Sized,
        F: Fn(&Parts) -> bool + Send + Sync,
    {
        Unless { key: self, exempt }
    }
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
