//! What the catalogue answers to good requests.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{demo_shop, empty_shop, lamp};

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("has data");
    data.iter()
        .map(|product| product["name"].as_str().expect("has a name"))
        .collect()
}

#[tokio::test]
async fn a_list_is_one_page_of_20_newest_first() {
    let shop = demo_shop().await;
    let answer = shop.get("/v1/products").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list = answer.json();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(20));
    let pagination =
        json!({ "limit": 20, "hasMore": true, "nextCursor": null, "prevCursor": null });
    assert_eq!(list["pagination"], pagination);
    let times: Vec<DateTime<Utc>> = list["data"]
        .as_array()
        .expect("has data")
        .iter()
        .map(|product| {
            product["createdAt"]
                .as_str()
                .expect("has a time")
                .parse()
                .expect("a time")
        })
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer > older),
        "{times:?}"
    );
}

#[tokio::test]
async fn the_limit_is_from_1_to_100_and_the_total_is_counted_when_asked_for() {
    let shop = demo_shop().await;
    for (limit, more) in [(1, true), (100, true)] {
        let list = shop
            .get(&format!("/v1/products?limit={limit}&total=true"))
            .await
            .json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(limit));
        assert_eq!(list["pagination"]["limit"], limit);
        assert_eq!(list["pagination"]["hasMore"], more);
        assert_eq!(list["pagination"]["total"], 200);
    }
    let list = shop
        .get("/v1/products?limit=100&q=lamp&total=true")
        .await
        .json();
    assert_eq!(list["pagination"]["hasMore"], false);
    assert_eq!(
        list["pagination"]["total"],
        list["data"].as_array().map_or(0, Vec::len)
    );
    let list = shop.get("/v1/products?total=false").await.json();
    assert!(list["pagination"].get("total").is_none());
}

#[tokio::test]
async fn filters_hold_together() {
    let shop = demo_shop().await;
    let list = shop
        .get("/v1/products?q=LAMP&minPriceMinor=5000&maxPriceMinor=10000&inStock=true&limit=100")
        .await
        .json();
    let data = list["data"].as_array().expect("has data");
    assert!(!data.is_empty());
    for product in data {
        assert!(
            product["name"]
                .as_str()
                .is_some_and(|name| name.contains("lamp")),
            "{product}"
        );
        assert!(
            (5000..=10000).contains(&product["priceMinor"].as_i64().unwrap_or(0)),
            "{product}"
        );
        assert!(product["stock"].as_i64() > Some(0), "{product}");
    }
    let sold_out = shop
        .get("/v1/products?inStock=false&limit=100")
        .await
        .json();
    let sold_out = sold_out["data"].as_array().expect("has data").clone();
    assert!(!sold_out.is_empty() && sold_out.iter().all(|product| product["stock"] == 0));
    let everything = shop.get("/v1/products?q=&total=true").await.json();
    assert_eq!(everything["pagination"]["total"], 200);
}

#[tokio::test]
async fn q_takes_wildcards_and_encoded_text_literally() {
    let shop = empty_shop().await;
    for name in ["100% wool", "Größe ½", "a+b"] {
        let mut product = lamp();
        product["name"] = name.into();
        assert_eq!(shop.post("/v1/products", &product).await.status, 201);
    }
    for (q, name) in [
        ("%25", "100% wool"),
        ("Gr%C3%B6%C3%9Fe", "Größe ½"),
        ("a%2Bb", "a+b"),
    ] {
        let list = shop.get(&format!("/v1/products?q={q}")).await.json();
        assert_eq!(names(&list), [name]);
    }
    assert!(names(&shop.get("/v1/products?q=_").await.json()).is_empty());
}

