//! `buttress-problem` beside its peers and its floors.
//!
//! Every group has one function whose name begins with `floor`: the least that could do the job.

use std::{convert::Infallible, hint::black_box};

use buttress_benches::{Bare, Interleaved, call, parsed_head};
use buttress_problem::{Problem, ProblemLayer, ProblemType, ToProblem, UriReference};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, StatusCode};
use serde::Serialize;
use tower_layer::Layer;

const TYPE: &str = "https://errors.example.com/out-of-credit";
const TITLE: &str = "You do not have enough credit.";
const CODE: &str = "OUT_OF_CREDIT";
const OUT_OF_CREDIT: ProblemType = ProblemType::new(StatusCode::FORBIDDEN, CODE)
    .with_type(TYPE)
    .with_title(TITLE);

/// What is only known at run time. Every contender has to make the texts its own.
struct Occurrence {
    detail: &'static str,
    instance: &'static str,
    request_id: &'static str,
}

fn occurrence() -> Occurrence {
    black_box(Occurrence {
        detail: "Your current balance is 30, but that costs 50.",
        instance: "/account/12345/msgs/abc",
        request_id: "01JD9Q5V7ZK3N8X2M4T6W8Y0AB",
    })
}

/// The same members as a plain struct: what a serialiser alone costs.
#[derive(Serialize)]
struct Plain<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

fn plain(occurrence: &Occurrence) -> Plain<'_> {
    Plain {
        r#type: TYPE,
        title: TITLE,
        status: 403,
        detail: occurrence.detail,
        instance: occurrence.instance,
        code: CODE,
        request_id: occurrence.request_id,
    }
}

fn ours(occurrence: &Occurrence) -> Problem {
    Problem::of(OUT_OF_CREDIT)
        .with_detail(occurrence.detail.to_owned())
        .with_instance(UriReference::parse(occurrence.instance.to_owned()).expect("a reference"))
        .with_extension("requestId", occurrence.request_id)
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[problem(base = "https://errors.example.com/")]
enum CreditError {
    #[error("Your current balance is {balance}, but that costs {costs}.")]
    #[problem(status = FORBIDDEN, type = "out-of-credit", title = "You do not have enough credit.")]
    OutOfCredit {
        #[problem(extension)]
        balance: u32,
        costs: u32,
    },
}

fn build_and_serialise(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("problem: build and serialise");
    group.bench_function("floor: serde_json of a plain struct", |bencher| {
        bencher.iter(|| serde_json::to_vec(&plain(&occurrence())).expect("JSON"));
    });
    group.bench_function("buttress-problem", |bencher| {
        bencher.iter(|| ours(&occurrence()).to_json());
    });
    #[cfg(feature = "peers")]
    peers::build_and_serialise(&mut group);
    group.finish();
}

fn to_response(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("problem: to a response");
    group.bench_function("floor: serde_json of a plain struct", |bencher| {
        bencher.iter(|| {
            let body = serde_json::to_vec(&plain(&occurrence())).expect("JSON");
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            );
            response
        });
    });
    group.bench_function("buttress-problem", |bencher| {
        bencher.iter(|| Response::<Bytes>::from(ours(&occurrence())));
    });
    #[cfg(feature = "peers")]
    peers::to_response(&mut group);
    group.finish();
}

fn derived(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("problem: from an error");
    let error = || {
        black_box(CreditError::OutOfCredit {
            balance: 30,
            costs: 50,
        })
    };
    group.bench_function("floor: by hand", |bencher| {
        bencher.iter(|| {
            let error = error();
            let CreditError::OutOfCredit { balance, .. } = &error;
            Problem::of(OUT_OF_CREDIT)
                .with_detail(error.to_string())
                .with_extension("balance", balance)
                .to_json()
        });
    });
    group.bench_function("buttress-problem derive", |bencher| {
        bencher.iter(|| error().to_problem().to_json());
    });
    group.finish();
}

const REQUEST: &str = "GET /v1/products?limit=20 HTTP/1.1\r\n\
    host: shop.example.com\r\n\
    user-agent: bench/1.0\r\n\
    accept: application/json\r\n\
    x-request-id: 01JD9Q5V7ZK3N8X2M4T6W8Y0AB\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";

/// What a layer that knows the request when the answer comes has to do at the least: clone the
/// URI and the two headers with ids.
fn call_with_clones(
    request: Request<()>,
) -> Result<Response<http_body_util::Empty<Bytes>>, Infallible> {
    let uri = request.uri().clone();
    let request_id = request.headers().get("x-request-id").cloned();
    let trace_parent = request.headers().get("traceparent").cloned();
    let answer = call(&mut Bare, request);
    black_box((uri, request_id, trace_parent));
    answer
}

fn pass_through(criterion: &mut Criterion) {
    let head = parsed_head(REQUEST);
    let request = || Request::from_parts(head.clone(), ());
    let mut layered = ProblemLayer::new().layer(Bare);
    let mut group = Interleaved::new("problem: layer, pass-through of a 200");
    group.add("bare service", request, |it| call(&mut Bare, it));
    group.add(
        "floor: bare service and three clones",
        request,
        call_with_clones,
    );
    group.add("buttress-problem", request, |it| call(&mut layered, it));
    group.bench(criterion);
}

#[cfg(feature = "peers")]
#[path = "problem_peers.rs"]
mod peers;

criterion_group!(
    benches_of_problem,
    build_and_serialise,
    to_response,
    derived,
    pass_through
);
criterion_main!(benches_of_problem);
