//! What the shop answers to bad requests: a problem, always.

use axum::{Router, routing::get};
use serde_json::json;
use shop_api::http::with_middleware;
use uuid::Uuid;

use crate::server::{Server, empty_shop, lamp, place, places};

const LIST: &str = "/v1/products";

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let shop = empty_shop().await;
    for path in [
        "/",
        "/v1",
        "/v1/products/",
        "/v2/products",
        "/favicon.ico",
        "/v1/products/a/b",
    ] {
        shop.get(path).await.problem(404, "NOT_FOUND", path);
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/products", &["GET", "POST"][..]),
        ("PUT", "/v1/products/1", &["GET", "PATCH", "DELETE"]),
        ("POST", "/livez", &["GET"]),
        ("TRACE", "/openapi.json", &["GET"]),
    ] {
        let answer = shop.send(method, path, &[], "").await;
        answer.problem(405, "METHOD_NOT_ALLOWED", path);
        let allow = answer.header("allow").expect("says what is allowed");
        assert!(
            allowed.iter().all(|method| allow.contains(method)),
            "{allow}"
        );
    }
}

#[tokio::test]
async fn products_that_are_not_there() {
    let shop = empty_shop().await;
    let path = format!("/v1/products/{}", Uuid::now_v7());
    let problem = shop
        .get(&path)
        .await
        .problem(404, "PRODUCT_NOT_FOUND", &path);
    assert!(
        path.ends_with(problem["productId"].as_str().expect("names the product")),
        "{problem}"
    );
    for id in ["1", "not-a-uuid", "%00", "%FF"] {
        let path = format!("/v1/products/{id}");
        let answer = shop.get(&path).await;
        let problem = answer.problem(400, "INVALID_PATH", &path);
        assert_eq!(places(&problem)[0].0, "id", "{problem}");
    }
    // The simple form is a UUID, and not what any of our ids looks like.
    let path = format!("/v1/products/{}", Uuid::now_v7().simple());
    let problem = shop.get(&path).await.problem(400, "INVALID_PATH", &path);
    assert_eq!(problem["errors"][0]["detail"], "must be a UUID");
}

#[tokio::test]
async fn a_query_that_cannot_be_understood() {
    let shop = empty_shop().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("sort=stock", "sort"),
        ("sort=name,", "sort"),
        ("sort=name,-name", "sort"),
        ("fields=id,secret", "fields"),
        ("total=maybe", "total"),
        ("inStock=1", "inStock"),
        ("inStock=", "inStock"),
        ("sort=", "sort"),
        ("fields=", "fields"),
        ("minPriceMinor=1.5", "minPriceMinor"),
    ] {
        let answer = shop.get(&format!("{LIST}?{query}")).await;
        let problem = answer.problem(400, "INVALID_QUERY", LIST);
        assert_eq!(places(&problem)[0].0, parameter, "{problem}");
    }
    for query in [
        "page=2",
        "cursor=abc",
        "Limit=5",
        "limit=5&limit=6",
        "q=%FF",
    ] {
        shop.get(&format!("{LIST}?{query}"))
            .await
            .problem(400, "INVALID_QUERY", LIST);
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_query_is_named_at_once() {
    let shop = empty_shop().await;
    let answer = shop
        .get("/v1/products?limit=0&sort=stock&fields=secret&total=2&minPriceMinor=x")
        .await;
    let problem = answer.problem(400, "INVALID_QUERY", LIST);
    let expected = [
        place("limit", "OUT_OF_RANGE"),
        place("sort", "UNKNOWN_SORT"),
        place("fields", "UNKNOWN_FIELD"),
        place("total", "TYPE"),
        place("minPriceMinor", "TYPE"),
    ];
    assert_eq!(places(&problem), expected);
}

#[tokio::test]
async fn only_a_list_takes_parameters() {
    let shop = empty_shop().await;
    let created = shop.post(LIST, &lamp()).await;
    let path = created.header("location").expect("says where");
    shop.get(&format!("{path}?fields=id"))
        .await
        .problem(400, "INVALID_QUERY", path);
    shop.post("/v1/products?dry=1", &lamp())
        .await
        .problem(400, "INVALID_QUERY", LIST);
    shop.patch(&format!("{path}?x"), created.etag(), &json!({}))
        .await
        .problem(400, "INVALID_QUERY", path);
    let delete = format!("{path}?force=true");
    shop.delete(&delete, created.etag())
        .await
        .problem(400, "INVALID_QUERY", path);
    assert_eq!(shop.get(path).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_not_json() {
    let shop = empty_shop().await;
    let json = [("content-type", "application/json")];
    let deep = format!("{{\"name\": 1, \"x\": {}oops", "[".repeat(50));
    for body in [
        "",
        "{",
        "nonsense",
        "{\"name\": \"a\",}",
        "{} {}",
        "{\"stock\": 01}",
        deep.as_str(),
    ] {
        let answer = shop.send("POST", LIST, &json, body.to_owned()).await;
        answer.problem(400, "MALFORMED_JSON", LIST);
    }
    // Malformed after members of a wrong type: the form comes before the shape.
    let answer = shop
        .send("POST", LIST, &json, r#"{"name": 1, "stock": "x", "#)
        .await;
    answer.problem(400, "MALFORMED_JSON", LIST);
    let answer = shop
        .send("POST", LIST, &json, &b"{\"name\": \"\xff\"}"[..])
        .await;
    answer.problem(400, "MALFORMED_JSON", LIST);
    // Too deep to be anything but an attack on a parser's stack.
    let answer = shop.send("POST", LIST, &json, "[".repeat(100_000)).await;
    answer.problem(400, "MALFORMED_JSON", LIST);
}

#[tokio::test]
async fn a_body_of_another_type() {
    let shop = empty_shop().await;
    let body = lamp().to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "nonsense")],
    ] {
        let answer = shop.send("POST", LIST, headers, body.clone()).await;
        answer.problem(415, "UNSUPPORTED_MEDIA_TYPE", LIST);
    }
    let path = format!("{LIST}/{}", Uuid::now_v7());
    for media_type in ["application/json-patch+json", "application/jsonx", ""] {
        let answer = shop
            .send("PATCH", &path, &[("content-type", media_type)], "[]")
            .await;
        answer.problem(415, "UNSUPPORTED_MEDIA_TYPE", &path);
        assert!(
            answer
                .header("accept-patch")
                .is_some_and(|types| types.contains("merge-patch"))
        );
    }
}

#[tokio::test]
async fn a_database_that_is_gone() {
    let shop = empty_shop().await;
    assert_eq!(shop.get("/readyz").await.json(), json!({ "status": "ok" }));
    shop.store.close().await;
    for (path, code) in [("/readyz", "NOT_READY"), (LIST, "SERVICE_UNAVAILABLE")] {
        let answer = shop.get(path).await;
        answer.problem(503, code, path);
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(shop.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    async fn panics() -> &'static str {
        panic!("the secret is out")
    }
    let routes = Router::new().route("/panic", get(panics));
    let shop = Server::start(|_| with_middleware(routes)).await;
    let answer = shop.get("/panic").await;
    answer.problem(500, "INTERNAL_SERVER_ERROR", "/panic");
    assert!(!answer.text().contains("secret"));
    assert_eq!(shop.get("/panic").await.status, 500);
}
