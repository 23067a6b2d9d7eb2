use std::{
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
use tower_service::Service;

use crate::{
    ResponseBody,
    answer::{Answer, Hold},
};

/// Whether the request may pass, and what is to be done then.
pub(crate) enum Verdict {
    Pass(Answer),
    Refuse(Response<Bytes>),
}

/// A verdict that has to be waited for.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Verdict> + Send>>;

pin_project! {
    /// The response future of [`RateLimitService`](crate::RateLimitService) and
    /// [`ConcurrencyService`](crate::ConcurrencyService).
    ///
    /// It is the inner service's own once the request may pass, and calls that service not before.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B, F> {
        #[pin]
        state: State<S, B, F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        // Nothing is to be done when it has answered.
        Passing { #[pin] future: F },
        Running { #[pin] future: F, answer: Answer },
        // The service is the one that was polled ready. It waits elsewhere, so that this is small for those who need not wait.
        Asking { asking: Asking, next: Option<Box<(S, Request<B>)>> },
        Refused { response: Option<Response<Bytes>> },
    }
}

impl<S, B, F> ResponseFuture<S, B, F> {
    pub(crate) fn passing(future: F) -> Self {
        let state = State::Passing { future };
        Self { state }
    }

    pub(crate) fn running(future: F, answer: Answer) -> Self {
        let state = State::Running { future, answer };
        Self { state }
    }

    pub(crate) fn asking(asking: Asking, ready: S, request: Request<B>) -> Self {
        let next = Some(Box::new((ready, request)));
        let state = State::Asking { asking, next };
        Self { state }
    }

    pub(crate) fn refused(response: Response<Bytes>) -> Self {
        let response = Some(response);
        let state = State::Refused { response };
        Self { state }
    }
}

impl<S, B, ResBody> Future for ResponseFuture<S, B, S::Future>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let (future, answer) = match state.as_mut().project() {
                StateProjection::Passing { future } => {
                    let answered = ready!(future.poll(cx));
                    let pass = |body| ResponseBody::inner(body, Hold::Nothing);
                    return Poll::Ready(answered.map(|response| response.map(pass)));
                }
                StateProjection::Running { future, answer } => {
                    let answered = ready!(future.poll(cx));
                    // What is held ends with an error now, and not when this future is dropped.
                    let answer = mem::take(answer);
                    return Poll::Ready(answered.map(|response| answer.finish(response)));
                }
                StateProjection::Asking { asking, next } => {
                    match ready!(asking.as_mut().poll(cx)) {
                        Verdict::Pass(answer) => {
                            let next = next.take().expect("the state is left at once");
                            let (mut service, request) = *next;
                            (service.call(request), answer)
                        }
                        Verdict::Refuse(response) => {
                            return Poll::Ready(Ok(response.map(ResponseBody::full)));
                        }
                    }
                }
                StateProjection::Refused { response } => {
                    let response = response.take().expect("it is not polled after it is ready");
                    return Poll::Ready(Ok(response.map(ResponseBody::full)));
                }
            };
            state.set(State::Running { future, answer });
        }
    }
}

impl<S, B, F> fmt::Debug for ResponseFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Passing { .. } | State::Running { .. } => "Running",
            State::Asking { .. } => "Asking",
            State::Refused { .. } => "Refused",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
