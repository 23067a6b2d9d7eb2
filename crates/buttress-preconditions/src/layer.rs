use std::{fmt, sync::Arc};

use buttress_problem::ToProblem;
use bytes::Bytes;
use http::{HeaderName, Response};
use tower_layer::Layer;

use crate::{PreconditionsService, Rejection, Require};

/// Gives the answers to GET and HEAD an entity tag, turns those that the client has already into
/// 304, and refuses changes that do not say what they change.
///
/// 1. **A 200 to GET or HEAD without `ETag`** gets one: a weak hash of its content, with
///    `Content-Type`, `Content-Encoding` and `Content-Language`. It saves sending the same again; it
///    is not for locking, since no handler could compare it. Only a content of up to 64 KiB that is
///    there at once; streams, larger contents, other statuses and `Cache-Control: no-store` pass
///    untouched. Nothing is waited for, and an `ETag` that the handler has set stays.
/// 2. **Preconditions of GET and HEAD** are evaluated against the `ETag` and `Last-Modified` of a
///    successful answer, as [`evaluate`](crate::evaluate()) says. A 304 keeps all header fields but
///    those that describe the content it does not have; a 412 is a problem.
/// 3. **A change without a precondition** is refused with 428 where [`Require`] says so, and with 400
///    when its precondition is malformed. Whether the precondition is *true* is for the handler to
///    find out, which alone knows the current state: with
///    [`Preconditions`](crate::Preconditions) or [`IfMatch`](crate::IfMatch).
/// 4. **An encoded answer** (`Content-Encoding`) does not keep the strong tag of the plain one: `"7"`
///    becomes `"7;gzip"`, and a later `If-Match: "7;gzip"` reaches the handler as
///    `"7;gzip", "7"`. So a client that asks for compression can still lock. This works when the
///    layer is **outside of the compression**; inside of it, use
///    [`has_strong_etag`](crate::has_strong_etag) to keep strong tags from being compressed.
/// 5. **`Range` with `If-Range`** does not reach the handler, which cannot know the final tag, and
///    the answer is a whole 200, as RFC 9110, section 14.2 allows, unless
///    [`with_ranges_by_handler`](Self::with_ranges_by_handler) says that it can.
///
/// Put it inside of authentication, so that 401 and 403 come first, inside of CORS, so that browsers
/// may see its refusals, and inside of `ProblemLayer`, which completes them. An answer that is no
/// success is never touched, and the service's errors are passed on.
///
/// # Example
///
/// ```
/// use buttress_preconditions::PreconditionsLayer;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new()
///     .layer(PreconditionsLayer::new())
///     .service(service_fn(async |_: Request<()>| {
///         Ok::<_, std::convert::Infallible>(Response::new(Full::from("hello")))
///     }));
///
/// let first = service.clone().oneshot(Request::get("/").body(())?).await?;
/// let etag = first.headers()["etag"].clone();
///
/// let again = Request::get("/").header("if-none-match", etag).body(())?;
/// assert_eq!(service.oneshot(again).await?.status(), 304);
/// # Ok(())
/// # }
/// ```
///
/// With preconditions that must be there, and only the tags that handlers set:
///
/// ```
/// use buttress_preconditions::{PreconditionsLayer, Require};
///
/// let layer = PreconditionsLayer::new()
///     .with_required(Require::changes())
///     .with_max_content(0);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PreconditionsLayer {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) require: Require,
    pub(crate) max_content: usize,
    pub(crate) vary: Vec<HeaderName>,
    pub(crate) ranges_by_handler: bool,
    pub(crate) responder: Responder,
}

type Responder = Arc<dyn Fn(&Rejection) -> Response<Bytes> + Send + Sync>;

impl PreconditionsLayer {
    /// A layer with the defaults: hashes of contents of up to 64 KiB, nothing required, refusals as
    /// problems.
    pub fn new() -> Self {
        Self {
            config: Arc::new(Config {
                require: Require::never(),
                max_content: 64 * 1024,
                vary: Vec::new(),
                ranges_by_handler: false,
                responder: Arc::new(|rejection| rejection.to_problem().into()),
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Which methods must say which state they are to change; [`Require::never`] by default.
    ///
    /// This only sees to it that there is a precondition. A handler that does not evaluate it performs
    /// every change.
    ///
    /// The refusal comes before the handler runs, and so before its 404 and 422. Where these are to
    /// come first, ask in the handler instead, with
    /// [`Preconditions::require`](crate::Preconditions::require).
    pub fn with_required(self, require: Require) -> Self {
        self.with(|config| config.require = require)
    }

    /// The most bytes of a content that gets a tag made of its hash; 65,536 by default. 0 leaves
    /// tags to the handlers.
    pub fn with_max_content(self, bytes: usize) -> Self {
        self.with(|config| config.max_content = bytes)
    }

    /// Header fields of a request on which the representation depends, such as `Accept-Language`;
    /// none by default. Successful answers to GET and HEAD name them in `Vary`, and so does a 304.
    pub fn with_vary(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|config| config.vary = names.into_iter().collect())
    }

    /// Lets requests with `Range` and `If-Range` through as they are, to a handler that sets its own
    /// tags and evaluates `If-Range` itself, as [`evaluate`](crate::evaluate()) does.
    pub fn with_ranges_by_handler(self) -> Self {
        self.with(|config| config.ranges_by_handler = true)
    }

    /// Makes the answers to requests that are not performed, in place of problem documents.
    ///
    /// The [`Rejection`] is put into the extensions of the answer either way, and a 428 without
    /// `Cache-Control` gets `no-store` (RFC 6585, section 3).
    pub fn with_responder(
        self,
        responder: impl Fn(&Rejection) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.responder = Arc::new(responder))
    }
}

impl Default for PreconditionsLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for PreconditionsLayer {
    type Service = PreconditionsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PreconditionsService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("require", &self.require)
            .field("max_content", &self.max_content)
            .field("vary", &self.vary)
            .field("ranges_by_handler", &self.ranges_by_handler)
            .finish_non_exhaustive()
    }
}
