use std::{fmt, sync::Arc};

use http::HeaderName;
use tower_layer::Layer;

use super::{Occurrence, ProblemService};
use crate::{Problem, headers};

/// Turns what frameworks and middleware answer badly into problems, without losing anything.
///
/// It goes outside everything whose answers it is to repair, and inside what must see the final
/// answer, such as compression.
///
/// 1. A 4xx or 5xx **without a body** gets the problem of its status: the 404 and 405 of a router,
///    the 408 of a time-out, the 413 of a body limit.
/// 2. A 4xx in **plain text**, as the rejections of axum's extractors, becomes a problem with that
///    text as its `detail`, when it is UTF-8, no longer than
///    [`with_max_text`](Self::with_max_text) and there at once. Nothing is waited for: a body that
///    is still being made is a stream and goes on untouched.
/// 3. A 5xx in plain text, or in bytes of no type (`application/octet-stream`), becomes a problem
///    without detail. The text is logged.
/// 4. A **panic** becomes a 500. Its message is logged.
/// 5. A [`Problem`](struct@Problem) gets `instance` (the request's path), `requestId` (from
///    `X-Request-Id`) and
///    `traceId` (from `traceparent`, [W3C Trace Context](https://www.w3.org/TR/trace-context/))
///    where it has none, and its `status` follows the response's. What caused it is logged with
///    the same ids, once.
/// 6. **Everything else is passed through untouched**: JSON, HTML and any other media type, answers
///    to HEAD, server-sent events, WebSocket and gRPC, problems that others have written, encoded
///    bodies of a 4xx, and every status below 400.
///
/// The headers of a converted response stay, `WWW-Authenticate`, `Allow`, `Retry-After`,
/// `Set-Cookie`, `Vary` and CORS among them; only those that described the replaced body go
/// (`Content-Encoding`, `Content-Digest`, `ETag` but in a 412, and the like), and `Content-Length` is
/// repaired.
///
/// The service's errors are passed on; turn them into answers with
/// [`CatchErrorLayer`](crate::CatchErrorLayer).
///
/// The request's headers are looked at before the inner service runs, so nothing is shared between
/// requests and nothing hangs on a thread. An answer below 400 costs a few reference counts and no
/// allocation.
///
/// # Example
///
/// ```
/// use buttress_problem::ProblemLayer;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::{BodyExt, Empty};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new()
///     .layer(ProblemLayer::new())
///     .service(service_fn(async |_: Request<()>| {
///         let mut response = Response::new(Empty::<bytes::Bytes>::new());
///         *response.status_mut() = StatusCode::NOT_FOUND;
///         Ok::<_, std::convert::Infallible>(response)
///     }));
///
/// let response = service.oneshot(Request::get("/nowhere").body(())?).await?;
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// let body = response.into_body().collect().await?.to_bytes();
/// assert_eq!(
///     body,
///     r#"{"type":"about:blank","title":"Not Found","status":404,"instance":"/nowhere","code":"NOT_FOUND"}"#
/// );
/// # Ok(())
/// # }
/// ```
///
/// With a hook that has the last word on every problem:
///
/// ```
/// use buttress_problem::{Occurrence, Problem, ProblemLayer};
///
/// let layer = ProblemLayer::new().with_hook(|problem: &mut Problem, at: &Occurrence<'_>| {
///     if problem.status() == 404 && at.path().starts_with("/v0/") {
///         problem.set_detail("version 0 of this API is gone; use /v1");
///     }
/// });
/// ```
#[derive(Clone)]
#[must_use]
pub struct ProblemLayer {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) max_text: usize,
    pub(super) catch_panics: bool,
    pub(super) request_id: HeaderName,
    pub(super) negotiate: bool,
    pub(super) hook: Option<Hook>,
}

pub(super) type Hook = Arc<dyn Fn(&mut Problem, &Occurrence<'_>) + Send + Sync>;

impl ProblemLayer {
    /// A layer with the defaults: texts of up to 4 KiB, panics caught, `X-Request-Id`, JSON, no hook.
    pub fn new() -> Self {
        Self {
            config: Arc::new(Config {
                max_text: 4096,
                catch_panics: true,
                request_id: headers::X_REQUEST_ID,
                negotiate: false,
                hook: None,
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// The most bytes of a plain text that are kept in memory to become a `detail`; 4096 by
    /// default. A longer text is passed through untouched when it is a 4xx.
    pub fn with_max_text(self, bytes: usize) -> Self {
        self.with(|config| config.max_text = bytes)
    }

    /// Whether a panic of the inner service becomes a 500; `true` by default.
    ///
    /// A panic while the body is being sent cannot be caught here: the status has left already,
    /// and the server cuts the connection.
    pub fn with_catch_panics(self, catch: bool) -> Self {
        self.with(|config| config.catch_panics = catch)
    }

    /// The header that carries the request's id; `X-Request-Id` by default.
    pub fn with_request_id_header(self, name: HeaderName) -> Self {
        self.with(|config| config.request_id = name)
    }

    /// Lets the client choose the format by `Accept`, as [`Format::negotiate`] says, and adds
    /// `Vary: Accept` to every problem that this layer makes or completes. Without it they are
    /// JSON.
    ///
    /// A problem that a handler has answered with in another format, with
    /// [`Problem::into_response_as`], keeps it either way.
    ///
    /// [`Format::negotiate`]: crate::Format::negotiate
    pub fn with_negotiation(self) -> Self {
        self.with(|config| config.negotiate = true)
    }

    /// Calls `hook` with every problem that this layer makes or completes, last of all. Its
    /// [`headers`](Problem::headers) are all those that the answer will have, but for what
    /// describes the document itself.
    ///
    /// A hook that panics is logged, and the problem is sent as it was before.
    pub fn with_hook(
        self,
        hook: impl Fn(&mut Problem, &Occurrence<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.hook = Some(Arc::new(hook)))
    }
}

impl Default for ProblemLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ProblemLayer {
    type Service = ProblemService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProblemService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for ProblemLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemLayer")
            .field("config", &self.config)
            .finish()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("max_text", &self.max_text)
            .field("catch_panics", &self.catch_panics)
            .field("request_id", &self.request_id)
            .field("negotiate", &self.negotiate)
            .field("hook", &self.hook.is_some())
            .finish()
    }
}
