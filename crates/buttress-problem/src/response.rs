//! A problem as a response.

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, Response, header::CONTENT_TYPE};

use crate::{Format, Problem, cause::Cause, headers, status};

/// The response's extensions carry the problem itself, so that `ProblemLayer` can complete it
/// without parsing what was just written, and so that it can see what caused it.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) problem: Problem,
    /// Logs the cause unless somebody did; shared, because extensions can be cloned.
    #[cfg_attr(
        not(feature = "layer"),
        expect(dead_code, reason = "held to be dropped")
    )]
    pub(crate) cause: Option<Arc<Cause>>,
}

impl Problem {
    /// The problem that became this response, if one did: what a metric, a test or another
    /// middleware looks at instead of parsing the body. It has no [`headers`](Self::headers): those
    /// are the response's own now.
    #[must_use]
    pub fn in_extensions(extensions: &Extensions) -> Option<&Self> {
        Some(&extensions.get::<Carried>()?.problem)
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
    let mut headers = std::mem::take(&mut problem.0.headers);
    headers::remove_framing(&mut headers);
    let body = if status::has_no_content(problem.status()) {
        Bytes::new()
    } else {
        headers.insert(CONTENT_TYPE, format.content_type());
        format.render(&problem)
    };
    let mut response = Response::new(B::from(body));
    *response.status_mut() = problem.status();
    *response.headers_mut() = headers;
    let cause = Cause::of(&problem).map(Arc::new);
    response.extensions_mut().insert(Carried { problem, cause });
    response
}
