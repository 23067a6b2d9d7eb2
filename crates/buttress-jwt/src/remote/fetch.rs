use std::{error::Error as StdError, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Gets a document from another service, for [`RemoteKeys`](crate::RemoteKeys): `HttpsFetch` (feature `remote-https`), or
/// a client of one's own, for a proxy, a client certificate, another TLS, or a test.
///
/// What is promised to it: the request is a GET whose address is https, or http to this machine if that was allowed. It
/// is called once at a time, and dropped when it takes too long.
///
/// What it promises:
///
/// - It follows no redirect and returns what it got: whoever can redirect could name another source of keys, or an
///   address that only this machine reaches.
/// - It reads no more than about `max_body` bytes of a body, and then fails, or returns what it has. A longer body is
///   refused in any case, but only after it is in memory.
///
/// ```
/// use async_trait::async_trait;
/// use buttress_jwt::{Fetch, RemoteKeys};
/// use bytes::Bytes;
/// use http::{Request, Response};
///
/// struct FromDisk;
///
/// #[async_trait]
/// impl Fetch for FromDisk {
///     async fn fetch(
///         &self,
///         request: Request<()>,
///         max_body: usize,
///     ) -> Result<Response<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
///         # let _ = max_body;
///         let document = std::fs::read(request.uri().path().trim_start_matches('/'))?;
///         Ok(Response::new(document.into()))
///     }
/// }
///
/// let keys = RemoteKeys::builder("https://keys.invalid/jwks.json").with_fetch(FromDisk).build()?;
/// # let _ = keys;
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The answer to this request, whatever its status.
    ///
    /// # Errors
    ///
    /// There is none, or its body is too large. The text goes to the logs.
    async fn fetch(
        &self,
        request: Request<()>,
        max_body: usize,
    ) -> Result<Response<Bytes>, Box<dyn StdError + Send + Sync>>;
}

#[async_trait]
impl<F: Fetch + ?Sized> Fetch for Arc<F> {
    async fn fetch(
        &self,
        request: Request<()>,
        max_body: usize,
    ) -> Result<Response<Bytes>, Box<dyn StdError + Send + Sync>> {
        (**self).fetch(request, max_body).await
    }
}
