use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{ResponseBody, convert, occurrence::Seen, problem_layer::Config};

pin_project! {
    /// The response future of [`ProblemService`](crate::ProblemService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        seen: Seen,
        config: Arc<Config>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        Running { #[pin] future: F },
        // The call itself panicked, with this text.
        Panicked { text: String },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn running(future: F, seen: Seen, config: Arc<Config>) -> Self {
        Self {
            state: State::Running { future },
            seen,
            config,
        }
    }

    pub(super) fn panicked(text: String, seen: Seen, config: Arc<Config>) -> Self {
        Self {
            state: State::Panicked { text },
            seen,
            config,
        }
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
        let future = match this.state.project() {
            StateProjection::Running { future } => future,
            StateProjection::Panicked { text } => {
                return Poll::Ready(Ok(convert::panic(text, this.seen, this.config)));
            }
        };
        let poll = |cx: &mut Context<'_>| {
            let response = ready!(future.poll(cx))?;
            Poll::Ready(Ok(convert::response(response, this.seen, this.config, cx)))
        };
        if !this.config.catch_panics {
            return poll(cx);
        }
        match catch_unwind(AssertUnwindSafe(|| poll(cx))) {
            Ok(poll) => poll,
            // The future is not polled again: this one is done.
            Err(payload) => {
                let text = panic_text(&*payload);
                Poll::Ready(Ok(convert::panic(&text, this.seen, this.config)))
            }
        }
    }
}

/// What `panic!` was given: a text in nearly all cases.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!(
        "panicked: {}",
        text.unwrap_or("with a value that is no text")
    )
}
