//! What the layer does with preconditions.

use std::{
    convert::Infallible,
    future::ready,
    sync::atomic::{AtomicUsize, Ordering},
};

use ::http::{Method, Request, Response, StatusCode, header};
use buttress_preconditions::{
    Condition, ETag, PreconditionsLayer, Rejection, RejectionKind, Require,
};
use buttress_problem::Problem;
use buttress_testkit::http::{self, Answer};
use bytes::Bytes;
use http_body_util::Full;
use tower::{Layer, ServiceBuilder, service_fn};

use crate::support::answers;

const DATED: &[(&str, &str)] = &[
    ("etag", "\"7\""),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("content-type", "application/json"),
];

async fn get(status: u16, fields: &'static [(&str, &str)], condition: (&str, &str)) -> Answer {
    let service = PreconditionsLayer::new().layer(answers(status, fields, "content"));
    http::get("/")
        .header(condition.0, condition.1)
        .call(service)
        .await
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    for condition in [
        ("if-none-match", "\"7\""),
        ("if-none-match", "W/\"7\""),
        ("if-none-match", "\"6\", \"7\""),
        ("if-none-match", "*"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:38 GMT"),
    ] {
        let answer = get(200, DATED, condition).await.expect_status(304);
        assert_eq!(answer.header("etag"), Some("\"7\""), "{condition:?}");
        assert!(answer.bytes().is_empty());
    }
    for condition in [
        ("if-none-match", "\"6\""),
        ("if-none-match", "7"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT"),
        ("if-modified-since", "soon"),
        ("x-none", "\"7\""),
    ] {
        let answer = get(200, DATED, condition).await.expect_status(200);
        assert_eq!(answer.text(), "content", "{condition:?}");
    }
}

#[tokio::test]
async fn a_304_keeps_what_a_cache_needs_and_drops_what_describes_the_content() {
    const FIELDS: &[(&str, &str)] = &[
        ("etag", "\"7\""),
        ("cache-control", "max-age=60"),
        ("content-location", "/v1/things/1"),
        ("date", "Sun, 06 Nov 1994 08:49:38 GMT"),
        ("expires", "Sun, 06 Nov 1994 08:50:37 GMT"),
        ("vary", "accept"),
        ("vary", "accept-encoding"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("access-control-allow-origin", "*"),
        ("x-request-id", "id-1"),
        ("link", "</next>; rel=next"),
        // From here on it is about the content.
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("content-encoding", "identity"),
        ("content-language", "de"),
        ("content-range", "bytes 0-6/7"),
        ("content-digest", "sha-256=:x:"),
        ("repr-digest", "sha-256=:x:"),
        ("digest", "x"),
        ("content-md5", "x"),
        ("trailer", "x-sum"),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    let answer = get(200, FIELDS, ("if-none-match", "\"7\""))
        .await
        .expect_status(304);
    let left: Vec<(&str, &str)> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(left, FIELDS[..12].to_vec());

    // Without a tag, the date is what the client will ask with.
    let service =
        PreconditionsLayer::new()
            .with_max_content(0)
            .layer(answers(200, &FIELDS[12..], "content"));
    let answer = http::get("/")
        .header("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")
        .call(service)
        .await
        .expect_status(304);
    let left: Vec<&str> = answer
        .headers()
        .keys()
        .map(header::HeaderName::as_str)
        .collect();
    assert_eq!(left, ["last-modified"]);
}

#[tokio::test]
async fn a_304_of_its_own_is_left_as_it_is() {
    let answer = get(304, DATED, ("if-none-match", "\"8\""))
        .await
        .expect_status(304);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

/// RFC 9110, section 13.2.1.
#[tokio::test]
async fn preconditions_of_what_fails_anyway_are_ignored() {
    for status in [301, 304, 401, 403, 404, 409, 412, 422, 500, 503] {
        for condition in [
            ("if-none-match", "\"7\""),
            ("if-none-match", "*"),
            ("if-match", "\"6\""),
            ("if-match", "7"),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ] {
            let answer = get(status, DATED, condition).await.expect_status(status);
            assert_eq!(answer.header("etag"), Some("\"7\""));
        }
    }
}

#[tokio::test]
async fn a_false_condition_of_a_get_is_a_problem_with_the_current_tag() {
    for condition in [
        ("if-match", "\"6\""),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT"),
    ] {
        let answer = get(200, DATED, condition).await.expect_status(412);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.header("etag"), Some("\"7\""));
        assert_eq!(answer.json()["currentEtag"], "\"7\"");
        assert_eq!(answer.json()["code"], "PRECONDITION_FAILED");
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Failed);
        assert_eq!(rejection.current(), Some(&ETag::from_version(7)));
    }
    let answer = get(200, DATED, ("if-match", "7")).await.expect_status(400);
    assert_eq!(answer.json()["errors"][0]["header"], "If-Match");
    get(200, DATED, ("if-match", "\"6\", \"7\""))
        .await
        .expect_status(200);
    // A part of the representation is a success as well.
    get(206, DATED, ("if-none-match", "\"7\""))
        .await
        .expect_status(304);
}

#[tokio::test]
async fn head_is_answered_as_get_is() {
    let service = PreconditionsLayer::new().layer(answers(200, DATED, ""));
    let head = |name: &'static str, value: &'static str| {
        http::request(Method::HEAD, "/")
            .header(name, value)
            .call(service.clone())
    };
    head("if-none-match", "\"7\"").await.expect_status(304);
    head("if-none-match", "\"6\"").await.expect_status(200);
    head("if-match", "\"6\"").await.expect_status(412);
}

#[tokio::test]
async fn changes_are_evaluated_by_their_handlers() {
    let service = PreconditionsLayer::new().layer(answers(200, DATED, "content"));
    for method in [
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::POST,
        Method::OPTIONS,
    ] {
        for (name, value) in [
            ("if-match", "\"6\""),
            ("if-none-match", "\"7\""),
            ("if-match", "7"),
        ] {
            let answer = http::request(method.clone(), "/").header(name, value);
            let answer = answer.call(service.clone()).await.expect_status(200);
            assert_eq!(answer.text(), "content", "{method} {name}: {value}");
        }
    }
}

/// Calls a service that counts its calls.
async fn call(
    layer: &PreconditionsLayer,
    method: Method,
    fields: &[(&str, &str)],
    calls: &AtomicUsize,
) -> Answer {
    let service = layer.layer(service_fn(|_: Request<Full<Bytes>>| {
        calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    }));
    let mut request = http::request(method, "/");
    for (name, value) in fields {
        request = request.header(name, *value);
    }
    request.call(service).await
}

#[tokio::test]
async fn a_change_without_a_condition_is_refused_before_it_is_handled() {
    let calls = AtomicUsize::new(0);
    let changes = PreconditionsLayer::new().with_required(Require::changes());
    let call = |layer, method, fields| call(layer, method, fields, &calls);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for fields in [
            &[] as &[_],
            &[("if-none-match", "\"7\"")],
            &[("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT")],
        ] {
            let answer = call(&changes, method.clone(), fields)
                .await
                .expect_status(428);
            assert_eq!(answer.json()["code"], "PRECONDITION_REQUIRED");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let rejection = answer.extension::<Rejection>().unwrap();
            assert_eq!(rejection.kind(), RejectionKind::Required);
            // Only a PUT can create.
            let advice = rejection.to_string().contains("If-None-Match: *");
            assert_eq!(advice, method == Method::PUT);
        }
        let answer = call(&changes, method.clone(), &[("if-match", "7")])
            .await
            .expect_status(400);
        assert_eq!(answer.json()["code"], "INVALID_PRECONDITION");
        let both = &[("if-match", "\"7\""), ("if-none-match", "7")];
        let answer = call(&changes, method.clone(), both)
            .await
            .expect_status(400);
        let rejection = answer.extension::<Rejection>().unwrap();
        assert_eq!(rejection.condition(), Some(Condition::IfNoneMatch));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);

    for (method, fields) in [
        (Method::PUT, &[("if-match", "\"7\"")] as &[_]),
        (Method::PUT, &[("if-match", "*")]),
        (Method::PUT, &[("if-none-match", "*")]),
        (Method::POST, &[]),
        (Method::GET, &[]),
        (Method::HEAD, &[]),
        (Method::OPTIONS, &[]),
    ] {
        call(&changes, method, fields).await.expect_status(200);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 7);

    let all = PreconditionsLayer::new().with_required(Require::all_unsafe());
    call(&all, Method::POST, &[]).await.expect_status(428);
    call(&PreconditionsLayer::new(), Method::DELETE, &[])
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_responder_makes_other_refusals() {
    let layer = PreconditionsLayer::new()
        .with_required(Require::changes())
        .with_responder(|rejection| {
            let mut response = Response::new(Bytes::from(format!("{:?}", rejection.kind())));
            *response.status_mut() = StatusCode::CONFLICT;
            response
        });
    let service = layer.layer(answers(200, DATED, "content"));
    let answer = http::put("/")
        .call(service.clone())
        .await
        .expect_status(409);
    assert_eq!(answer.text(), "Required");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.extension::<Rejection>().is_some());
    let answer = http::get("/")
        .header("if-match", "\"6\"")
        .call(service)
        .await
        .expect_status(409);
    assert_eq!(answer.text(), "Failed");
}

#[tokio::test]
async fn refusals_are_completed_by_the_problem_layer() {
    let service = ServiceBuilder::new()
        .layer(buttress_problem::ProblemLayer::new())
        .layer(PreconditionsLayer::new().with_required(Require::changes()))
        .service(answers(200, DATED, "content"));
    let answer = http::put("/things/1")
        .header("x-request-id", "id-1")
        .call(service)
        .await;
    let answer = answer.expect_status(428);
    assert_eq!(answer.json()["instance"], "/things/1");
    assert_eq!(answer.json()["requestId"], "id-1");
    assert!(Problem::in_extensions(answer.into_http().extensions()).is_some());
}

#[tokio::test]
async fn an_answer_says_on_what_it_depends() {
    const VARIED: &[(&str, &str)] = &[("etag", "\"7\""), ("vary", "Accept-Encoding, ACCEPT")];
    let layer = PreconditionsLayer::new().with_vary([header::ACCEPT, header::ACCEPT_LANGUAGE]);
    let vary = |answer: &Answer| -> Vec<String> {
        let values = answer.headers().get_all("vary").iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect()
    };
    let service = layer.layer(answers(200, VARIED, "content"));
    let expected = ["Accept-Encoding, ACCEPT", "accept-language"];
    let answer = http::get("/")
        .call(service.clone())
        .await
        .expect_status(200);
    assert_eq!(vary(&answer), expected);
    let answer = http::get("/")
        .header("if-none-match", "\"7\"")
        .call(service.clone())
        .await;
    assert_eq!(vary(&answer.expect_status(304)), expected);
    let answer = http::post("/").call(service).await.expect_status(200);
    assert_eq!(vary(&answer), expected[..1]);
    let service = layer.layer(answers(200, &[("vary", "*")], "content"));
    assert_eq!(vary(&http::get("/").call(service).await), ["*"]);
    let service = layer.layer(answers(404, &[], "content"));
    assert!(vary(&http::get("/").call(service).await).is_empty());
}

#[tokio::test]
async fn ranges_reach_a_handler_only_when_it_can_tell_of_what() {
    let ranged = service_fn(|request: Request<Full<Bytes>>| {
        let has = |name| request.headers().contains_key(name);
        let mut response = Response::new(Full::<Bytes>::from("content"));
        let seen = format!("{} {}", has(header::RANGE), has(header::IF_RANGE));
        response
            .headers_mut()
            .insert("x-seen", seen.parse().unwrap());
        ready(Ok::<_, Infallible>(response))
    });
    let seen = async |layer: PreconditionsLayer, method: Method, fields: &[&str]| {
        let mut request = http::request(method, "/");
        for name in fields {
            request = request.header(name, "\"7\"");
        }
        let answer = request.call(layer.layer(ranged)).await;
        answer.header("x-seen").unwrap().to_owned()
    };
    let layer = PreconditionsLayer::new();
    let both = ["range", "if-range"];
    assert_eq!(seen(layer.clone(), Method::GET, &both).await, "false false");
    assert_eq!(
        seen(layer.clone(), Method::GET, &["range"]).await,
        "true false"
    );
    assert_eq!(seen(layer.clone(), Method::PUT, &both).await, "true true");
    assert_eq!(
        seen(layer.with_ranges_by_handler(), Method::GET, &both).await,
        "true true"
    );
}
