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
    /// The body of an answer of [`PreconditionsService`](crate::PreconditionsService): the inner
    /// service's own, nothing, or a refusal. Its errors are the inner body's.
    pub struct ResponseBody<B: Body> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B: Body> {
        Inner { #[pin] body: B },
        Full { bytes: Option<Bytes> },
        // That of a 304: nothing, of which nobody may say how long it is.
        None,
        // A body that was looked into.
        Read { read: Read<B> },
    }
}

/// What was read of a body, and what is left of it. The bound is there to name the body's error.
struct Read<B: Body> {
    frames: VecDeque<Frame<Bytes>>,
    rest: Rest<B>,
}

enum Rest<B: Body> {
    Body(Pin<Box<B>>),
    Error(B::Error),
    Nothing,
}

impl<B: Body> ResponseBody<B> {
    pub(crate) fn inner(body: B) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }

    pub(crate) fn none() -> Self {
        Self { kind: Kind::None }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        let bytes = (!bytes.is_empty()).then_some(bytes);
        Self {
            kind: Kind::Full { bytes },
        }
    }
}

/// More frames than a content has that was there at once.
const MAX_FRAMES: usize = 64;

impl<B: Body<Data = Bytes>> ResponseBody<B> {
    /// Shows `see` all of the content, if it is there without waiting, has no more than `limit`
    /// bytes and no trailers, and says how long it is, or that it was not so. Nothing is lost of the
    /// body either way.
    ///
    /// A content that is not there yet is a stream, and its client is better served by the first
    /// bytes now than by a tag after the last one.
    pub(crate) fn look_into(
        body: B,
        limit: usize,
        cx: &mut Context<'_>,
        mut see: impl FnMut(&[u8]),
    ) -> (Self, Option<usize>) {
        if body.size_hint().lower() > limit as u64 {
            return (Self::inner(body), None);
        }
        let mut body = Box::pin(body);
        let mut frames = VecDeque::new();
        let mut size = 0;
        let (rest, length) = loop {
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let data = frame.data_ref().map(|data| {
                        size += data.remaining();
                        see(data);
                    });
                    frames.push_back(frame);
                    if data.is_none() || size > limit || frames.len() > MAX_FRAMES {
                        break (Rest::Body(body), None);
                    }
                }
                Poll::Ready(Some(Err(error))) => break (Rest::Error(error), None),
                Poll::Ready(None) => break (Rest::Nothing, Some(size)),
                Poll::Pending => break (Rest::Body(body), None),
            }
        };
        let read = Read { frames, rest };
        let kind = Kind::Read { read };
        (Self { kind }, length)
    }
}

impl<B: Body<Data = Bytes>> Read<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Rest::Body(body) = &mut self.rest {
            return body.as_mut().poll_frame(cx);
        }
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Error(error) => Poll::Ready(Some(Err(error))),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
            && match &self.rest {
                Rest::Body(body) => body.is_end_stream(),
                Rest::Error(_) => false,
                Rest::Nothing => true,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let data = self.frames.iter().filter_map(Frame::data_ref);
        let read = data.map(|data| data.remaining() as u64).sum::<u64>();
        let rest = match &self.rest {
            Rest::Body(body) => body.size_hint(),
            Rest::Error(_) => SizeHint::new(),
            Rest::Nothing => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
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
            KindProjection::None => Poll::Ready(None),
            KindProjection::Read { read } => read.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Full { bytes } => bytes.is_none(),
            Kind::None => true,
            Kind::Read { read } => read.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Full { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            // The length of a 304 would be that of the content which it stands for (RFC 9110,
            // section 8.6), and servers make a header field of what is known to be 0.
            Kind::None => SizeHint::new(),
            Kind::Read { read } => read.size_hint(),
        }
    }
}

impl<B: Body> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inner { .. } => "Inner",
            Kind::Full { .. } => "Full",
            Kind::None => "None",
            Kind::Read { .. } => "Read",
        };
        f.debug_tuple("ResponseBody").field(&kind).finish()
    }
}
