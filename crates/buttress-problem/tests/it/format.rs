//! Choosing a format and answering in it.

use buttress_problem::{Format, Problem};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, VARY},
};

fn accept(lines: &[&str]) -> HeaderMap {
    lines
        .iter()
        .map(|line| (ACCEPT, HeaderValue::from_str(line).unwrap()))
        .collect()
}

fn vary(response: &Response<Bytes>) -> Vec<&str> {
    let lines = response.headers().get_all(VARY).iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

/// What a client wishes that gets JSON, whatever is compiled in.
const JSON: &[&[&str]] = &[
    &[],
    &[""],
    &["*/*"],
    &["application/json"],
    &["application/problem+json;q=0.1, application/json"],
    &["text/html"],
    &["text/plain"],
    &["application/*;q=0"],
    &["*/*;q=0"],
    &["application/problem+json;q=0"],
    // Malformed.
    &["garbage"],
    &["application/problem+xml;q=2"],
    &["application/problem+xml;q"],
    &["application/problem+xml;q=0.1234"],
    &["*/problem+xml"],
    &["application/problem+xml xml"],
    &[",,,;;=,\"", "/"],
    // A tie, and JSON preferred.
    &["application/problem+xml, application/problem+json"],
    &["application/problem+xml, */*"],
    &["application/problem+xml;q=0.5", "application/json;q=0.501"],
    &["application/problem+xml;q=0.9, application/problem+json;q=0.1, application/json"],
    &["application/*+xml, application/*+json"],
    // XML is refused.
    &["application/problem+xml;q=0"],
    &["application/problem+xml;q=0, application/*"],
    // What browsers send.
    &["text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"],
    &["application/xml, application/json;q=0.1"],
    // The last three bytes of a range are hidden in a quoted string.
    &["application/json;x=\"a,application/problem+xml\";q=0.4"],
];

#[test]
fn json_is_the_default_and_the_fallback() {
    for lines in JSON {
        assert_eq!(Format::negotiate(&accept(lines)), Format::Json, "{lines:?}");
    }
    let opaque = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_bytes(b"\xff/\xfe").unwrap())]);
    assert_eq!(Format::negotiate(&opaque), Format::Json);
}

#[test]
fn every_wish_gets_one_readable_document() {
    for lines in JSON {
        let format = Format::negotiate(&accept(lines));
        let response: Response<Bytes> =
            Problem::new(StatusCode::NOT_ACCEPTABLE).into_response_as(format);
        assert_eq!(response.status(), 406);
        assert_eq!(response.headers().get_all(CONTENT_TYPE).iter().count(), 1);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(vary(&response), ["accept"]);
        let document: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(document["status"], 406);
    }
}

#[test]
fn vary_is_added_to_what_it_says() {
    for (before, after) in [
        (&[][..], &["accept"][..]),
        (&["origin"], &["origin", "accept"]),
        (&["accept-encoding"], &["accept-encoding", "accept"]),
        (&["Origin , ACCEPT"], &["Origin , ACCEPT"]),
        (&["origin", "accept"], &["origin", "accept"]),
        (&["*"], &["*"]),
    ] {
        let problem = before
            .iter()
            .fold(Problem::new(StatusCode::NOT_FOUND), |problem, line| {
                problem.with_header(VARY, HeaderValue::from_static(line))
            });
        let response = problem.into_response_as(Format::Json);
        assert_eq!(vary(&response), after);
    }
}

#[test]
fn json_by_negotiation_is_json_without() {
    let problem = Problem::new(StatusCode::GONE).with_detail("sold in 1999");
    let plain: Response<Bytes> = problem.clone().into();
    let negotiated: Response<Bytes> = problem.into_response_as(Format::default());
    assert_eq!(plain.body(), negotiated.body());
    assert_eq!(plain.headers().get(VARY), None);
    assert!(Problem::in_extensions(negotiated.extensions()).is_some());
}
