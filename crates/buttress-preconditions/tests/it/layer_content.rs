//! Tags that the layer makes of contents.

use std::{convert::Infallible, future::ready};

use ::http::{HeaderMap, Method, Request, Response};
use buttress_preconditions::{ETag, PreconditionsLayer};
use buttress_testkit::http;
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Scripted, Step, answers};

async fn tag_of(
    layer: &PreconditionsLayer,
    status: u16,
    fields: &'static [(&str, &str)],
    content: &'static str,
) -> Option<String> {
    let service = layer.layer(answers(status, fields, content));
    let answer = http::get("/").call(service).await.expect_status(status);
    assert_eq!(answer.text(), content);
    answer.header("etag").map(str::to_owned)
}

#[tokio::test]
async fn a_content_without_a_tag_gets_one_that_names_it() {
    let layer = PreconditionsLayer::new();
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    let tag = tag_of(&layer, 200, JSON, "{}").await.unwrap();
    // On every instance, in every process and in every release: clients keep it.
    assert_eq!(tag, "W/\"18ea87e35f8bad3df6956d5e16bd500e\"");

    let service = layer.layer(answers(200, JSON, "{}"));
    let answer = http::get("/")
        .header("if-none-match", &tag)
        .call(service)
        .await;
    let answer = answer.expect_status(304);
    assert_eq!(answer.header("etag"), Some(&*tag));

    // Another content, type, language or coding is another representation.
    let mut tags = vec![tag];
    for (fields, content) in [
        (JSON, "{ }"),
        (JSON, ""),
        (&[], "{}"),
        (&[("content-type", "text/plain")], "{}"),
        (&[("content-language", "application/json")], "{}"),
        (
            &[
                ("content-type", "application/json"),
                ("content-language", "de"),
            ],
            "{}",
        ),
        (
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            "{}",
        ),
    ] {
        tags.push(tag_of(&layer, 200, fields, content).await.unwrap());
    }
    assert!(
        tags.iter()
            .all(|tag| tag.parse::<ETag>().unwrap().is_weak())
    );
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 8);
}

#[tokio::test]
async fn only_a_200_that_may_be_kept_gets_a_tag() {
    let layer = PreconditionsLayer::new();
    for status in [201, 203, 204, 206, 400, 404, 500] {
        assert_eq!(
            tag_of(&layer, status, &[], "content").await,
            None,
            "{status}"
        );
    }
    for value in ["no-store", "private, No-Store", "no-cache,no-store"] {
        let fields: &'static [_] = Box::leak(Box::new([("cache-control", value)]));
        assert_eq!(
            tag_of(&layer, 200, fields, "content").await,
            None,
            "{value}"
        );
    }
    const CACHED: &[(&str, &str)] = &[("cache-control", "no-cache, private")];
    assert!(tag_of(&layer, 200, CACHED, "content").await.is_some());
    for method in [Method::POST, Method::PUT, Method::OPTIONS] {
        let service = layer.layer(answers(200, &[], "content"));
        let answer = http::request(method, "/").call(service).await;
        assert_eq!(answer.header("etag"), None);
    }
}

#[tokio::test]
async fn the_handlers_tag_stays() {
    let layer = PreconditionsLayer::new();
    const WEAK: &[(&str, &str)] = &[("etag", "W/\"x\"")];
    assert_eq!(
        tag_of(&layer, 200, WEAK, "content").await.as_deref(),
        Some("W/\"x\"")
    );
    const ODD: &[(&str, &str)] = &[("etag", "odd")];
    assert_eq!(
        tag_of(&layer, 200, ODD, "content").await.as_deref(),
        Some("odd")
    );
}

#[tokio::test]
async fn the_size_is_bounded() {
    let layer = PreconditionsLayer::new().with_max_content(4);
    assert!(tag_of(&layer, 200, &[], "1234").await.is_some());
    assert_eq!(tag_of(&layer, 200, &[], "12345").await, None);
    let layer = PreconditionsLayer::new();
    let large: &'static str = Box::leak("x".repeat(64 * 1024 + 1).into_boxed_str());
    assert!(tag_of(&layer, 200, &[], &large[1..]).await.is_some());
    assert_eq!(tag_of(&layer, 200, &[], large).await, None);
    let layer = layer.with_max_content(0);
    assert_eq!(tag_of(&layer, 200, &[], "").await, None);
}

#[tokio::test]
async fn a_head_has_the_tag_of_its_get_or_none() {
    let layer = PreconditionsLayer::new();
    let of_get = tag_of(&layer, 200, &[], "content").await;
    let head = |fields, content| {
        let service = layer.layer(answers(200, fields, content));
        http::request(Method::HEAD, "/").call(service)
    };
    assert_eq!(head(&[], "content").await.header("etag"), of_get.as_deref());
    const LENGTH: &[(&str, &str)] = &[("content-length", "7")];
    assert_eq!(
        head(LENGTH, "content").await.header("etag"),
        of_get.as_deref()
    );
    // A framework may have removed the content already, and compression made something of nothing.
    assert_eq!(head(&[], "").await.header("etag"), None);
    assert_eq!(head(LENGTH, "cont").await.header("etag"), None);
    assert_eq!(
        head(&[("content-encoding", "gzip")], "content")
            .await
            .header("etag"),
        None
    );
    let empty = service_fn(|_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Scripted::new([]))))
    });
    let request = Request::head("/").body(Full::<Bytes>::default()).unwrap();
    let response = layer.layer(empty).oneshot(request).await.unwrap();
    assert_eq!(ETag::from_headers(response.headers()), None);
}

