use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Responder, ResponseBody};
use crate::Rejection;

/// Whether the request may pass, as soon as that is known, and what is to be told of it to those behind.
pub(crate) type Verdict = Pin<Box<dyn Future<Output = Result<Option<Tell>, Rejection>> + Send>>;

pub(crate) type Tell = Box<dyn FnOnce(&mut Extensions) + Send>;

pin_project! {
    /// The response future of [`BearerService`](crate::BearerService), [`ApiKeyService`](crate::ApiKeyService) and
    /// [`RequireService`](crate::RequireService).
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
        Running { #[pin] future: F },
        // The service is the one that was polled ready.
        Asking { verdict: Verdict, next: Option<(S, Request<B>)>, responder: Responder },
        Refused { rejection: Option<Rejection>, responder: Responder },
    }
}

impl<S, B, F> ResponseFuture<S, B, F> {
    pub(crate) fn running(future: F) -> Self {
        let state = State::Running { future };
        Self { state }
    }

    pub(crate) fn asking(
        verdict: Verdict,
        ready: S,
        request: Request<B>,
        responder: Responder,
    ) -> Self {
        let next = Some((ready, request));
        let state = State::Asking {
            verdict,
            next,
            responder,
        };
        Self { state }
    }

    pub(crate) fn refused(rejection: Rejection, responder: Responder) -> Self {
        let rejection = Some(rejection);
        let state = State::Refused {
            rejection,
            responder,
        };
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
            let future = match state.as_mut().project() {
                StateProjection::Running { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Asking {
                    verdict,
                    next,
                    responder,
                } => match ready!(verdict.as_mut().poll(cx)) {
                    Ok(tell) => {
                        let (mut service, mut request) =
                            next.take().expect("the state is left at once");
                        if let Some(tell) = tell {
                            tell(request.extensions_mut());
                        }
                        service.call(request)
                    }
                    Err(rejection) => {
                        let response = responder.respond(rejection);
                        return Poll::Ready(Ok(response.map(ResponseBody::full)));
                    }
                },
                StateProjection::Refused {
                    rejection,
                    responder,
                } => {
                    let rejection = rejection
                        .take()
                        .expect("it is not polled after it is ready");
                    let response = responder.respond(rejection);
                    return Poll::Ready(Ok(response.map(ResponseBody::full)));
                }
            };
            state.set(State::Running { future });
        }
    }
}

impl<S, B, F> fmt::Debug for ResponseFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running { .. } => "Running",
            State::Asking { .. } => "Asking",
            State::Refused { .. } => "Refused",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
