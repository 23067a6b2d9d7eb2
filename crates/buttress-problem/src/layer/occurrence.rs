use http::{HeaderMap, HeaderValue, Method, Request, header::ACCEPT, uri::PathAndQuery};

use super::problem_layer::Config;
use crate::{Format, cause::Ids, headers};

/// What is known of the request that a problem answers; a hook of
/// [`ProblemLayer`](crate::ProblemLayer) gets it.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    seen: &'a Seen,
    request_id: Option<&'a str>,
    trace_id: Option<&'a str>,
}

/// What is kept of a request while the inner service has it. All of it is reference counted.
#[derive(Debug)]
pub(super) struct Seen {
    method: Method,
    path: Option<PathAndQuery>,
    request_id: Option<HeaderValue>,
    trace_parent: Option<HeaderValue>,
    accept: Option<Accept>,
}

/// The lines of `Accept`. There is nearly always one, which takes no allocation to keep; what it
/// says is only read for an error.
#[derive(Debug)]
struct Accept {
    first: Option<HeaderValue>,
    more: Vec<HeaderValue>,
}

impl Accept {
    fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(ACCEPT).iter().cloned();
        Self {
            first: lines.next(),
            more: lines.collect(),
        }
    }
}

impl Seen {
    pub(super) fn of<B>(request: &Request<B>, config: &Config) -> Self {
        let headers = request.headers();
        Self {
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned(),
            request_id: headers.get(&config.request_id).cloned(),
            trace_parent: headers.get(headers::TRACE_PARENT).cloned(),
            accept: config.negotiate.then(|| Accept::of(headers)),
        }
    }

    /// The format that the client asks for; `None` when it is not to be asked.
    pub(super) fn format(&self) -> Option<Format> {
        let accept = self.accept.as_ref()?;
        Some(Format::preferred(accept.first.iter().chain(&accept.more)))
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// The response's own id comes first: it is what the client sees, and with the layer that
    /// makes ids further in, the request did not have one yet.
    pub(super) fn occurrence<'a>(&'a self, own: Option<&'a HeaderValue>) -> Occurrence<'a> {
        let own = own.and_then(headers::request_id);
        let sent = self.request_id.as_ref().and_then(headers::request_id);
        Occurrence {
            seen: self,
            request_id: own.or(sent),
            trace_id: self.trace_parent.as_ref().and_then(headers::trace_id),
        }
    }
}

impl<'a> Occurrence<'a> {
    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        &self.seen.method
    }

    /// The request's path as it arrived at the layer; empty for the authority form of CONNECT.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.seen.path.as_ref().map_or("", PathAndQuery::path)
    }

    /// The request's query, which may hold what is nobody else's business.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.seen.path.as_ref()?.query()
    }

    /// The request's id: up to 128 visible ASCII characters, else it counts as absent.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        self.request_id
    }

    /// The trace's id, 32 lower-case hexadecimal digits, from a valid `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&'a str> {
        self.trace_id
    }

    pub(super) fn ids(&self) -> Ids<'a> {
        Ids {
            instance: self.seen.path.as_ref().map(PathAndQuery::path),
            request_id: self.request_id,
            trace_id: self.trace_id,
        }
    }
}
