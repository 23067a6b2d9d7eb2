//! What every answer goes through.

use serde_json::json;
use uuid::Uuid;

use crate::server::{demo_shop, empty_shop, lamp};

#[tokio::test]
async fn a_valid_request_id_is_kept() {
    let shop = empty_shop().await;
    let longest = "x".repeat(128);
    for id in ["a", "0198c1f4-req/7", longest.as_str()] {
        for path in ["/livez", "/nowhere"] {
            let answer = shop.send("GET", path, &[("x-request-id", id)], "").await;
            assert_eq!(answer.header("x-request-id"), Some(id));
        }
    }
}

#[tokio::test]
async fn any_other_request_id_is_replaced_by_a_uuid() {
    let shop = empty_shop().await;
    let too_long = "x".repeat(129);
    let cases: [&[(&str, &str)]; 5] = [
        &[],
        &[("x-request-id", "")],
        &[("x-request-id", "two words")],
        &[("x-request-id", too_long.as_str())],
        &[("x-request-id", "a"), ("x-request-id", "b")],
    ];
    for headers in cases {
        let answer = shop.send("GET", "/nowhere", headers, "").await;
        let problem = answer.problem(404, "NOT_FOUND", "/nowhere");
        let id: Uuid = problem["requestId"]
            .as_str()
            .expect("has an id")
            .parse()
            .expect("a UUID");
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
    }
}

#[tokio::test]
async fn a_trace_is_continued() {
    let shop = empty_shop().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer = shop
        .send("GET", "/nowhere", &[("traceparent", parent.as_str())], "")
        .await;
    assert_eq!(
        answer.problem(404, "NOT_FOUND", "/nowhere")["traceId"],
        trace
    );
    let answer = shop
        .send("GET", "/nowhere", &[("traceparent", "nonsense")], "")
        .await;
    assert_ne!(
        answer.problem(404, "NOT_FOUND", "/nowhere")["traceId"],
        trace
    );
}

#[tokio::test]
async fn security_headers_are_on_every_answer() {
    let shop = empty_shop().await;
    for path in [
        "/v1/products",
        "/livez",
        "/nowhere",
        "/docs",
        "/openapi.json",
        "/problems/",
    ] {
        let answer = shop.get(path).await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        let policy = answer
            .header("content-security-policy")
            .expect("has a policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            answer
                .headers
                .get_all("content-security-policy")
                .iter()
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn answers_over_1_kib_are_compressed_when_asked() {
    let shop = demo_shop().await;
    for encoding in ["gzip", "br"] {
        let asked = [("accept-encoding", encoding)];
        let answer = shop.send("GET", "/v1/products", &asked, "").await;
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert!(
            answer
                .header("vary")
                .is_some_and(|vary| vary.contains("accept-encoding"))
        );
        assert!(answer.body.len() < shop.get("/v1/products").await.body.len() / 2);

        let small = shop.send("GET", "/livez", &asked, "").await;
        assert_eq!(small.header("content-encoding"), None);
    }
    assert_eq!(
        shop.get("/v1/products").await.header("content-encoding"),
        None
    );
}

#[tokio::test]
async fn a_large_problem_is_compressed_and_stays_a_problem() {
    let shop = empty_shop().await;
    let members: serde_json::Map<_, _> = (0..50)
        .map(|number| (format!("member{number}"), json!(0)))
        .collect();
    let headers = [
        ("content-type", "application/json"),
        ("accept-encoding", "gzip"),
    ];
    let body = serde_json::Value::from(members).to_string();
    let answer = shop.send("POST", "/v1/products", &headers, body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    let path = created.header("location").expect("says where");
    let answer = shop.send("HEAD", path, &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = shop.send("HEAD", "/nowhere", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 0));
}
