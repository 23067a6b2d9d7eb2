use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of an answer of [`ProblemService`](crate::ProblemService): the inner service's own,
    /// or a problem. Its errors are the inner body's.
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Full { bytes: Option<Bytes> },
        // A body that was looked into: what was read of it, and the rest.
        Resumed { read: VecDeque<Frame<Bytes>>, rest: Option<Pin<Box<B>>> },
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn inner(body: B) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }

    pub(super) fn full(bytes: Bytes) -> Self {
        let bytes = (!bytes.is_empty()).then_some(bytes);
        Self {
            kind: Kind::Full { bytes },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(cx),
            KindProjection::Full { bytes } => Poll::Ready(bytes.take().map(Frame::data).map(Ok)),
            KindProjection::Resumed { read, rest } => match (read.pop_front(), rest) {
                (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
                (None, Some(rest)) => rest.as_mut().poll_frame(cx),
                (None, None) => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Full { bytes } => bytes.is_none(),
            Kind::Resumed { read, rest } => {
                read.is_empty() && rest.as_ref().is_none_or(|rest| rest.is_end_stream())
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Full { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Resumed { read, rest } => {
                let read: usize = read
                    .iter()
                    .filter_map(Frame::data_ref)
                    .map(Bytes::len)
                    .sum();
                let read = read as u64;
                let rest = rest
                    .as_ref()
                    .map_or(SizeHint::with_exact(0), |rest| rest.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(read));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(read));
                }
                hint
            }
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inner { .. } => "Inner",
            Kind::Full { .. } => "Full",
            Kind::Resumed { .. } => "Resumed",
        };
        f.debug_tuple("ResponseBody").field(&kind).finish()
    }
}

/// What looking into a body showed.
pub(super) enum Text<B> {
    /// All of it was there at once, and it is UTF-8.
    Whole(String),
    /// It failed while it was read.
    Failed,
    /// It is longer than the limit, not there yet, or no text: nothing is lost of it.
    Open(ResponseBody<B>),
}

impl<B: Body<Data = Bytes>> Text<B> {
    /// Reads what is there without waiting, and keeps at most `limit` bytes and one frame more.
    ///
    /// A body that is not there yet is a stream, and its client is better served by the first
    /// bytes now than by a problem after the last one.
    pub(super) fn read(body: B, limit: usize, cx: &mut Context<'_>) -> Self {
        let open = |read, rest| {
            Self::Open(ResponseBody {
                kind: Kind::Resumed { read, rest },
            })
        };
        let mut read = VecDeque::new();
        let mut size = 0;
        if body.size_hint().lower() > limit as u64 {
            return Self::Open(ResponseBody::inner(body));
        }
        let mut body = Box::pin(body);
        loop {
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    size += frame.data_ref().map_or(0, Buf::remaining);
                    read.push_back(frame);
                    // An endless row of empty frames is a stream as well.
                    if size > limit || read.len() > MAX_FRAMES {
                        return open(read, Some(body));
                    }
                }
                Poll::Ready(Some(Err(_))) => return Self::Failed,
                Poll::Ready(None) => break,
                Poll::Pending => return open(read, Some(body)),
            }
        }
        let mut text = Vec::with_capacity(size);
        for data in read.iter().filter_map(Frame::data_ref) {
            text.extend_from_slice(data);
        }
        match String::from_utf8(text) {
            Ok(text) => Self::Whole(text),
            Err(_) => open(read, None),
        }
    }
}

const MAX_FRAMES: usize = 64;
