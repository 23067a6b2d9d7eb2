//! A problem as a response.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, HeaderMap, Response, header::CONTENT_TYPE};

use crate::{Format, Problem, cause::Cause, headers, status};

/// A problem that is answered with many times: its document is written once.
///
/// For refusals that come in floods, and must cost no more than what they keep out. `ProblemLayer` completes them as it does
/// any problem.
///
/// ```
/// use buttress_problem::{PreparedProblem, Problem};
/// use http::{Response, StatusCode};
///
/// let closed = PreparedProblem::new(Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_detail("closed on Sundays"));
/// let response: Response<bytes::Bytes> = closed.to_response();
/// assert_eq!(response.body(), &closed.problem().to_json());
/// ```
#[derive(Clone, Debug)]
pub struct PreparedProblem {
    /// Without headers.
    problem: Arc<Problem>,
    headers: HeaderMap,
    body: Bytes,
}

impl PreparedProblem {
    /// Writes its document.
    #[must_use]
    pub fn new(mut problem: Problem) -> Self {
        let (headers, body) = head_and_body(&mut problem, Format::Json);
        Self {
            problem: Arc::new(problem),
            headers,
            body,
        }
    }

    /// The problem, without its [headers](Problem::headers).
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The same response as that of the problem.
    #[must_use]
    pub fn to_response<B: From<Bytes>>(&self) -> Response<B> {
        // With room for a few more.
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 4);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        let problem = Held::Shared(Arc::clone(&self.problem));
        carrying(problem, headers, self.body.clone())
    }
}

/// The response's extensions carry the problem itself, so that `ProblemLayer` can complete it
/// without parsing what was just written, and so that it can see what caused it.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) problem: Held,
    /// Logs the cause unless somebody did; shared, because extensions can be cloned.
    #[cfg_attr(
        not(feature = "layer"),
        expect(dead_code, reason = "held to be dropped")
    )]
    pub(crate) cause: Option<Arc<Cause>>,
}

/// Boxed in either case.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    Owned(Problem),
    Shared(Arc<Problem>),
}

impl Held {
    pub(crate) fn get(&self) -> &Problem {
        match self {
            Self::Owned(problem) => problem,
            Self::Shared(problem) => problem,
        }
    }

    #[cfg(feature = "layer")]
    pub(crate) fn into_owned(self) -> Problem {
        match self {
            Self::Owned(problem) => problem,
            Self::Shared(problem) => Arc::unwrap_or_clone(problem),
        }
    }
}

impl Problem {
    /// The problem that became this response, if one did: what a metric, a test or another
    /// middleware looks at instead of parsing the body. It has no [`headers`](Self::headers): those
    /// are the response's own now.
    #[must_use]
    pub fn in_extensions(extensions: &Extensions) -> Option<&Self> {
        Some(extensions.get::<Carried>()?.problem.get())
    }
}

/// `application/problem+json` with the problem's status and headers. The body is empty for a
/// status that has no content (1xx, 204, 205, 304).
///
/// The response's extensions carry what `ProblemLayer` needs. Without that layer, a problem's
/// source is logged when the response is dropped.
impl<B: From<Bytes>> From<Problem> for Response<B> {
    fn from(problem: Problem) -> Self {
        in_format(problem, Format::Json)
    }
}

pub(crate) fn in_format<B: From<Bytes>>(mut problem: Problem, format: Format) -> Response<B> {
    let (headers, body) = head_and_body(&mut problem, format);
    carrying(Held::Owned(problem), headers, body)
}

/// What the problem is sent as. Its headers are taken out of it.
fn head_and_body(problem: &mut Problem, format: Format) -> (HeaderMap, Bytes) {
    let mut headers = std::mem::take(&mut problem.0.headers);
    headers::remove_framing(&mut headers);
    if status::has_no_content(problem.status()) {
        return (headers, Bytes::new());
    }
    headers.insert(CONTENT_TYPE, format.content_type());
    let body = format.render(problem);
    (headers, body)
}

fn carrying<B: From<Bytes>>(problem: Held, headers: HeaderMap, body: Bytes) -> Response<B> {
    let mut response = Response::new(B::from(body));
    *response.status_mut() = problem.get().status();
    *response.headers_mut() = headers;
    let cause = Cause::of(problem.get()).map(Arc::new);
    response.extensions_mut().insert(Carried { problem, cause });
    response
}
