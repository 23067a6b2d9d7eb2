//! What the layer does with a request before it is handled, and with the answer.

use std::{sync::Arc, task::Context};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
        IF_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
    },
    response::Parts,
};
use http_body::Body;
use sha2::{Digest, Sha256};

use crate::{
    Condition, Current, Decision, ETag, Rejection, RejectionKind, ResponseBody, date, encoding,
    evaluate, headers,
    layer::Config,
    require::is_conditional,
    tags::{self, Form},
};

/// What is remembered of a GET or HEAD until its answer is there.
#[derive(Debug)]
pub(crate) struct Asked {
    config: Arc<Config>,
    is_head: bool,
    preconditions: HeaderMap,
}

/// Looks at a request. What comes back is remembered until its answer is there: nothing when the
/// method is neither GET nor HEAD, and nothing when it could not matter.
///
/// # Errors
///
/// When the request is not to be handled.
pub(crate) fn before<B>(
    request: &mut Request<B>,
    config: &Arc<Config>,
) -> Result<Option<Box<Asked>>, Rejection> {
    let is_head = *request.method() == Method::HEAD;
    if is_head || *request.method() == Method::GET {
        return Ok(before_reading(is_head, request.headers_mut(), config));
    }
    if config.require.covers(request.method()) {
        require(request.method(), request.headers())?;
    }
    if headers::has_tags(request.headers()) {
        encoding::add_bases(request.headers_mut(), &encoding::OF_CHANGES);
    }
    Ok(None)
}

fn before_reading(
    is_head: bool,
    headers: &mut HeaderMap,
    config: &Arc<Config>,
) -> Option<Box<Asked>> {
    let preconditions = headers::preconditions(headers);
    if !preconditions.is_empty() {
        encoding::add_bases(headers, &[IF_MATCH]);
        // The handler does not know the tag that its answer will have.
        if !config.ranges_by_handler && preconditions.contains_key(IF_RANGE) {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
    } else if config.max_content == 0 && config.vary.is_empty() {
        // All threads share the configuration, so not even its references are counted for nothing.
        return None;
    }
    // Boxed, because the future of a request without any would be as large.
    Some(Box::new(Asked {
        config: Arc::clone(config),
        is_head,
        preconditions,
    }))
}

fn require(method: &Method, headers: &HeaderMap) -> Result<(), Rejection> {
    if !is_conditional(headers) {
        return Err(Rejection::required_of(method));
    }
    for condition in [Condition::IfMatch, Condition::IfNoneMatch] {
        if tags::read(headers, &condition.header(), |_| ()) == Form::Malformed {
            return Err(Rejection::malformed(condition));
        }
    }
    Ok(())
}

/// Looks at the answer. Everything but a success stays as it is: the preconditions of a request
/// that fails anyway are of no interest (RFC 9110, section 13.2.1).
pub(crate) fn after<B: Body<Data = Bytes>>(
    mut response: Response<B>,
    asked: Option<&Asked>,
    cx: &mut Context<'_>,
) -> Response<ResponseBody<B>> {
    if !response.status().is_success() {
        return response.map(ResponseBody::inner);
    }
    encoding::rename_tag(response.headers_mut());
    let Some(asked) = asked else {
        return response.map(ResponseBody::inner);
    };
    let (mut parts, body) = response.into_parts();
    headers::vary_by(&mut parts.headers, &asked.config.vary);
    let body = tagged(&mut parts, body, asked, cx);
    if asked.preconditions.is_empty() {
        return Response::from_parts(parts, body);
    }
    conclude(parts, body, asked)
}

/// Gives the answer a tag if it can be had, and has none.
fn tagged<B: Body<Data = Bytes>>(
    parts: &mut Parts,
    body: B,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> ResponseBody<B> {
    let max_content = asked.config.max_content;
    let wanted = max_content > 0
        && parts.status == StatusCode::OK
        && !parts.headers.contains_key(ETAG)
        && !headers::is_not_stored(&parts.headers);
    if !wanted {
        return ResponseBody::inner(body);
    }
    let mut digest = Sha256::new();
    // The same bytes of another type, coding or language are another representation.
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
        for value in parts.headers.get_all(name) {
            digest.update((value.len() as u64).to_be_bytes());
            digest.update(value);
        }
        digest.update(u64::MAX.to_be_bytes());
    }
    let (body, length) = ResponseBody::look_into(body, max_content, cx, |data| digest.update(data));
    if length.is_some_and(|length| !asked.is_head || is_of_get(&parts.headers, length)) {
        // Whatever encodes it further out, the tag stays true; and nobody who changes things could
        // compare it.
        let tag = ETag::from_digest(digest).into_weak();
        parts.headers.insert(ETAG, tag.into());
    }
    body
}

/// Whether this content in the answer to a HEAD is that of a GET. It may have been removed on the
/// way here, and something made of what was left.
fn is_of_get(headers: &HeaderMap, length: usize) -> bool {
    let says_so = headers
        .get(CONTENT_LENGTH)
        .is_none_or(|value| value.as_bytes() == length.to_string().as_bytes());
    length > 0 && says_so && !headers.contains_key(CONTENT_ENCODING)
}

/// Evaluates the preconditions of a GET or HEAD against its answer.
fn conclude<B: Body<Data = Bytes>>(
    mut parts: Parts,
    body: ResponseBody<B>,
    asked: &Asked,
) -> Response<ResponseBody<B>> {
    let tag = ETag::from_headers(&parts.headers);
    let current = tag.as_ref().map_or(Current::untagged(), Current::of);
    let current = current.with_seconds(date::read(&parts.headers, &LAST_MODIFIED));
    // What is left to decide is the same for both methods.
    let decision = evaluate(&Method::HEAD, &asked.preconditions, current);
    if decision == Decision::NotModified {
        headers::without_content(&mut parts.headers);
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, ResponseBody::none());
    }
    match Rejection::of(decision, &Method::HEAD, current) {
        Some(rejection) => refuse(rejection, &asked.config),
        None => Response::from_parts(parts, body),
    }
}

/// The answer to a request that is not performed.
pub(crate) fn refuse<B: Body>(rejection: Rejection, config: &Config) -> Response<ResponseBody<B>> {
    let mut response = (config.responder)(&rejection);
    if rejection.kind() == RejectionKind::Required {
        // RFC 6585, section 3, whoever has made the answer.
        let never = HeaderValue::from_static("no-store");
        response.headers_mut().entry(CACHE_CONTROL).or_insert(never);
    }
    response.extensions_mut().insert(rejection);
    response.map(ResponseBody::full)
}
