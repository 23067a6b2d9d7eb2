//! `buttress-preconditions` beside its peers and its floors.
//!
//! Every group has one function whose name begins with `floor`: the least that could do the job.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
};

use buttress_benches::{Bare, Interleaved, call, parsed_head};
use buttress_preconditions::{Current, Decision, ETag, PreconditionsLayer, evaluate};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
        IF_UNMODIFIED_SINCE, RANGE,
    },
};
use http_body_util::{Empty, Full};
use sha2::{Digest, Sha256};
use tower_layer::Layer;
use tower_service::Service;

const HEADERS: &str = "host: shop.example.com\r\n\
    user-agent: bench/1.0\r\n\
    accept: application/json\r\n\
    x-request-id: 01JD9Q5V7ZK3N8X2M4T6W8Y0AB\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

/// Makes requests as hyper does, whose header fields share one buffer.
fn requests(method: &str, more: &str) -> impl Fn() -> Request<()> + use<> {
    let head = parsed_head(&format!(
        "{method} /v1/products/42 HTTP/1.1\r\n{HEADERS}{more}\r\n"
    ));
    move || Request::from_parts(head.clone(), ())
}

/// What decides on a GET, and on its answer.
static OF_READS: [HeaderName; 6] = [
    IF_MATCH,
    IF_UNMODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_RANGE,
    RANGE,
];
/// What decides on a change, before its handler does.
static OF_CHANGES: [HeaderName; 2] = [IF_MATCH, IF_NONE_MATCH];
static OF_ANSWERS: [HeaderName; 2] = [ETAG, CONTENT_ENCODING];

fn look_up(headers: &HeaderMap, names: &[HeaderName]) {
    for name in names {
        black_box(headers.get(name));
    }
}

/// What a layer has to do at the least to find that it has nothing to do.
fn call_with_lookups(
    request: Request<()>,
    names: &[HeaderName],
) -> Result<Response<Empty<Bytes>>, Infallible> {
    look_up(request.headers(), names);
    let answer = call(&mut Bare, request)?;
    look_up(answer.headers(), &OF_ANSWERS);
    Ok(answer)
}

fn pass_through(criterion: &mut Criterion, group: &str, method: &str, names: &[HeaderName]) {
    let request = requests(method, "");
    let mut layered = PreconditionsLayer::new().with_max_content(0).layer(Bare);
    let mut group = Interleaved::new(group);
    group.add("bare service", &request, |it| call(&mut Bare, it));
    group.add("floor: bare service and lookups", &request, |it| {
        call_with_lookups(it, names)
    });
    group.add("buttress-preconditions", &request, |it| {
        call(&mut layered, it)
    });
    group.bench(criterion);
}

fn pass_through_of_reads(criterion: &mut Criterion) {
    let group = "preconditions: layer, pass-through without ETag";
    pass_through(criterion, group, "GET", &OF_READS);
}

fn pass_through_of_changes(criterion: &mut Criterion) {
    let group = "preconditions: layer, pass-through of a POST";
    pass_through(criterion, group, "POST", &OF_CHANGES);
}

/// What the service answers with, and what is hashed where it has no tag: 1 KiB.
static CONTENT: [u8; 1024] = [b'7'; 1024];

/// Answers with a JSON document, as a handler does.
#[derive(Clone)]
struct Document {
    etag: Option<HeaderValue>,
}

impl Document {
    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(&CONTENT)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(etag) = &self.etag {
            headers.insert(ETAG, etag.clone());
        }
        response
    }
}

impl Service<Request<()>> for Document {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(self.response()))
    }
}

fn not_modified(etag: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag);
    response
}

fn expect_304<B>(answer: Result<Response<B>, Infallible>) -> Response<B> {
    let Ok(answer) = answer;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    answer
}

/// The condition as a handler would evaluate it that knows its only client.
fn names(request: &Request<()>, etag: &[u8]) -> bool {
    let value = request.headers().get(IF_NONE_MATCH);
    value.is_some_and(|value| value.as_bytes() == etag)
}

