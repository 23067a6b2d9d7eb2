//! Requests that can be understood and break rules: every rule, and all at once.

use serde_json::{Value, json};

use crate::server::{empty_shop, lamp, place, places};

const LIST: &str = "/v1/products";

#[tokio::test]
async fn a_text_that_no_name_can_contain() {
    let shop = empty_shop().await;
    for (q, code) in [
        ("a%00b".to_owned(), "NUL_CHARACTER"),
        ("x".repeat(201), "TOO_LONG"),
    ] {
        let answer = shop.get(&format!("{LIST}?q={q}")).await;
        let problem = answer.problem(422, "VALIDATION_ERROR", LIST);
        assert_eq!(places(&problem), [place("q", code)]);
        assert_eq!(problem["errors"][0]["parameter"], "q");
    }
}

#[tokio::test]
async fn every_rule_that_a_product_breaks_is_named_at_once() {
    let shop = empty_shop().await;
    let bad = json!({
        "name": "",
        "description": "x".repeat(4001),
        "priceMinor": -1,
        "currency": "eur",
        "stock": "many",
        "id": 7,
        "a/b~c": null,
    });
    let problem = shop
        .post(LIST, &bad)
        .await
        .problem(422, "VALIDATION_ERROR", LIST);
    let expected = [
        place("/name", "TOO_SHORT"),
        place("/description", "TOO_LONG"),
        place("/priceMinor", "OUT_OF_RANGE"),
        place("/currency", "UNKNOWN_CURRENCY"),
        place("/stock", "TYPE"),
        place("/a~1b~0c", "UNKNOWN"),
        place("/id", "UNKNOWN"),
    ];
    assert_eq!(places(&problem), expected);

    let problem = shop
        .post(LIST, &json!({}))
        .await
        .problem(422, "VALIDATION_ERROR", LIST);
    let required = [
        "/name",
        "/description",
        "/priceMinor",
        "/currency",
        "/stock",
    ];
    assert_eq!(
        places(&problem),
        required.map(|name| place(name, "MISSING"))
    );
    assert_eq!(
        shop.get("/v1/products?total=true").await.json()["pagination"]["total"],
        0
    );
}

#[tokio::test]
async fn each_rule_of_a_product() {
    let shop = empty_shop().await;
    for (member, value, code) in [
        ("name", json!("x".repeat(201)), "TOO_LONG"),
        ("name", json!("a\u{0}b"), "NUL_CHARACTER"),
        ("name", json!(["a"]), "TYPE"),
        ("name", Value::Null, "TYPE"),
        ("description", json!("\u{0}"), "NUL_CHARACTER"),
        ("priceMinor", json!(1.5), "TYPE"),
        ("priceMinor", json!("100"), "TYPE"),
        (
            "priceMinor",
            json!(9_007_199_254_740_992_i64),
            "OUT_OF_RANGE",
        ),
        ("priceMinor", json!(u64::MAX), "TYPE"),
        ("currency", json!("XXX"), "UNKNOWN_CURRENCY"),
        ("currency", json!("EU\u{0}"), "UNKNOWN_CURRENCY"),
        ("stock", json!(-1), "OUT_OF_RANGE"),
        ("stock", json!(true), "TYPE"),
    ] {
        let mut bad = lamp();
        bad[member] = value;
        let problem = shop
            .post(LIST, &bad)
            .await
            .problem(422, "VALIDATION_ERROR", LIST);
        assert_eq!(
            places(&problem),
            [place(&format!("/{member}"), code)],
            "{bad}"
        );
    }
    for not_an_object in [json!([]), json!("lamp"), json!(null), json!(1)] {
        let answer = shop.post(LIST, &not_an_object).await;
        assert_eq!(answer.problem(422, "VALIDATION_ERROR", LIST)["status"], 422);
    }
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_neither() {
    let shop = empty_shop().await;
    let body = lamp()
        .to_string()
        .replace('{', r#"{"name":"Another lamp","#);
    let answer = shop
        .send("POST", LIST, &[("content-type", "application/json")], body)
        .await;
    let problem = answer.problem(422, "VALIDATION_ERROR", LIST);
    assert_eq!(places(&problem), [place("/name", "DUPLICATE")]);
}

#[tokio::test]
async fn a_patch_keeps_the_same_rules() {
    let shop = empty_shop().await;
    let created = shop.post(LIST, &lamp()).await;
    let path = created.header("location").expect("says where");
    let bad = json!({ "name": null, "stock": -1, "version": 7, "description": 1 });
    let problem = shop
        .patch(path, "*", &bad)
        .await
        .problem(422, "VALIDATION_ERROR", path);
    let expected = [
        place("/name", "TYPE"),
        place("/description", "TYPE"),
        place("/stock", "OUT_OF_RANGE"),
        place("/version", "UNKNOWN"),
    ];
    assert_eq!(places(&problem), expected);
    assert_eq!(shop.get(path).await.json(), created.json());
}

#[tokio::test]
async fn a_flood_of_unknown_members_is_not_answered_with_a_flood() {
    let shop = empty_shop().await;
    let members: Vec<_> = (0..50_000)
        .map(|number| format!("\"{number}\":0"))
        .collect();
    let body = format!("{{{}}}", members.join(","));
    let answer = shop
        .send("POST", LIST, &[("content-type", "application/json")], body)
        .await;
    let problem = answer.problem(422, "VALIDATION_ERROR", LIST);
    assert_eq!(places(&problem).len(), 105);

    let body = format!("{{\"{}\":0}}", "x".repeat(500_000));
    let answer = shop
        .send("POST", LIST, &[("content-type", "application/json")], body)
        .await;
    let problem = answer.problem(422, "VALIDATION_ERROR", LIST);
    assert_eq!(places(&problem).last(), Some(&place("", "UNKNOWN")));
    assert!(answer.body.len() < 2000);
}
