//! What the extractors say that they answer with is what they answer with.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get as on_get, post as on_post},
};
use buttress_problem::{
    Answers, Catalogue,
    axum::{Json, Path, Query},
};
use http::Request;

use super::{Answer, get, post, send};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[expect(dead_code, reason = "only its type matters")]
    quantity: u32,
}

fn router() -> Router {
    Router::new()
        .route("/", on_post(async |_: Json<Order>| ()))
        .route("/query", on_get(async |_: Query<Order>| ()))
        .route("/path/{quantity}", on_get(async |_: Path<Order>| ()))
        .layer(DefaultBodyLimit::max(100))
}

#[track_caller]
fn is_documented(catalogue: &Catalogue, answer: &Answer) {
    let found = catalogue.iter().any(|kind| {
        kind.status() == answer.status
            && answer.body["code"] == kind.code()
            && answer.body["type"] == kind.type_uri().as_str()
            && answer.body["title"] == kind.title()
    });
    assert!(found, "{} is not in {catalogue:?}", answer.text);
}

#[tokio::test]
async fn every_refusal_is_one_that_is_documented() {
    let untyped = Request::post("/").body("{}".into()).unwrap();
    let too_large = format!(r#"{{"quantity":{}}}"#, "1".repeat(100));
    let mut codes = Vec::new();
    for request in [
        untyped,
        post(too_large),
        post("{"),
        post(r#"{"quantity":"x"}"#),
    ] {
        let answer = send(router(), request).await;
        is_documented(&Json::<Order>::problems(), &answer);
        codes.push(answer.status.as_u16());
    }
    codes.sort_unstable();
    let documented: Vec<_> = Json::<Order>::problems()
        .iter()
        .map(|kind| kind.status().as_u16())
        .collect();
    assert_eq!(codes, documented, "each kind was seen");

    let answer = send(router(), get("/query?quantity=x")).await;
    is_documented(&Query::<Order>::problems(), &answer);
    let answer = send(router(), get("/path/x")).await;
    is_documented(&Path::<Order>::problems(), &answer);
}

#[test]
fn a_tuple_answers_with_all_that_its_parts_do() {
    type All = (Json<Order>, Query<Order>, Path<Order>);
    let codes: Vec<_> = All::problems().iter().map(|kind| kind.code()).collect();
    assert_eq!(
        codes,
        [
            "INVALID_PATH",
            "INVALID_QUERY",
            "MALFORMED_JSON",
            "CONTENT_TOO_LARGE",
            "UNSUPPORTED_MEDIA_TYPE",
            "VALIDATION_ERROR",
        ]
    );
}
