use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    Rejection, ResponseBody,
    exchange::{self, Asked},
    layer::Config,
};

pin_project! {
    /// The response future of [`PreconditionsService`](crate::PreconditionsService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        Running { #[pin] future: F, asked: Option<Box<Asked>> },
        Refused { refusal: Option<Box<(Rejection, Arc<Config>)>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn running(future: F, asked: Option<Box<Asked>>) -> Self {
        let state = State::Running { future, asked };
        Self { state }
    }

    pub(crate) fn refused(rejection: Rejection, config: Arc<Config>) -> Self {
        let refusal = Some(Box::new((rejection, config)));
        let state = State::Refused { refusal };
        Self { state }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProjection::Running { future, asked } => {
                let response = ready!(future.poll(cx))?;
                let response = exchange::after(response, asked.as_deref(), cx);
                Poll::Ready(Ok(response))
            }
            StateProjection::Refused { refusal } => {
                let refusal = refusal.take();
                let (rejection, config) = *refusal.expect("it is not polled after it is ready");
                Poll::Ready(Ok(exchange::refuse(rejection, &config)))
            }
        }
    }
}
