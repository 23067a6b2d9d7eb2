//! Together with compression: a strong tag names the bytes that are sent.

#![allow(clippy::large_futures, reason = "a body that compresses is large")]

use std::{convert::Infallible, future::ready};

use ::http::{Extensions, HeaderMap, Request, Response, StatusCode, Version, header};
use buttress_preconditions::{ETag, IfMatch, PreconditionsLayer, has_strong_etag};
use buttress_testkit::http::{self, Answer};
use bytes::Bytes;
use http_body_util::Full;
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove},
};

/// A resource at version 7 that is read and changed.
fn resource()
-> impl Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
+ Clone {
    service_fn(|request: Request<Full<Bytes>>| {
        let current = ETag::from_version(7);
        let mut response = Response::new(Full::from("content ".repeat(100)));
        if request.method() == ::http::Method::PUT
            && let Err(rejection) = IfMatch::from_headers(request.headers())
                .and_then(|if_match| if_match.check(&current))
        {
            response = Response::from(buttress_problem::Problem::from(rejection));
        } else {
            response.headers_mut().insert(header::ETAG, current.into());
        }
        ready(Ok::<_, Infallible>(response))
    })
}

async fn get(coding: &str, fields: &[(&str, &str)]) -> Answer {
    let service = ServiceBuilder::new()
        .layer(PreconditionsLayer::new())
        .layer(CompressionLayer::new())
        .service(resource());
    let mut request = http::get("/").header("accept-encoding", coding);
    for (name, value) in fields {
        request = request.header(name, *value);
    }
    request.call(service).await
}

async fn put(if_match: &str) -> Answer {
    let service = ServiceBuilder::new()
        .layer(PreconditionsLayer::new())
        .layer(CompressionLayer::new())
        .service(resource());
    http::put("/")
        .header("if-match", if_match)
        .call(service)
        .await
}

#[tokio::test]
async fn every_encoding_has_a_strong_tag_of_its_own() {
    for (coding, tag) in [
        ("identity", "\"7\""),
        ("gzip", "\"7;gzip\""),
        ("br", "\"7;br\""),
    ] {
        let answer = get(coding, &[]).await.expect_status(200);
        assert_eq!(answer.header("etag"), Some(tag));
        let content = answer.header("content-encoding").unwrap_or("identity");
        assert_eq!(content, coding);

        // It is the answer to the same question alone.
        let answer = get(coding, &[("if-none-match", tag)])
            .await
            .expect_status(304);
        assert_eq!(answer.header("etag"), Some(tag));
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        assert_eq!(answer.header("content-encoding"), None);
        for (other, other_tag) in [
            ("gzip", "\"7;gzip\""),
            ("br", "\"7;br\""),
            ("identity", "\"7\""),
        ] {
            if other != coding {
                get(coding, &[("if-none-match", other_tag)])
                    .await
                    .expect_status(200);
            }
        }
        // And the handler can be told that this is the state that is meant.
        put(tag).await.expect_status(200);
    }
}

#[tokio::test]
async fn the_tag_of_another_version_does_not_lead_to_this_one() {
    for stale in [
        "\"6;gzip\"",
        "\"6\"",
        "\"7--v2\"",
        "\"7;nothing\"",
        "W/\"7;gzip\"",
    ] {
        let answer = put(stale).await.expect_status(412);
        assert_eq!(answer.header("etag"), Some("\"7\""), "{stale}");
    }
    put("\"6\", \"7;gzip\"").await.expect_status(200);
    put("\"7;gzip").await.expect_status(400);
}

/// `br` is Breton as well as Brotli.
#[tokio::test]
async fn a_variant_is_never_taken_for_a_coding() {
    let translated = service_fn(|request: Request<Full<Bytes>>| {
        let tag = ETag::from_version(7);
        let breton = request.headers().contains_key(header::ACCEPT_LANGUAGE);
        let tag = if breton {
            tag.with_variant("br").unwrap()
        } else {
            tag
        };
        let mut response = Response::new(Full::<Bytes>::from("content ".repeat(100)));
        response.headers_mut().insert(header::ETAG, tag.into());
        ready(Ok::<_, Infallible>(response))
    });
    let service = ServiceBuilder::new()
        .layer(PreconditionsLayer::new().with_vary([header::ACCEPT_LANGUAGE]))
        .layer(CompressionLayer::new())
        .service(translated);
    let mut tags = Vec::new();
    for language in [None, Some("br")] {
        for coding in ["identity", "br"] {
            let mut request = http::get("/").header("accept-encoding", coding);
            if let Some(language) = language {
                request = request.header("accept-language", language);
            }
            let answer = request.call(service.clone()).await.expect_status(200);
            tags.push(answer.header("etag").unwrap().to_owned());
        }
    }
    assert_eq!(tags, ["\"7\"", "\"7;br\"", "\"7--br\"", "\"7--br;br\""]);
}

/// The order that the README shows.
#[tokio::test]
async fn problems_are_completed_and_not_compressed() {
    let failing = service_fn(|_: Request<Full<Bytes>>| {
        let rejection = buttress_preconditions::Rejection::failed(ETag::from_version(7));
        let problem = buttress_problem::Problem::from(rejection)
            .with_detail("much to be said about it, again and again. ".repeat(10));
        ready(Ok::<_, Infallible>(Response::<Full<Bytes>>::from(problem)))
    });
    let not_problems = NotForContentType::const_new("application/problem+");
    let service = ServiceBuilder::new()
        .layer(buttress_problem::ProblemLayer::new())
        .layer(PreconditionsLayer::new())
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(not_problems)))
        .service(failing);
    let answer = http::put("/things/1")
        .header("accept-encoding", "gzip")
        .call(service)
        .await;
    let answer = answer.expect_status(412);
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.json()["instance"], "/things/1");
    assert_eq!(answer.header("etag"), Some("\"7\""));
}

#[tokio::test]
async fn hashes_are_of_the_encoded_bytes() {
    let plain = service_fn(|_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
            "content ".repeat(100),
        ))))
    });
    let service = ServiceBuilder::new()
        .layer(PreconditionsLayer::new())
        .layer(CompressionLayer::new())
        .service(plain);
    let tag = async |coding| {
        let answer = http::get("/")
            .header("accept-encoding", coding)
            .call(service.clone())
            .await;
        answer.header("etag").unwrap().to_owned()
    };
    let (identity, gzip) = (tag("identity").await, tag("gzip").await);
    assert_ne!(identity, gzip);
    assert_eq!(tag("gzip").await, gzip);
}

#[tokio::test]
async fn inside_of_compression_strong_tags_can_be_kept_from_it() {
    let unless_strong =
        |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| !has_strong_etag(headers);
    let service = ServiceBuilder::new()
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(32).and(unless_strong)))
        .layer(PreconditionsLayer::new())
        .service(resource());
    let answer = http::get("/")
        .header("accept-encoding", "gzip")
        .call(service)
        .await;
    assert_eq!(
        (answer.header("content-encoding"), answer.header("etag")),
        (None, Some("\"7\""))
    );
}
