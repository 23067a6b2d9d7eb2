//! JSON of the wrong shape: the exact place (B6.13).

use std::collections::BTreeMap;

use axum::{Router, routing::any};
use buttress_problem::axum::Json;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Answer, post, send};

pub(super) async fn refused<T: DeserializeOwned + Send + 'static>(body: &str) -> Answer {
    let router = Router::new().route("/", any(async |_: Json<T>| ()));
    let answer = send(router, post(body.to_owned())).await;
    answer.is_problem(422, "VALIDATION_ERROR");
    answer
}

/// Asserts the only entry of `errors`.
async fn check<T>(body: &str, pointer: &str, detail: &str, code: &str)
where
    T: DeserializeOwned + Send + 'static,
{
    let answer = refused::<T>(body).await;
    assert_eq!(answer.errors(), [(pointer, detail, code)], "{body}");
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to be refused")]
struct Order {
    customer_name: String,
    #[serde(rename = "a/b")]
    slash: Option<u8>,
    #[serde(rename = "m~n")]
    tilde: Option<u8>,
    #[serde(rename = "")]
    empty: Option<u8>,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    by_number: BTreeMap<u32, bool>,
    at: Option<(f64, f64)>,
    payment: Option<Payment>,
    shape: Option<Shape>,
    id: Option<Id>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Item {
    sku: String,
    count: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "read to be refused")]
enum Payment {
    Cash,
    Card { number: String, months: Vec<u8> },
    Points(u32),
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "read to be refused")]
enum Shape {
    Circle { radius: u32 },
    Path { points: Vec<u32> },
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "read to be refused")]
enum Id {
    Number(u32),
    Pair { left: u32, right: u32 },
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Flat {
    name: String,
    #[serde(flatten)]
    more: Item,
}

#[tokio::test]
async fn members_are_found_under_their_json_names() {
    const NAME: &str = r#""customerName": "x""#;
    for (member, pointer, detail, code) in [
        (
            r#""a/b": "x""#,
            "/a~1b",
            "must be an integer from 0 to 255",
            "TYPE",
        ),
        (
            r#""m~n": -1"#,
            "/m~0n",
            "must be an integer from 0 to 255",
            "VALUE",
        ),
        (
            r#""": 256"#,
            "/",
            "must be an integer from 0 to 255",
            "VALUE",
        ),
        (r#""items": {}"#, "/items", "must be an array", "TYPE"),
        (
            r#""items": [{"sku": "a", "count": 1}, 7]"#,
            "/items/1",
            "must be an object",
            "TYPE",
        ),
        (
            r#""items": [{"sku": null, "count": 1}]"#,
            "/items/0/sku",
            "must be a string",
            "TYPE",
        ),
        (
            r#""items": [{"sku": "a"}]"#,
            "/items/0/count",
            "is required",
            "MISSING",
        ),
        (
            r#""items": [{"sku": "a", "count": 1, "sku": "b"}]"#,
            "/items/0/sku",
            "is given more than once",
            "DUPLICATE",
        ),
        (
            r#""byNumber": {"17": "no"}"#,
            "/byNumber/17",
            "must be true or false",
            "TYPE",
        ),
        (
            r#""byNumber": {"x": true}"#,
            "/byNumber",
            "has a member whose name is not a number",
            "TYPE",
        ),
        (
            r#""at": [1]"#,
            "/at",
            "must be an array of 2 elements",
            "LENGTH",
        ),
        (
            r#""at": [1, 2, 3]"#,
            "/at",
            "has too many elements",
            "LENGTH",
        ),
        (r#""at": [1, 1e999]"#, "/at/1", "is out of range", "VALUE"),
        (r#""at": [1, true]"#, "/at/1", "must be a number", "TYPE"),
        (
            r#""payment": "gold""#,
            "/payment",
            "must be one of `cash`, `card`, `points`",
            "VALUE",
        ),
        (
            r#""payment": {"gold": 1}"#,
            "/payment",
            "must be one of `cash`, `card`, `points`",
            "VALUE",
        ),
        (
            r#""payment": {"card": {"number": "1", "months": [1, "x"]}}"#,
            "/payment/card/months/1",
            "must be an integer from 0 to 255",
            "TYPE",
        ),
        (
            r#""payment": {"card": {"months": []}}"#,
            "/payment/card/number",
            "is required",
            "MISSING",
        ),
        (
            r#""payment": {"points": "x"}"#,
            "/payment/points",
            "must be an integer from 0 to 4294967295",
            "TYPE",
        ),
        (
            r#""payment": "card""#,
            "/payment",
            "must be an object",
            "TYPE",
        ),
    ] {
        let body = format!("{{{NAME}, {member}}}");
        check::<Order>(&body, pointer, detail, code).await;
    }
    check::<Order>("{}", "/customerName", "is required", "MISSING").await;
    check::<Order>("7", "", "must be an object", "TYPE").await;
}

/// serde forgets the path in what it buffers; the document shows it all the same.
#[tokio::test]
async fn buffered_members_are_found_where_the_document_leaves_no_doubt() {
    const NAME: &str = r#""customerName": "x""#;
    for (member, pointer, detail, code) in [
        (
            r#""shape": {"kind": "circle", "radius": "wide"}"#,
            "/shape/radius",
            "must be an integer from 0 to 4294967295",
            "TYPE",
        ),
        (
            r#""shape": {"kind": "circle"}"#,
            "/shape/radius",
            "is required",
            "MISSING",
        ),
        (
            r#""shape": {"radius": 1}"#,
            "/shape/kind",
            "is required",
            "MISSING",
        ),
        (
            r#""shape": {"kind": "square"}"#,
            "/shape/kind",
            "must be `circle` or `path`",
            "VALUE",
        ),
        (
            r#""shape": {"kind": "path", "points": [1, null]}"#,
            "/shape/points/1",
            "must be an integer from 0 to 4294967295",
            "TYPE",
        ),
        (
            r#""shape": {"kind": "path", "points": [true, true]}"#,
            "/shape",
            "has a member of the wrong type",
            "TYPE",
        ),
        (
            r#""payment": {"card": {"number": "1", "months": []}, "cash": null}"#,
            "/payment",
            "has none of the allowed forms",
            "VALUE",
        ),
        (
            r#""id": "x""#,
            "/id",
            "has none of the allowed forms",
            "VALUE",
        ),
        (
            r#""id": {"left": 1}"#,
            "/id",
            "has none of the allowed forms",
            "VALUE",
        ),
    ] {
        let body = format!("{{{NAME}, {member}}}");
        check::<Order>(&body, pointer, detail, code).await;
    }
    let flat = r#"{"name": "x", "sku": "y", "count": "many"}"#;
    check::<Flat>(flat, "/count", "must be an integer from 0 to 255", "TYPE").await;
    check::<Flat>(
        r#"{"name": "x", "sku": "y"}"#,
        "/count",
        "is required",
        "MISSING",
    )
    .await;
}

#[tokio::test]
async fn unknown_members_are_named_by_the_pointer_only() {
    let body = r#"{"customerName": "x", "<script>alert(1)</script>": 1}"#;
    let answer = refused::<Order>(body).await;
    let (pointer, detail, code) = answer.errors()[0];
    assert_eq!((pointer, code), ("/<script>alert(1)<~1script>", "UNKNOWN"));
    assert!(
        detail.starts_with("is not known here; expected one of `customerName`"),
        "{detail}"
    );
    assert!(!detail.contains("script"), "{detail}");

    // The name tries to look like serde's own text.
    let body = r#"{"customerName": "x", "a`, expected `b": 1}"#;
    let answer = refused::<Order>(body).await;
    assert_eq!(answer.errors()[0].0, "/a`, expected `b");
    assert!(!answer.errors()[0].1.contains("expected `b"));
}

#[tokio::test]
async fn a_very_long_name_does_not_come_back() {
    let body = format!(
        r#"{{"items": [{{"sku": "a", "count": 1}}], "{}": 1}}"#,
        "x".repeat(100_000)
    );
    let answer = refused::<Order>(&body).await;
    assert!(answer.text.len() < 1000);
    let unknown = answer
        .errors()
        .into_iter()
        .find(|error| error.2 == "UNKNOWN");
    assert_eq!(unknown.unwrap().0, "");
}

#[tokio::test]
async fn a_member_that_a_buffered_object_lacks_is_not_looked_for_above_it() {
    #[derive(Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "read to be refused")]
    enum Parcel {
        Box { size: u8, content: Content },
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read to be refused")]
    struct Content {
        size: u8,
    }

    let body = r#"{"kind": "box", "size": 1, "content": {}}"#;
    check::<Parcel>(body, "", "lacks the member `size`", "MISSING").await;
    let body = r#"{"kind": "box", "size": 1, "content": {"size": 1, "<b>": 2}}"#;
    let detail = "is not known here; expected `size`";
    check::<Parcel>(body, "/<b>", detail, "UNKNOWN").await;
}
