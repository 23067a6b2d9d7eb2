//! What the layer does with a request before it is handled, and with the answer.

use std::task::Context;

use bytes::Bytes;
use http::{
    HeaderMap, Method, Response, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_RANGE, LAST_MODIFIED,
        RANGE,
    },
    response::Parts,
};
use http_body::Body;
use sha2::{Digest, Sha256};

use crate::{
    Condition, Current, Decision, ETag, Rejection, ResponseBody, date, encoding, evaluate, headers,
    layer::Config,
    require::is_conditional,
    tags::{self, Form},
};

/// What is remembered of a GET or HEAD until its answer is there.
#[derive(Debug)]
pub(crate) struct Asked {
    is_head: bool,
    preconditions: HeaderMap,
}

/// Looks at a request. What comes back is remembered until its answer is there: nothing when the
/// method is neither GET nor HEAD.
///
/// # Errors
///
/// When the request is not to be handled.
pub(crate) fn before(
    method: &Method,
    headers: &mut HeaderMap,
    config: &Config,
) -> Result<Option<Asked>, Rejection> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(Some(before_reading(method, headers, config)));
    }
    if config.require.covers(method) {
        require(method, headers)?;
    }
    encoding::add_bases(headers, &encoding::OF_CHANGES);
    Ok(None)
}

fn before_reading(method: &Method, headers: &mut HeaderMap, config: &Config) -> Asked {
    let preconditions = headers::preconditions(headers);
    if !preconditions.is_empty() {
        encoding::add_bases(headers, &[IF_MATCH]);
        // The handler does not know the tag that its answer will have.
        if !config.ranges_by_handler && preconditions.contains_key(IF_RANGE) {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
    }
    Asked {
        is_head: *method == Method::HEAD,
        preconditions,
    }
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
    response: Response<B>,
    asked: Option<&Asked>,
    config: &Config,
    cx: &mut Context<'_>,
) -> Response<ResponseBody<B>> {
    if !response.status().is_success() {
        return response.map(ResponseBody::inner);
    }
    let (mut parts, body) = response.into_parts();
    encoding::rename_tag(&mut parts.headers);
    let Some(asked) = asked else {
        return Response::from_parts(parts, ResponseBody::inner(body));
    };
    headers::vary_by(&mut parts.headers, &config.vary);
    let body = tagged(&mut parts, body, asked, config, cx);
    if asked.preconditions.is_empty() {
        return Response::from_parts(parts, body);
    }
    conclude(parts, body, asked, config)
}

/// Gives the answer a tag if it can be had, and has none.
fn tagged<B: Body<Data = Bytes>>(
    parts: &mut Parts,
    body: B,
    asked: &Asked,
    config: &Config,
    cx: &mut Context<'_>,
) -> ResponseBody<B> {
    let wanted = config.max_content > 0
        && parts.status == StatusCode::OK
        && !parts.headers.contains_key(ETAG)
        // The answer to a HEAD may have lost its content on the way here.
        && !(asked.is_head && body.is_end_stream())
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
    let (body, whole) =
        ResponseBody::look_into(body, config.max_content, cx, |data| digest.update(data));
    if whole {
        parts.headers.insert(ETAG, ETag::from_digest(digest).into());
    }
    body
}

/// Evaluates the preconditions of a GET or HEAD against its answer.
fn conclude<B: Body<Data = Bytes>>(
    mut parts: Parts,
    body: ResponseBody<B>,
    asked: &Asked,
    config: &Config,
) -> Response<ResponseBody<B>> {
    let tag = ETag::from_headers(&parts.headers);
    let current = tag.as_ref().map_or(Current::untagged(), Current::of);
    let current = current.with_seconds(date::read(&parts.headers, &LAST_MODIFIED));
    // What is left to decide is the same for both methods.
    let decision = evaluate(&Method::HEAD, &asked.preconditions, current);
    if decision == Decision::NotModified {
        headers::without_content(&mut parts.headers);
        parts.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(parts, ResponseBody::full(Bytes::new()));
    }
    match Rejection::of(decision, &Method::HEAD, current) {
        Some(rejection) => refuse(rejection, config),
        None => Response::from_parts(parts, body),
    }
}

/// The answer to a request that is not performed.
pub(crate) fn refuse<B: Body>(rejection: Rejection, config: &Config) -> Response<ResponseBody<B>> {
    let mut response = (config.responder)(&rejection);
    response.extensions_mut().insert(rejection);
    response.map(ResponseBody::full)
}
