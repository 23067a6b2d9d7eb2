use std::{
    convert::Infallible,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::ResponseBody;
use crate::Problem;

/// Turns the errors of a service into problems: the time-outs, overloads and the like of `tower`,
/// which a server would answer by cutting the connection.
///
/// The function that it takes decides which problem an error is. It goes outside the middleware
/// that fails, and inside [`ProblemLayer`](crate::ProblemLayer), which adds the ids and logs what
/// caused the problem.
///
/// ```
/// use std::time::Duration;
///
/// use buttress_problem::{CatchErrorLayer, Problem, ProblemLayer};
/// use http::StatusCode;
/// use tower::{BoxError, ServiceBuilder, timeout::{TimeoutLayer, error::Elapsed}};
///
/// fn to_problem(error: BoxError) -> Problem {
///     let status = if error.is::<Elapsed>() {
///         StatusCode::GATEWAY_TIMEOUT
///     } else {
///         StatusCode::INTERNAL_SERVER_ERROR
///     };
///     Problem::new(status).with_source(error)
/// }
///
/// let layers = ServiceBuilder::new()
///     .layer(ProblemLayer::new())
///     .layer(CatchErrorLayer::new(to_problem))
///     .layer(TimeoutLayer::new(Duration::from_secs(10)));
/// ```
#[derive(Clone)]
#[must_use]
pub struct CatchErrorLayer<F> {
    to_problem: F,
}

impl<F> CatchErrorLayer<F> {
    /// A layer that asks `to_problem` what to answer to an error.
    pub fn new(to_problem: F) -> Self {
        Self { to_problem }
    }
}

impl<S, F: Clone> Layer<S> for CatchErrorLayer<F> {
    type Service = CatchError<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchError {
            inner,
            to_problem: self.to_problem.clone(),
            failed: None,
        }
    }
}

/// See [`CatchErrorLayer`].
#[must_use]
pub struct CatchError<S, F> {
    inner: S,
    to_problem: F,
    /// What `poll_ready` answered: a service that can no longer be ready has an answer too.
    failed: Option<Problem>,
}

/// A clone is not ready until it is asked, and has not failed either.
impl<S: Clone, F: Clone> Clone for CatchError<S, F> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            to_problem: self.to_problem.clone(),
            failed: None,
        }
    }
}

impl<S, F, E, ReqBody, ResBody> Service<Request<ReqBody>> for CatchError<S, F>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error = E>,
    F: Fn(E) -> Problem + Clone,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = Infallible;
    type Future = CatchErrorFuture<S::Future, F>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.failed.is_none()
            && let Err(error) = ready!(self.inner.poll_ready(cx))
        {
            self.failed = Some((self.to_problem)(error));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let state = match mem::take(&mut self.failed) {
            Some(problem) => State::Failed {
                problem: Some(problem),
            },
            None => State::Running {
                future: self.inner.call(request),
                to_problem: self.to_problem.clone(),
            },
        };
        CatchErrorFuture { state }
    }
}

pin_project! {
    /// The response future of [`CatchError`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CatchErrorFuture<Fut, F> {
        #[pin]
        state: State<Fut, F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut, F> {
        Running { #[pin] future: Fut, to_problem: F },
        Failed { problem: Option<Problem> },
    }
}

impl<Fut, F, B, E> Future for CatchErrorFuture<Fut, F>
where
    Fut: Future<Output = Result<Response<B>, E>>,
    F: Fn(E) -> Problem,
{
    type Output = Result<Response<ResponseBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let problem = match self.project().state.project() {
            StateProjection::Running { future, to_problem } => match ready!(future.poll(cx)) {
                Ok(response) => return Poll::Ready(Ok(response.map(ResponseBody::inner))),
                Err(error) => to_problem(error),
            },
            StateProjection::Failed { problem } => match problem.take() {
                Some(problem) => problem,
                // Polled after completion, which a future may answer as it likes.
                None => return Poll::Pending,
            },
        };
        Poll::Ready(Ok(Response::<Bytes>::from(problem).map(ResponseBody::full)))
    }
}

impl<F> fmt::Debug for CatchErrorLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchErrorLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for CatchError<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchError")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<Fut, F> fmt::Debug for CatchErrorFuture<Fut, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchErrorFuture").finish_non_exhaustive()
    }
}
