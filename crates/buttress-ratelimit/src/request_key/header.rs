use http::{HeaderName, request::Parts};

use super::RequestKey;
use crate::Key;

/// The key of the value of a header, such as an API key. It is a [secret](Key::secret): no store outside of the process
/// gets to see it.
///
/// Who sends another value has another bucket. So this limits only those whose value somebody has checked before, and
/// belongs behind what refuses unknown ones. In front of it, limit by address: failed authentication is never to be
/// counted by what was claimed, or anybody could spend the quota of somebody else.
///
/// Requests with several lines of the header share one bucket: which of them somebody else goes by cannot be known
/// here. One without any has no key, and is not limited unless there is [another](RequestKey::or):
///
/// ```
/// use buttress_ratelimit::{HeaderKey, PeerIp, RequestKey};
///
/// let key = HeaderKey::x_api_key().or(PeerIp::new());
/// # let _ = key;
/// ```
#[derive(Clone, Debug)]
pub struct HeaderKey {
    header: HeaderName,
}

impl HeaderKey {
    /// The value of this header.
    #[must_use]
    pub fn new(header: HeaderName) -> Self {
        Self { header }
    }

    /// The value of `X-API-Key`.
    #[must_use]
    pub fn x_api_key() -> Self {
        Self::new(HeaderName::from_static("x-api-key"))
    }
}

impl RequestKey for HeaderKey {
    fn key(&self, parts: &Parts) -> Option<Key> {
        let mut lines = parts.headers.get_all(&self.header).into_iter();
        let value = lines.next()?;
        Some(match lines.next() {
            None => Key::secret(value.as_bytes()),
            Some(_) => Key::nobody(),
        })
    }
}
