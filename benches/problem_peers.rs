//! The peers, each used as its own documentation shows.

use bytes::Bytes;
use criterion::{BenchmarkGroup, measurement::WallTime};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::{CODE, Occurrence, TITLE, TYPE, occurrence};

#[derive(Serialize)]
struct Extensions {
    code: String,
    #[serde(rename = "requestId")]
    request_id: String,
}

fn problem_details(occurrence: &Occurrence) -> problem_details::ProblemDetails<Extensions> {
    problem_details::ProblemDetails::new()
        .with_type(http::Uri::from_static(TYPE))
        .with_status(StatusCode::FORBIDDEN)
        .with_title(TITLE)
        .with_detail(occurrence.detail)
        .with_instance(occurrence.instance.parse::<http::Uri>().expect("a URI"))
        .with_extensions(Extensions {
            code: CODE.to_owned(),
            request_id: occurrence.request_id.to_owned(),
        })
}

fn http_api_problem(occurrence: &Occurrence) -> http_api_problem::HttpApiProblem {
    http_api_problem::HttpApiProblem::new(StatusCode::FORBIDDEN)
        .type_url(TYPE)
        .title(TITLE)
        .detail(occurrence.detail)
        .instance(occurrence.instance)
        .value("code", &CODE)
        .value("requestId", &occurrence.request_id)
}

fn problemdetails(occurrence: &Occurrence) -> problemdetails::Problem {
    problemdetails::new(StatusCode::FORBIDDEN)
        .with_type(TYPE)
        .with_title(TITLE)
        .with_detail(occurrence.detail)
        .with_instance(occurrence.instance)
        .with_value("code", CODE)
        .with_value("requestId", occurrence.request_id)
}

pub(super) fn build_and_serialise(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.bench_function("problem_details 0.11", |bencher| {
        bencher.iter(|| serde_json::to_vec(&problem_details(&occurrence())).expect("JSON"));
    });
    group.bench_function("http-api-problem 0.60", |bencher| {
        bencher.iter(|| http_api_problem(&occurrence()).json_bytes());
    });
    group.bench_function("problemdetails 0.7", |bencher| {
        bencher.iter(|| serde_json::to_vec(&problemdetails(&occurrence()).body).expect("JSON"));
    });
}

/// Their own conversions answer with the body of one framework each, so the response is made
/// around their documents in the same way for all.
pub(super) fn to_response(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.bench_function("problem_details 0.11", |bencher| {
        bencher.iter(|| {
            let body = serde_json::to_vec(&problem_details(&occurrence())).expect("JSON");
            response(body)
        });
    });
    group.bench_function("http-api-problem 0.60", |bencher| {
        bencher.iter(|| response(http_api_problem(&occurrence()).json_bytes()));
    });
    group.bench_function("problemdetails 0.7", |bencher| {
        bencher.iter(|| {
            let body = serde_json::to_vec(&problemdetails(&occurrence()).body).expect("JSON");
            response(body)
        });
    });
}

fn response(body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