fn answer_304(criterion: &mut Criterion) {
    let etag = ETag::from_version(7).to_header_value();
    let request = requests("GET", "if-none-match: \"7\"\r\n");
    let document = Document {
        etag: Some(etag.clone()),
    };
    let mut bare = document.clone();
    let mut layered = PreconditionsLayer::new().layer(document.clone());

    let mut group = Interleaved::new("preconditions: layer, 304");
    group.add("bare service: the 200", &request, |it| call(&mut bare, it));
    group.add("floor: by hand, in place of the 200", &request, |it| {
        let tag = black_box(&etag);
        match names(&it, tag.as_bytes()) {
            true => expect_304(Ok(not_modified(tag.clone()))),
            false => document.response(),
        }
    });
    group.add("buttress-preconditions, after the 200", &request, |it| {
        expect_304(call(&mut layered, it))
    });
    #[cfg(feature = "peers")]
    peers::answer_304(&mut group, &request, &document);
    group.bench(criterion);
}

/// The tag that the layer makes, made anew: without the layer's own code, there is no `ETag` type,
/// no body to poll, and no header of the answer that is a part of the hash.
fn hashed(content: &[u8]) -> HeaderValue {
    let mut text = Vec::with_capacity(34);
    text.push(b'"');
    for byte in &Sha256::digest(content)[..16] {
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(b"0123456789abcdef"[usize::from(nibble)]);
        }
    }
    text.push(b'"');
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("hexadecimal")
}

fn answer_304_by_hash(criterion: &mut Criterion) {
    let document = Document { etag: None };
    let mut layered = PreconditionsLayer::new().layer(document.clone());
    let Ok(first) = call(&mut layered, requests("GET", "")());
    let of_the_layer = first.headers()[ETAG].to_str().expect("ASCII").to_owned();
    let request = |tag: &str| requests("GET", &format!("if-none-match: {tag}\r\n"));
    let by_hand = request(hashed(&CONTENT).to_str().expect("ASCII"));
    let by_layer = request(&of_the_layer);

    let mut group = Interleaved::new("preconditions: layer, 304 by hash");
    group.add("floor: by hand, in place of the 200", &by_hand, |it| {
        let tag = hashed(black_box(&CONTENT));
        match names(&it, tag.as_bytes()) {
            true => expect_304(Ok(not_modified(tag))),
            false => document.response(),
        }
    });
    group.add("buttress-preconditions, after the 200", &by_layer, |it| {
        expect_304(call(&mut layered, it))
    });
    group.bench(criterion);
}

/// Whether a list names the tag. It knows neither commas within tags nor weak ones.
fn splits(headers: &HeaderMap, tag: &ETag) -> bool {
    let tag = tag.to_header_value();
    let value = headers.get(IF_MATCH).map_or(&b""[..], |it| it.as_bytes());
    value
        .split(|byte| *byte == b',')
        .any(|member| member.trim_ascii() == tag.as_bytes())
}

fn evaluate_if_match(criterion: &mut Criterion, group: &str, tags: usize) {
    let list: Vec<String> = (8 - tags..8).map(|tag| format!("\"{tag}\"")).collect();
    let head = requests("PATCH", &format!("if-match: {}\r\n", list.join(", ")))();
    let headers = || black_box(head.headers());
    let current = ETag::from_version(7);

    let mut group = Interleaved::new(group);
    group.add("floor: split by comma", headers, |it| {
        assert!(splits(it, black_box(&current)));
    });
    group.add("buttress-preconditions", headers, |it| {
        let decision = evaluate(&Method::PATCH, it, Current::of(black_box(&current)));
        assert!(matches!(decision, Decision::Proceed { .. }));
    });
    #[cfg(feature = "peers")]
    peers::evaluate_if_match(&mut group, headers, &current);
    group.bench(criterion);
}

fn evaluate_one(criterion: &mut Criterion) {
    evaluate_if_match(criterion, "preconditions: evaluate, If-Match of 1 tag", 1);
}

fn evaluate_eight(criterion: &mut Criterion) {
    evaluate_if_match(criterion, "preconditions: evaluate, If-Match of 8 tags", 8);
}

#[cfg(feature = "peers")]
#[path = "preconditions_peers.rs"]
mod peers;

criterion_group!(
    benches_of_preconditions,
    pass_through_of_reads,
    pass_through_of_changes,
    answer_304,
    answer_304_by_hash,
    evaluate_one,
    evaluate_eight
);
criterion_main!(benches_of_preconditions);