/// Nothing locks with a tag that no handler can compare.
#[tokio::test]
async fn a_tag_of_a_content_is_not_for_locking() {
    let service = PreconditionsLayer::new().layer(answers(200, &[], "content"));
    let tag = http::get("/")
        .call(service.clone())
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    http::get("/")
        .header("if-match", &tag)
        .call(service)
        .await
        .expect_status(412);
}

/// Sends one GET through a service with this body: the tag, and what arrives of the body.
async fn scripted(
    layer: &PreconditionsLayer,
    steps: impl IntoIterator<Item = Step>,
) -> (Option<ETag>, Vec<Result<Bytes, &'static str>>, bool) {
    let body = Scripted::new(steps);
    let mut body = Some(body);
    let service = layer.layer(service_fn(move |_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
    }));
    let request = Request::new(Full::default());
    let response = service.oneshot(request).await.unwrap();
    let tag = ETag::from_headers(response.headers());
    let mut body = response.into_body();
    let (mut arrived, mut trailers) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => arrived.push(Ok(data)),
            Ok(Err(_)) => trailers = true,
            Err(error) => {
                arrived.push(Err(error));
                break;
            }
        }
    }
    (tag, arrived, trailers)
}

#[tokio::test]
async fn frames_are_one_content() {
    let layer = PreconditionsLayer::new();
    let whole = scripted(&layer, [Step::Data("content")]).await.0;
    let (tag, arrived, _) = scripted(
        &layer,
        [Step::Data("con"), Step::Data(""), Step::Data("tent")],
    )
    .await;
    assert!(whole.is_some());
    assert_eq!(tag, whole);
    assert_eq!(
        arrived.into_iter().flatten().collect::<Vec<_>>().concat(),
        b"content"
    );
}

#[tokio::test]
async fn streams_are_neither_waited_for_nor_lost() {
    let layer = PreconditionsLayer::new();
    let steps = [Step::Data("first"), Step::Wait, Step::Data("second")];
    let (tag, arrived, _) = scripted(&layer, steps).await;
    assert_eq!(
        (tag, arrived),
        (None, vec![Ok("first".into()), Ok("second".into())])
    );

    let (tag, arrived, _) = scripted(&layer, [Step::Wait, Step::Data("late")]).await;
    assert_eq!((tag, arrived), (None, vec![Ok("late".into())]));

    let steps = [Step::Data("first"), Step::Break];
    let (tag, arrived, _) = scripted(&layer, steps).await;
    assert_eq!(
        (tag, arrived),
        (None, vec![Ok("first".into()), Err("the stream broke")])
    );

    let steps = [Step::Data("first"), Step::Trailers(HeaderMap::new())];
    let (tag, arrived, trailers) = scripted(&layer, steps).await;
    assert_eq!(
        (tag, arrived, trailers),
        (None, vec![Ok("first".into())], true)
    );

    // One that is always ready and never ends is let go at the bound.
    let small = PreconditionsLayer::new().with_max_content(8);
    let (tag, arrived, _) = scripted(&small, (0..100).map(|_| Step::Data("12345"))).await;
    assert_eq!((tag, arrived.len()), (None, 100));
    let (tag, arrived, _) = scripted(&layer, (0..1000).map(|_| Step::Data(""))).await;
    assert_eq!((tag, arrived.len()), (None, 1000));
}

#[tokio::test]
async fn a_body_tells_how_much_there_is_and_when_it_ends() {
    let layer = PreconditionsLayer::new().with_max_content(8);
    // Looked into as a whole, as far as it was there, and not at all.
    for (steps, frames) in [
        (vec![Step::Data("con"), Step::Data("tent")], 2),
        (vec![Step::Data("con"), Step::Wait, Step::Data("tent")], 2),
    ] {
        let known = steps.len() == frames;
        let mut body = Some(Scripted::new(steps));
        let service = layer.layer(service_fn(move |_: Request<Full<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
        }));
        let response = service
            .oneshot(Request::new(Full::default()))
            .await
            .unwrap();
        let mut body = response.into_body();
        assert!(!body.is_end_stream());
        assert_eq!(body.size_hint().exact(), known.then_some(7));
        body.frame().await.unwrap().unwrap();
        assert!(!body.is_end_stream());
        assert_eq!(body.size_hint().exact(), known.then_some(4));
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "tent"
        );
        assert_eq!(body.is_end_stream(), known);
        assert!(body.frame().await.is_none());
    }
    for content in ["", "too long for it"] {
        let service = layer.layer(answers(200, &[("etag", "\"7\"")], content));
        let request = Request::new(Full::default());
        let body = service.oneshot(request).await.unwrap().into_body();
        assert_eq!(body.is_end_stream(), content.is_empty());
        assert_eq!(body.size_hint().exact(), Some(content.len() as u64));
    }
}

#[tokio::test]
async fn a_304_ends_at_once_and_says_nothing_of_a_length() {
    let service = PreconditionsLayer::new().layer(answers(200, &[("etag", "\"7\"")], "content"));
    let request = Request::get("/").header("if-none-match", "*");
    let request = request.body(Full::default()).unwrap();
    let body = service.oneshot(request).await.unwrap().into_body();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), None);
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
}
