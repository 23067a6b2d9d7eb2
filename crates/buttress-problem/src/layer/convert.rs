//! What the layer does with an answer: the one place that decides what is converted.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Context,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE},
    response::Parts,
};
use http_body::Body;

use super::{
    Occurrence, ResponseBody,
    body::Text,
    future::panic_text,
    occurrence::Seen,
    problem_layer::{Config, Hook},
};
use crate::{
    Format, Problem, UriReference,
    cause::Cause,
    headers::{self, MediaType},
    response::{Carried, Held},
    status,
};

pub(super) fn response<B: Body<Data = Bytes>>(
    mut response: Response<B>,
    seen: &Seen,
    config: &Config,
    cx: &mut Context<'_>,
) -> Response<ResponseBody<B>> {
    let status = response.status();
    let is_error = status::is_error(status);
    // Nearly every answer ends here. One that is no error can still carry a problem, when somebody
    // has changed the status line.
    if !is_error && response.extensions().is_empty() {
        return response.map(ResponseBody::inner);
    }
    if let Some(carried) = response.extensions_mut().remove::<Carried>() {
        return complete(response, carried, seen, config);
    }
    if !is_error {
        return response.map(ResponseBody::inner);
    }
    let empty = response.body().is_end_stream() || response.body().size_hint().exact() == Some(0);
    match plan(status, response.headers(), seen.is_head(), empty) {
        Plan::Pass => response.map(ResponseBody::inner),
        Plan::Replace => {
            let (head, _) = response.into_parts();
            finish(head, Problem::new(status), None, seen, config)
        }
        Plan::Read => {
            let (head, body) = response.into_parts();
            let problem = match Text::read(body, config.max_text, cx) {
                Text::Whole(text) => of_text(status, text),
                Text::Failed => Problem::new(status).with_source("the body of the answer failed"),
                Text::Open(_) if status.is_server_error() => Problem::new(status)
                    .with_source("a text that is too long, too slow or not UTF-8"),
                Text::Open(body) => return Response::from_parts(head, body),
            };
            finish(head, problem, None, seen, config)
        }
    }
}

/// The answer to a panic, which has no response of its own.
pub(super) fn panic<B: Body<Data = Bytes>>(
    text: &str,
    seen: &Seen,
    config: &Config,
) -> Response<ResponseBody<B>> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = StatusCode::INTERNAL_SERVER_ERROR;
    let problem = Problem::new(head.status).with_source(text);
    finish(head, problem, None, seen, config)
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Pass,
    Replace,
    Read,
}

fn plan(status: StatusCode, headers: &HeaderMap, head: bool, empty: bool) -> Plan {
    let media_type = MediaType::of(headers);
    if head || media_type == MediaType::Grpc {
        return Plan::Pass;
    }
    if empty {
        return Plan::Replace;
    }
    let encoded = headers.contains_key(CONTENT_ENCODING);
    match media_type {
        MediaType::None | MediaType::Text if !encoded => Plan::Read,
        MediaType::Untyped if status.is_server_error() && !encoded => Plan::Read,
        // It cannot be read, and what a server error says is not for the client.
        MediaType::None | MediaType::Text | MediaType::Untyped if status.is_server_error() => {
            Plan::Replace
        }
        _ => Plan::Pass,
    }
}

/// A client's mistake may be explained to the client, as the framework wanted to; a server's is
/// for the log.
fn of_text(status: StatusCode, text: String) -> Problem {
    let problem = Problem::new(status);
    if text.trim().is_empty() {
        problem
    } else if status.is_server_error() {
        problem.with_source(text)
    } else {
        problem.with_detail(text)
    }
}

/// Completes a problem that the inner service answered with. Where another middleware has made
/// something else of it meanwhile, the answer stays as it is, and the cause is logged all the same.
fn complete<B: Body<Data = Bytes>>(
    response: Response<B>,
    carried: Carried,
    seen: &Seen,
    config: &Config,
) -> Response<ResponseBody<B>> {
    let headers = response.headers();
    let is_ours = headers.get(CONTENT_TYPE).and_then(Format::of).is_some()
        && !headers.contains_key(CONTENT_ENCODING);
    if is_ours && !seen.is_head() {
        let (head, _) = response.into_parts();
        let Carried { problem, cause } = carried;
        let mut problem = problem.into_owned();
        // The texts stay, and so does their language.
        for language in head.headers.get_all(CONTENT_LANGUAGE) {
            problem
                .headers_mut()
                .append(CONTENT_LANGUAGE, language.clone());
        }
        return finish(head, problem, cause, seen, config);
    }
    if let Some(cause) = &carried.cause {
        cause.log(seen.occurrence(headers.get(&config.request_id)).ids());
    }
    let mut response = response.map(ResponseBody::inner);
    response.extensions_mut().insert(carried);
    response
}

