//! Tags, and readers who have them already.

use std::collections::BTreeMap;

use axum::{Router, http::header, routing::get};
use serde_json::json;
use shop_api::http::with_middleware;

use crate::server::{Answer, MERGE_PATCH, Server, demo_shop, empty_shop, lamp, shop_with_lamp};

const LIST: &str = "/v1/products";

#[tokio::test]
async fn every_answer_that_shows_a_product_has_its_tag() {
    let (shop, path, created) = shop_with_lamp().await;
    assert_eq!((created.status.as_u16(), created.etag()), (201, "\"1\""));
    assert_eq!(shop.get(&path).await.etag(), "\"1\"");
    // From change to change without reading again.
    let patched = shop
        .patch(&path, created.etag(), &json!({ "stock": 1 }))
        .await;
    assert_eq!((patched.status.as_u16(), patched.etag()), (200, "\"2\""));
    let patched = shop
        .patch(&path, patched.etag(), &json!({ "stock": 2 }))
        .await;
    assert_eq!((patched.status.as_u16(), patched.etag()), (200, "\"3\""));
    let head = shop.send("HEAD", &path, &[], "").await;
    assert_eq!((head.etag(), head.body.len()), ("\"3\"", 0));
    assert_eq!(shop.delete(&path, head.etag()).await.header("etag"), None);
}

#[tokio::test]
async fn what_is_no_single_product_has_no_tag() {
    let shop = demo_shop().await;
    for path in [
        LIST,
        "/v1/products?limit=1",
        "/livez",
        "/openapi.json",
        "/docs",
    ] {
        let answer = shop.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag")),
            (200, None),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_has_the_product_is_not_sent_it_again() {
    let (shop, path, _) = shop_with_lamp().await;
    for method in ["GET", "HEAD"] {
        for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"9\",W/\"1\"", "*"] {
            let asked = [("if-none-match", known)];
            let answer = shop.send(method, &path, &asked, "").await;
            assert_eq!(answer.status, 304, "{method} {known}");
            assert_eq!((answer.etag(), answer.body.len()), ("\"1\"", 0), "{known}");
        }
        for other in ["\"2\"", "W/\"2\"", "\"0\", \"2\"", "1", "\"1--gzip\""] {
            let asked = [("if-none-match", other)];
            let answer = shop.send(method, &path, &asked, "").await;
            assert_eq!(
                (answer.status.as_u16(), answer.etag()),
                (200, "\"1\""),
                "{other}"
            );
        }
    }
    shop.patch(&path, "\"1\"", &json!({ "stock": 1 })).await;
    let answer = shop
        .send("GET", &path, &[("if-none-match", "\"1\"")], "")
        .await;
    assert_eq!((answer.status.as_u16(), answer.etag()), (200, "\"2\""));
}

#[tokio::test]
async fn a_304_has_every_header_but_those_of_a_content() {
    let (shop, path, _) = shop_with_lamp().await;
    let asked = [("x-request-id", "one"), ("accept-encoding", "gzip")];
    let whole = shop.send("GET", &path, &asked, "").await;
    let asked = [asked[0], asked[1], ("if-none-match", "\"1\"")];
    let empty = shop.send("GET", &path, &asked, "").await;
    assert_eq!((whole.status.as_u16(), empty.status.as_u16()), (200, 304));

    let headers = |answer: &Answer| -> BTreeMap<_, Vec<_>> {
        let names = answer.headers.keys().map(|name| name.as_str().to_owned());
        let values = |name: &String| answer.headers.get_all(name).iter().cloned().collect();
        names.map(|name| (name.clone(), values(&name))).collect()
    };
    let (mut whole, mut empty) = (headers(&whole), headers(&empty));
    for name in ["content-type", "content-length"] {
        assert!(whole.remove(name).is_some(), "{name}");
    }
    // A second may have passed, and one request more has.
    for name in [
        "date",
        "ratelimit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ] {
        assert!(whole.remove(name).is_some() && empty.remove(name).is_some());
    }
    assert_eq!(whole, empty);
    for name in [
        "etag",
        "x-request-id",
        "x-content-type-options",
        "referrer-policy",
        "x-frame-options",
        "content-security-policy",
        "ratelimit-policy",
    ] {
        assert!(empty.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_304_still_says_what_the_answer_depends_on() {
    async fn greet() -> ([(header::HeaderName, &'static str); 2], &'static str) {
        (
            [(header::ETAG, "\"1\""), (header::VARY, "accept-language")],
            "hello",
        )
    }
    let routes = Router::new().route("/greeting", get(greet));
    let shop = Server::start(|_| with_middleware(routes)).await;
    let answer = shop
        .send("GET", "/greeting", &[("if-none-match", "\"1\"")], "")
        .await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0));
    assert_eq!(answer.header("vary"), Some("accept-language"));
    assert_eq!(answer.header("content-type"), None);
}

#[tokio::test]
async fn a_strong_tag_is_never_on_compressed_bytes() {
    let shop = empty_shop().await;
    let mut large = lamp();
    large["description"] = "x".repeat(2000).into();
    let gzip = ("accept-encoding", "gzip, br");
    let json = ("content-type", "application/json");
    let created = shop
        .send("POST", LIST, &[gzip, json], large.to_string())
        .await;
    let path = created.header("location").expect("says where").to_owned();
    let change = [gzip, MERGE_PATCH, ("if-match", created.etag())];
    let changed = shop.send("PATCH", &path, &change, r#"{"stock":1}"#).await;
    let read = shop.send("GET", &path, &[gzip], "").await;
    for (answer, tag) in [(created, "\"1\""), (changed, "\"2\""), (read, "\"2\"")] {
        assert_eq!(answer.etag(), tag);
        assert_eq!(answer.header("content-encoding"), None, "{answer:?}");
        assert!(answer.body.len() > 2000);
    }
    let list = shop.send("GET", LIST, &[gzip], "").await;
    assert!(list.header("content-encoding").is_some() && list.header("etag").is_none());
}
