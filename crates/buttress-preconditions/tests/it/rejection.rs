//! The problems that refusals become.

use buttress_preconditions::{Condition, ETag, IfMatch, Preconditions, Rejection, RejectionKind};
use buttress_problem::{Problem, ToProblem};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

fn refused(method: Method, name: header::HeaderName, value: &str, current: &ETag) -> Rejection {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_str(value).unwrap());
    Preconditions::new(method, &headers)
        .require(current)
        .unwrap_err()
}

fn document(rejection: &Rejection) -> Value {
    serde_json::from_slice(&rejection.to_problem().to_json()).unwrap()
}

#[test]
fn a_failed_precondition_gives_the_current_tag() {
    let rejection = refused(
        Method::PUT,
        header::IF_MATCH,
        "\"7\"",
        &ETag::from_version(8),
    );
    assert_eq!(rejection.kind(), RejectionKind::Failed);
    assert_eq!(rejection.condition(), Some(Condition::IfMatch));
    assert_eq!(
        document(&rejection),
        json!({
            "type": "about:blank",
            "title": "Precondition Failed",
            "status": 412,
            "detail": "`If-Match` is false: the resource has changed since; read it again and decide anew",
            "code": "PRECONDITION_FAILED",
            "currentEtag": "\"8\"",
        })
    );
    assert_eq!(rejection.to_problem().headers()[header::ETAG], "\"8\"");
}

#[test]
fn without_a_resource_there_is_no_tag() {
    let problem = Rejection::failed(None).to_problem();
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (412, Some("PRECONDITION_FAILED"))
    );
    assert!(!problem.has_extension("currentEtag"));
    assert!(!problem.headers().contains_key(header::ETAG));
}

#[test]
fn a_tag_that_is_no_text_stands_in_the_header_alone() {
    let tag = ETag::new(b"\x80a").unwrap();
    let problem = Rejection::failed(tag.clone()).to_problem();
    assert_eq!(problem.headers()[header::ETAG], tag.to_header_value());
    assert!(!problem.has_extension("currentEtag"));
}

#[test]
fn what_is_there_already_is_not_called_changed() {
    let rejection = refused(
        Method::PUT,
        header::IF_NONE_MATCH,
        "*",
        &ETag::from_version(8),
    );
    assert_eq!(rejection.condition(), Some(Condition::IfNoneMatch));
    assert_eq!(
        rejection.to_string(),
        "`If-None-Match` is false: the resource is there already"
    );
    assert_eq!(document(&rejection)["currentEtag"], "\"8\"");
}

#[test]
fn a_malformed_precondition_is_named() {
    let rejection = refused(Method::PUT, header::IF_MATCH, "8", &ETag::from_version(8));
    let document = document(&rejection);
    assert_eq!(
        (&document["status"], &document["code"]),
        (&json!(400), &json!("INVALID_PRECONDITION"))
    );
    assert_eq!(
        document["errors"],
        json!([{
            "header": "If-Match",
            "detail": "must be `*` or a comma-separated list of entity tags in double quotes, such as \"7\"",
            "code": "SYNTAX",
        }])
    );
    let rejection = refused(
        Method::PUT,
        header::IF_NONE_MATCH,
        "8",
        &ETag::from_version(8),
    );
    assert!(
        rejection.to_string().starts_with("`If-None-Match` must be"),
        "{rejection}"
    );
}

#[test]
fn a_required_precondition_is_explained_and_never_stored() {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::IF_UNMODIFIED_SINCE,
        HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
    );
    let preconditions = Preconditions::new(Method::DELETE, &headers);
    let rejection = preconditions.require(&ETag::from_version(8)).unwrap_err();
    assert_eq!(rejection, IfMatch::from_headers(&headers).unwrap_err());
    let problem = Problem::from(rejection);
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (428, Some("PRECONDITION_REQUIRED"))
    );
    assert!(
        problem
            .detail()
            .unwrap()
            .contains("send `If-Match` with the `ETag`")
    );
    // RFC 6585, section 3.
    assert_eq!(problem.headers()[header::CACHE_CONTROL], "no-store");
    // Without the requirement there is nothing to refuse.
    assert_eq!(preconditions.check(&ETag::from_version(8)), Ok(()));
}

#[test]
fn reading_needs_no_precondition_and_a_304_is_no_refusal() {
    let mut headers = HeaderMap::new();
    let current = ETag::from_version(8);
    assert_eq!(
        Preconditions::new(Method::GET, &headers).require(&current),
        Ok(())
    );
    headers.insert(header::IF_NONE_MATCH, current.to_header_value());
    assert_eq!(
        Preconditions::new(Method::GET, &headers).check(&current),
        Ok(())
    );
}

#[test]
fn the_catalogue_has_what_is_answered() {
    let codes: Vec<_> = Rejection::catalogue()
        .iter()
        .map(|kind| (kind.status().as_u16(), kind.code()))
        .collect();
    assert_eq!(
        codes,
        [
            (400, "INVALID_PRECONDITION"),
            (412, "PRECONDITION_FAILED"),
            (428, "PRECONDITION_REQUIRED")
        ]
    );
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
enum RenameError {
    #[error(transparent)]
    #[problem(transparent)]
    Precondition(#[from] Rejection),
}

#[test]
fn an_error_enum_carries_it_whole() {
    let error = RenameError::from(Rejection::failed(ETag::from_version(8)));
    let problem = Problem::from(error);
    assert_eq!(problem.status(), 412);
    assert_eq!(problem.headers()[header::ETAG], "\"8\"");
}
