//! Changes that say what they change, and those that do not.

use serde_json::json;
use uuid::Uuid;

use crate::server::{MERGE_PATCH, closed_shop, empty_shop, place, places, shop_with_lamp};

const LIST: &str = "/v1/products";

#[tokio::test]
async fn a_change_must_say_what_it_changes() {
    let (shop, path, created) = shop_with_lamp().await;
    let date = ("if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT");
    for headers in [
        &[MERGE_PATCH][..],
        // Two changes within a second are one to a date.
        &[MERGE_PATCH, date],
        &[MERGE_PATCH, ("if-none-match", "\"0\"")],
    ] {
        for (method, body) in [("PATCH", r#"{"stock":1}"#), ("DELETE", "")] {
            let answer = shop.send(method, &path, headers, body).await;
            let problem = answer.problem(428, "PRECONDITION_REQUIRED", &path);
            let detail = problem["detail"].as_str().expect("has a detail");
            assert!(detail.contains("If-Match"), "{detail}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    assert_eq!(shop.get(&path).await.json(), created.json());
}

#[tokio::test]
async fn a_change_of_another_state_is_refused_with_the_tag_of_this_one() {
    let (shop, path, _) = shop_with_lamp().await;
    let current = shop.patch(&path, "\"1\"", &json!({ "stock": 1 })).await;
    let others = [
        "\"1\"",
        "\"3\"",
        "W/\"2\"",
        "\"1\", W/\"2\"",
        "\"02\"",
        "\"\"",
        "",
    ];
    for other in others {
        for answer in [
            shop.patch(&path, other, &json!({ "stock": 5 })).await,
            // What would change nothing must be about what is there, too.
            shop.patch(&path, other, &json!({})).await,
            shop.delete(&path, other).await,
        ] {
            let problem = answer.problem(412, "PRECONDITION_FAILED", &path);
            assert_eq!(problem["currentEtag"], "\"2\"", "{other}");
            assert_eq!(answer.etag(), "\"2\"");
        }
    }
    assert_eq!(shop.get(&path).await.json(), current.json());
}

#[tokio::test]
async fn a_change_may_name_several_states_or_any() {
    let (shop, path, _) = shop_with_lamp().await;
    for (version, tags) in [(2, "*"), (3, "\"1\", \"2\""), (4, "W/\"2\" ,\"3\"")] {
        let patched = shop.patch(&path, tags, &json!({ "stock": version })).await;
        assert_eq!(patched.status, 200, "{tags}: {patched:?}");
        assert_eq!(patched.json()["version"], version);
    }
    // One list may stand on several lines.
    let lines = [MERGE_PATCH, ("if-match", "\"3\""), ("if-match", "\"4\"")];
    let answer = shop.send("PATCH", &path, &lines, r#"{"stock":7}"#).await;
    assert_eq!((answer.status.as_u16(), answer.etag()), (200, "\"5\""));
    // A patch that changes nothing keeps the version, and so the tag.
    let patched = shop.patch(&path, "\"5\"", &json!({ "stock": 7 })).await;
    assert_eq!((patched.status.as_u16(), patched.etag()), (200, "\"5\""));
    assert_eq!(shop.delete(&path, "*").await.status, 204);
}

#[tokio::test]
async fn a_tag_without_its_quotes_is_no_tag() {
    let (shop, path, created) = shop_with_lamp().await;
    for bad in [
        "1",
        "\"1",
        "W/1",
        "w/\"1\"",
        "*, \"1\"",
        "\"1\", 2",
        "\"1\" \"2\"",
    ] {
        for answer in [
            shop.patch(&path, bad, &json!({ "stock": 1 })).await,
            shop.delete(&path, bad).await,
        ] {
            let problem = answer.problem(400, "INVALID_PRECONDITION", &path);
            assert_eq!(places(&problem), [place("If-Match", "SYNTAX")], "{bad}");
            assert_eq!(problem["errors"][0]["header"], "If-Match");
        }
    }
    assert_eq!(shop.get(&path).await.json(), created.json());
}

#[tokio::test]
async fn a_deletion_with_a_tag_from_before_a_change_deletes_nothing() {
    let (shop, path, created) = shop_with_lamp().await;
    let patched = shop
        .patch(&path, created.etag(), &json!({ "stock": 1 }))
        .await;
    let refused = shop.delete(&path, created.etag()).await;
    refused.problem(412, "PRECONDITION_FAILED", &path);
    assert_eq!(shop.get(&path).await.json(), patched.json());
    assert_eq!(shop.delete(&path, refused.etag()).await.status, 204);
    shop.get(&path)
        .await
        .problem(404, "PRODUCT_NOT_FOUND", &path);
}

/// RFC 9110, section 13.2.1: a condition is of no interest where the answer without it would be an
/// error. The cases are in the order of the answers: each request is wrong in all the ways of
/// those after it, too.
#[tokio::test]
async fn whatever_else_is_wrong_comes_first() {
    let shop = empty_shop().await;
    let missing = format!("{LIST}/{}", Uuid::now_v7());
    let bad_id = format!("{LIST}/1");
    let conditions: [&[(&str, &str)]; 4] = [
        &[],
        &[("if-match", "\"0\"")],
        &[("if-match", "unquoted")],
        &[("if-match", "*")],
    ];
    for condition in conditions {
        let headers = [condition, &[MERGE_PATCH]].concat();
        for (method, path, query, body, status, code) in [
            ("PATCH", &bad_id, "?x", "{", 400, "INVALID_PATH"),
            ("PATCH", &missing, "?x", "{", 400, "INVALID_QUERY"),
            ("PATCH", &missing, "", "{", 400, "MALFORMED_JSON"),
            (
                "PATCH",
                &missing,
                "",
                "{\"stock\":-1}",
                422,
                "VALIDATION_ERROR",
            ),
            (
                "PATCH",
                &missing,
                "",
                "{\"stock\":1}",
                404,
                "PRODUCT_NOT_FOUND",
            ),
            ("DELETE", &bad_id, "?x", "", 400, "INVALID_PATH"),
            ("DELETE", &missing, "?x", "", 400, "INVALID_QUERY"),
            ("DELETE", &missing, "", "", 404, "PRODUCT_NOT_FOUND"),
        ] {
            let answer = shop
                .send(method, &format!("{path}{query}"), &headers, body)
                .await;
            answer.problem(status, code, path);
        }
        let closed = closed_shop().await;
        for method in ["PATCH", "DELETE"] {
            let answer = closed.send(method, &bad_id, &headers, "{").await;
            answer.problem(401, "AUTHENTICATION_REQUIRED", &bad_id);
        }
    }
}

#[tokio::test]
async fn errors_also_come_before_the_conditions_of_a_product_that_is_there() {
    let (shop, path, created) = shop_with_lamp().await;
    for condition in [&[][..], &[("if-match", "\"0\"")], &[("if-match", "1")]] {
        let headers = [condition, &[MERGE_PATCH]].concat();
        for (query, body, status, code) in [
            ("?x", "{", 400, "INVALID_QUERY"),
            ("", "{", 400, "MALFORMED_JSON"),
            ("", "{\"stock\":-1}", 422, "VALIDATION_ERROR"),
        ] {
            let answer = shop
                .send("PATCH", &format!("{path}{query}"), &headers, body)
                .await;
            answer.problem(status, code, &path);
        }
    }
    // To a reader, too.
    for known in ["\"1\"", "*"] {
        let asked = [("if-none-match", known)];
        let answer = shop.send("GET", &format!("{path}?x"), &asked, "").await;
        answer.problem(400, "INVALID_QUERY", &path);
    }
    assert_eq!(shop.delete(&path, created.etag()).await.status, 204);
    for known in ["\"1\"", "*"] {
        let answer = shop
            .send("GET", &path, &[("if-none-match", known)], "")
            .await;
        answer.problem(404, "PRODUCT_NOT_FOUND", &path);
    }
    for stale in ["\"0\"", "\"1\"", "1", "*"] {
        shop.delete(&path, stale)
            .await
            .problem(404, "PRODUCT_NOT_FOUND", &path);
        let patched = shop.patch(&path, stale, &json!({ "stock": 1 })).await;
        patched.problem(404, "PRODUCT_NOT_FOUND", &path);
    }
    for method in ["PATCH", "DELETE"] {
        let answer = shop.send(method, &path, &[MERGE_PATCH], "{}").await;
        answer.problem(404, "PRODUCT_NOT_FOUND", &path);
    }
}