#[tokio::test]
async fn sorts_by_several_terms_in_either_direction() {
    let shop = empty_shop().await;
    for (name, price) in [("b", 1), ("B", 2), ("a", 2), ("é", 1)] {
        let mut product = lamp();
        product["name"] = name.into();
        product["priceMinor"] = price.into();
        assert_eq!(shop.post("/v1/products", &product).await.status, 201);
    }
    for (sort, expected) in [
        ("name", ["B", "a", "b", "é"]),
        ("-name", ["é", "b", "a", "B"]),
        ("createdAt", ["b", "B", "a", "é"]),
        ("-createdAt", ["é", "a", "B", "b"]),
        ("priceMinor,-name", ["é", "b", "a", "B"]),
        ("-priceMinor,name", ["B", "a", "b", "é"]),
    ] {
        let list = shop.get(&format!("/v1/products?sort={sort}")).await.json();
        assert_eq!(names(&list), expected, "{sort}");
    }
}

#[tokio::test]
async fn fields_cut_the_products_down() {
    let shop = demo_shop().await;
    let list = shop.get("/v1/products?limit=2&fields=name,id").await.json();
    for product in list["data"].as_array().expect("has data") {
        let members: Vec<_> = product.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["id", "name"]);
    }
}

#[tokio::test]
async fn what_is_created_can_be_read() {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    assert_eq!(created.status, 201);
    let product = created.json();
    let id: Uuid = product["id"]
        .as_str()
        .expect("has an id")
        .parse()
        .expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    let location = created.header("location").expect("says where");
    assert_eq!(location, format!("/v1/products/{id}"));
    assert_eq!(product["version"], 1);
    for (name, value) in lamp().as_object().expect("an object") {
        assert_eq!(&product[name], value);
    }
    for time in ["createdAt", "updatedAt"] {
        let time = product[time].as_str().expect("has times");
        assert!(
            time.ends_with('Z') && time.parse::<DateTime<Utc>>().is_ok(),
            "{time}"
        );
    }
    let read = shop.get(location).await;
    assert_eq!((read.status.as_u16(), read.json()), (200, product));
}

#[tokio::test]
async fn the_limits_of_the_rules_are_inside() {
    let shop = empty_shop().await;
    let product = json!({
        "name": "💡".repeat(200),
        "description": "ü".repeat(4000),
        "priceMinor": 9_007_199_254_740_991_i64,
        "currency": "JPY",
        "stock": 0,
    });
    let created = shop.post("/v1/products", &product).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["name"], product["name"]);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_the_next_read_shows_it() {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    let path = created.header("location").expect("says where");

    let patched = shop
        .patch(
            path,
            created.etag(),
            &json!({ "stock": 11, "description": "" }),
        )
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let product = patched.json();
    assert_eq!(
        (&product["stock"], &product["description"]),
        (&json!(11), &json!(""))
    );
    assert_eq!(
        (&product["version"], &product["name"]),
        (&json!(2), &json!("Desk lamp"))
    );
    assert_eq!(shop.get(path).await.json(), product);

    let plain = [
        ("content-type", "Application/JSON; charset=utf-8"),
        ("if-match", patched.etag()),
    ];
    let patched = shop
        .send("PATCH", path, &plain, r#"{"stock":10}"#)
        .await
        .json();
    assert_eq!(
        (&patched["stock"], &patched["version"]),
        (&json!(10), &json!(3))
    );
    assert_eq!(patched["createdAt"], product["createdAt"]);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    let path = created.header("location").expect("says where");
    for patch in [json!({}), json!({ "name": "Desk lamp", "stock": 12 })] {
        let patched = shop.patch(path, created.etag(), &patch).await;
        assert_eq!(
            (patched.status.as_u16(), patched.json()),
            (200, created.json())
        );
    }
}

#[tokio::test]
async fn a_deleted_product_is_not_found_by_anybody() {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    let path = created.header("location").expect("says where");
    let deleted = shop.delete(path, created.etag()).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    shop.get(path).await.problem(404, "PRODUCT_NOT_FOUND", path);
    shop.delete(path, "*")
        .await
        .problem(404, "PRODUCT_NOT_FOUND", path);
    shop.patch(path, "*", &json!({ "stock": 1 }))
        .await
        .problem(404, "PRODUCT_NOT_FOUND", path);
    assert_eq!(
        shop.get("/v1/products?total=true").await.json()["pagination"]["total"],
        0
    );
}