/// Everything that becomes a problem ends here: the ids, the hook, the log, the headers.
fn finish<B: Body<Data = Bytes>>(
    mut head: Parts,
    mut problem: Problem,
    cause: Option<Arc<Cause>>,
    seen: &Seen,
    config: &Config,
) -> Response<ResponseBody<B>> {
    let cause = cause.or_else(|| Cause::of(&problem).map(Arc::new));
    let request_id = head.headers.get(&config.request_id).cloned();
    let occurrence = seen.occurrence(request_id.as_ref());
    // Somebody further in may have changed the status line; the two must agree (RFC 9457,
    // section 3.1.2).
    problem.set_status(head.status);
    identify(&mut problem, &occurrence);
    let asked = seen.format();
    let format = format(&head.headers, asked);
    headers::remove_representation(&mut head.headers, head.status);
    for (name, value) in problem.headers() {
        head.headers.append(name, value.clone());
    }
    // The hook finds them at the problem, where it can take one away or put another in its place.
    *problem.headers_mut() = head.headers;
    if let Some(hook) = &config.hook {
        problem = apply(hook, problem, &occurrence);
    }
    if let Some(cause) = &cause {
        cause.log(occurrence.ids());
    }

    head.headers = std::mem::take(problem.headers_mut());
    headers::remove_framing(&mut head.headers);
    if asked.is_some() {
        headers::vary_by_accept(&mut head.headers);
    }
    head.status = problem.status();
    let body = if status::has_no_content(head.status) {
        Bytes::new()
    } else {
        let body = format.render(&problem);
        let length = HeaderValue::from(body.len());
        head.headers.insert(CONTENT_TYPE, format.content_type());
        head.headers.insert(CONTENT_LENGTH, length);
        body
    };
    let problem = Held::Owned(problem);
    head.extensions.insert(Carried { problem, cause });
    Response::from_parts(head, ResponseBody::full(body))
}

/// A handler that has answered in another format than the default had its reasons; else the client
/// may choose.
fn format(headers: &HeaderMap, asked: Option<Format>) -> Format {
    let chosen = headers.get(CONTENT_TYPE).and_then(Format::of);
    chosen
        .filter(|format| *format != Format::default())
        .or(asked)
        .unwrap_or_default()
}

fn identify(problem: &mut Problem, occurrence: &Occurrence<'_>) {
    if problem.instance().is_none() && !occurrence.path().is_empty() {
        problem.set_instance(UriReference::from_path(occurrence.path()));
    }
    let ids = [
        (headers::REQUEST_ID_MEMBER, occurrence.request_id()),
        (headers::TRACE_ID_MEMBER, occurrence.trace_id()),
    ];
    for (name, id) in ids {
        if let Some(id) = id
            && !problem.has_extension(name)
        {
            problem.set_extension(name, id);
        }
    }
}

/// A hook that panics must not cost the client its answer, nor leave half a change in it.
fn apply(hook: &Hook, before: Problem, occurrence: &Occurrence<'_>) -> Problem {
    let mut problem = before.clone();
    match catch_unwind(AssertUnwindSafe(|| hook(&mut problem, occurrence))) {
        Ok(()) => problem,
        Err(payload) => {
            let text = panic_text(&*payload);
            tracing::error!(error = text, "the hook of a problem layer failed");
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, SET_COOKIE};

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_plan_for_an_answer() {
        let text = headers(&[(CONTENT_TYPE, "Text/Plain; charset=utf-8")]);
        let gzip = headers(&[(CONTENT_TYPE, "text/plain"), (CONTENT_ENCODING, "gzip")]);
        let json = headers(&[(CONTENT_TYPE, "application/json")]);
        let grpc = headers(&[(CONTENT_TYPE, "application/grpc+proto")]);
        let none = headers(&[(SET_COOKIE, "a=b")]);
        let cases = [
            (404, &none, false, true, Plan::Replace),
            (404, &none, true, true, Plan::Pass),
            (404, &json, false, true, Plan::Replace),
            (404, &json, false, false, Plan::Pass),
            (404, &grpc, false, true, Plan::Pass),
            (400, &text, false, false, Plan::Read),
            (400, &none, false, false, Plan::Read),
            (500, &text, false, false, Plan::Read),
            (400, &gzip, false, false, Plan::Pass),
            (500, &gzip, false, false, Plan::Replace),
            (500, &json, false, false, Plan::Pass),
        ];
        for (status, headers, head, empty, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                plan(status, headers, head, empty),
                expected,
                "{status} {headers:?} HEAD={head} empty={empty}"
            );
        }
    }
}
