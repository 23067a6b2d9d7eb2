//! No body over 1 MiB, and an answer that the sender of a larger one gets to see.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, StatusCode, header::EXPECT},
    middleware::Next,
    response::{IntoResponse, Response},
};
use buttress_problem::Problem;
use http_body_util::BodyExt;

/// The largest body that is taken.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How much of a refused body is read to its end, and for how long.
const MAX_DRAINED: usize = 8 * 1024 * 1024;
const MAX_DRAIN_TIME: Duration = Duration::from_secs(2);

/// Reads the body, which here is never more than a small document, before the request goes on.
///
/// A server that answers and closes while the client is still sending resets the connection, and
/// most clients then report a broken pipe instead of the answer. So a body that is too large is
/// read and thrown away for a while before it is refused.
pub(super) async fn limit_body(request: Request, next: Next) -> Response {
    let (head, mut body) = request.into_parts();
    if body.size_hint().lower() > MAX_BODY as u64 {
        // Who asks first has not begun to send.
        if !expects_continue(&head.headers) {
            drain(&mut body, 0).await;
        }
        return too_large();
    }

    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // The client hung up or broke the framing; whether it reads this is its business.
            return Problem::new(StatusCode::BAD_REQUEST)
                .with_detail("the body ended before it was complete")
                .into_response();
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if kept.len() + data.len() > MAX_BODY {
            drain(&mut body, kept.len() + data.len()).await;
            return too_large();
        }
        kept.extend_from_slice(&data);
    }
    next.run(Request::from_parts(head, Body::from(kept))).await
}

async fn drain(body: &mut Body, mut read: usize) {
    let reading = async {
        while read < MAX_DRAINED
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, |data| data.len());
        }
    };
    // Out of time is as good as done: the connection is closed either way.
    _ = tokio::time::timeout(MAX_DRAIN_TIME, reading).await;
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn too_large() -> Response {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
        .with_detail(format!("a body has at most {MAX_BODY} bytes"))
        .into_response()
}
