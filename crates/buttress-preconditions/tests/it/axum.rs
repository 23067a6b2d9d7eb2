//! With axum: extractors, and tags in responses.

use axum::{
    Json, Router,
    routing::{get, patch, put},
};
use buttress_preconditions::{ETag, IfMatch, Preconditions, Rejection};
use buttress_testkit::http;
use serde_json::json;

fn app() -> Router {
    let current = || ETag::from_version(7);
    Router::new()
        .route(
            "/thing",
            get(async move || (current(), Json(json!({ "name": "lamp" })))).put(
                async move |preconditions: Preconditions| {
                    preconditions.require(&current())?;
                    Ok::<_, Rejection>((ETag::from_version(8), "changed"))
                },
            ),
        )
        .route(
            "/required",
            patch(async |if_match: IfMatch| format!("{:?}", if_match.versions())),
        )
        .route(
            "/optional",
            put(async |if_match: Option<IfMatch>| if_match.is_some().to_string()),
        )
}

#[tokio::test]
async fn a_tag_is_a_part_of_a_response() {
    let answer = http::get("/thing").call(app()).await.expect_status(200);
    assert_eq!(answer.header("etag"), Some("\"7\""));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({ "name": "lamp" }));
}

#[tokio::test]
async fn preconditions_are_evaluated_when_the_handler_asks() {
    let put = |value: &'static str| http::put("/thing").header("if-match", value).call(app());
    let answer = put("\"7\"").await.expect_status(200);
    assert_eq!(
        (answer.text(), answer.header("etag")),
        ("changed", Some("\"8\""))
    );
    put("*").await.expect_status(200);
    let answer = put("\"6\"").await.expect_status(412);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert!(answer.extension::<Rejection>().is_some());
    put("7").await.expect_status(400);
    http::put("/thing").call(app()).await.expect_status(428);
    http::put("/thing")
        .header("if-none-match", "*")
        .call(app())
        .await
        .expect_status(412);
}

#[tokio::test]
async fn if_match_is_required_or_optional() {
    let required = http::patch("/required")
        .call(app())
        .await
        .expect_status(428);
    assert_eq!(required.json()["code"], "PRECONDITION_REQUIRED");
    let answer = http::patch("/required")
        .header("if-match", "\"6\", \"7\"")
        .call(app())
        .await;
    assert_eq!(answer.expect_status(200).text(), "Some([6, 7])");
    http::patch("/required")
        .header("if-match", "7")
        .call(app())
        .await
        .expect_status(400);

    let answer = http::put("/optional").call(app()).await.expect_status(200);
    assert_eq!(answer.text(), "false");
    let answer = http::put("/optional")
        .header("if-match", "*")
        .call(app())
        .await
        .expect_status(200);
    assert_eq!(answer.text(), "true");
    // A condition that it cannot evaluate is not passed over.
    http::put("/optional")
        .header("if-none-match", "*")
        .call(app())
        .await
        .expect_status(428);
    http::put("/optional")
        .header("if-match", "7")
        .call(app())
        .await
        .expect_status(400);
}
