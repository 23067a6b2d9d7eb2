//! The peers, each used as its own documentation shows.

use std::io::Write;

use buttress_benches::Interleaved;
use buttress_preconditions::ETag;
use bytes::Bytes;
use headers::{HeaderMapExt, IfMatch, IfNoneMatch};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use tower_http::services::ServeFile;
use tower_service::Service;

use super::{CONTENT, Document, requests};

/// A handler that reads and writes the header fields by the types of `headers`, as `TypedHeader`
/// of axum-extra does.
fn typed(
    request: &Request<()>,
    document: &Document,
    etag: &headers::ETag,
) -> Response<Full<Bytes>> {
    let condition = request.headers().typed_get::<IfNoneMatch>();
    if condition.is_none_or(|condition| condition.precondition_passes(etag)) {
        return document.response();
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().typed_insert(etag.clone());
    response
}

pub(super) fn answer_304<'a>(
    group: &mut Interleaved<'a>,
    request: impl FnMut() -> Request<()> + 'a,
    document: &'a Document,
) {
    let etag = "\"7\"".parse::<headers::ETag>().expect("a tag");
    group.add(
        "headers 0.4 by hand, in place of the 200",
        request,
        move |it| {
            let answer = typed(&it, document, &etag);
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
            answer
        },
    );

    // It asks the file system each time, on another thread: that is what it is for.
    let mut file = tempfile::Builder::new()
        .suffix(".json")
        .tempfile()
        .expect("a file");
    file.write_all(&CONTENT).expect("1 KiB");
    let mut service = ServeFile::new(file.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let first = runtime.block_on(service.call(requests("GET", "")()));
    let Ok(first) = first;
    let etag = first.headers()[header::ETAG].to_str().expect("ASCII");
    let request = requests("GET", &format!("if-none-match: {etag}\r\n"));
    group.add(
        "tower-http 0.7 ServeFile, with its disk I/O",
        request,
        move |it| {
            // The file is there for as long as the service.
            let _ = &file;
            let Ok(answer) = runtime.block_on(service.call(it));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
            answer
        },
    );
}

pub(super) fn evaluate_if_match<'a>(
    group: &mut Interleaved<'a>,
    headers: impl FnMut() -> &'a HeaderMap + 'a,
    current: &ETag,
) {
    let current = current.to_string().parse::<headers::ETag>().expect("a tag");
    group.add("headers 0.4", headers, move |it| {
        let condition = it.typed_get::<IfMatch>().expect("a list");
        assert!(condition.precondition_passes(&current));
    });
}
