//! Queries and paths (B6.11, B6.12, B3.13).

use axum::{Router, routing};
use buttress_problem::axum::{Path, Query};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Answer, get, send};
use crate::support::Log;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to be refused")]
struct Search {
    q: String,
    max_price: Option<u32>,
    in_stock: Option<bool>,
    sort: Option<Sort>,
    #[serde(default)]
    id: Vec<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Name,
    Price,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Flat {
    #[serde(flatten)]
    more: Limit,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Limit {
    limit: u8,
}

async fn query<T: DeserializeOwned + Send + 'static>(query: &str) -> Answer {
    let router = Router::new().route("/", routing::get(async |_: Query<T>| ()));
    send(router, get(&format!("/?{query}"))).await
}

#[tokio::test]
async fn a_query_that_fits_is_read() {
    for fits in [
        "q=a",
        "q=a%20b+c&maxPrice=7&inStock=on&sort=name&id=1&id=2",
        "q=&maxPrice=",
    ] {
        assert_eq!(query::<Search>(fits).await.status, 200, "{fits}");
    }
    let router = Router::new().route(
        "/",
        routing::get(async |search: Query<Search>| format!("{:?} {:?}", search.q, search.id)),
    );
    let answer = send(router, get("/?q=k%C3%A4se&id=1&id=2")).await;
    assert_eq!(answer.text, r#""käse" [1, 2]"#);
}

#[tokio::test]
async fn a_query_that_does_not_fit_names_the_parameter() {
    for (text, error) in [
        ("", ("q", "is required", "MISSING")),
        (
            "q=a&maxPrice=cheap",
            ("maxPrice", "must be an integer", "TYPE"),
        ),
        (
            "q=a&maxPrice=-1",
            ("maxPrice", "must be an integer", "TYPE"),
        ),
        (
            "q=a&maxPrice=99999999999",
            ("maxPrice", "is too large", "VALUE"),
        ),
        (
            "q=a&maxPrice=1&maxPrice=2",
            ("maxPrice", "is given more than once", "DUPLICATE"),
        ),
        (
            "q=a&inStock=perhaps",
            ("inStock", r#"must be "true", "on" or "false""#, "VALUE"),
        ),
        (
            "q=a&sort=colour",
            ("sort", "must be `name` or `price`", "VALUE"),
        ),
        ("q=a&id=1&id=x", ("id", "must be an integer", "TYPE")),
        ("q=%zz", ("q", "is not percent-encoded UTF-8", "ENCODING")),
        ("q=100%", ("q", "is not percent-encoded UTF-8", "ENCODING")),
        (
            "q=a&max%50rice=%FF",
            ("maxPrice", "is not percent-encoded UTF-8", "ENCODING"),
        ),
    ] {
        let answer = query::<Search>(text).await;
        answer.is_problem(400, "INVALID_QUERY");
        assert_eq!(answer.errors(), [error], "{text}");
    }
    let answer = query::<Search>("q=a&colour=red").await;
    answer.is_problem(400, "INVALID_QUERY");
    let (parameter, detail, code) = answer.errors()[0];
    assert_eq!((parameter, code), ("colour", "UNKNOWN"));
    assert!(
        detail.starts_with("is not known here; expected one of `q`"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_flattened_query_names_the_parameter_where_it_can() {
    let answer = query::<Flat>("x=1").await;
    assert_eq!(answer.errors(), [("limit", "is required", "MISSING")]);
    let answer = query::<Flat>("x=1&limit=5").await;
    assert_eq!(
        answer.errors(),
        [("limit", "must be an integer from 0 to 255", "TYPE")]
    );
}

#[tokio::test]
async fn an_unreadable_or_endless_name_is_not_repeated() {
    for text in [
        "q=a&%FF=1".to_owned(),
        format!("q=a&{}=1", "x".repeat(5000)),
    ] {
        let answer = query::<Search>(&text).await;
        answer.is_problem(400, "INVALID_QUERY");
        assert!(answer.errors().is_empty());
        assert!(answer.body["detail"].is_string() && answer.text.len() < 500);
    }
}

#[tokio::test]
async fn a_query_never_repeats_a_value() {
    for text in [
        "q=a&maxPrice=hunter2",
        "q=a&sort=hunter2",
        "q=a&inStock=hunter2",
        "q=a&id=hunter2",
    ] {
        let answer = query::<Search>(text).await;
        answer.is_problem(400, "INVALID_QUERY");
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be refused")]
struct Place {
    shop: Short,
    product: u32,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
#[expect(dead_code, reason = "read to be refused")]
struct Short(String);

impl TryFrom<String> for Short {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.len() {
            0..=3 => Ok(Self(text)),
            4..=7 => Err("must have at most 3 characters".to_owned()),
            _ => Err(format!("{text} is much too long")),
        }
    }
}

async fn path<T: DeserializeOwned + Send + 'static>(route: &str, uri: &str) -> Answer {
    let router = Router::new().route(route, routing::get(async |_: Path<T>| ()));
    send(router, get(uri)).await
}

const ROUTE: &str = "/shops/{shop}/products/{product}";

#[tokio::test]
async fn a_path_that_does_not_fit_names_the_parameter() {
    let integer = "must be an integer from 0 to 4294967295";
    for (uri, error) in [
        ("/shops/a/products/x", ("product", integer, "TYPE")),
        (
            "/shops/four/products/1",
            ("shop", "must have at most 3 characters", "VALUE"),
        ),
        (
            "/shops/hunter2hunter2/products/1",
            ("shop", "is not valid", "VALUE"),
        ),
        (
            "/shops/%FF/products/1",
            ("shop", "is not percent-encoded UTF-8", "ENCODING"),
        ),
    ] {
        let answer = path::<Place>(ROUTE, uri).await;
        answer.is_problem(400, "INVALID_PATH");
        assert_eq!(answer.errors(), [error], "{uri}");
    }
    let answer = path::<(String, u32)>(ROUTE, "/shops/a/products/x").await;
    answer.is_problem(400, "INVALID_PATH");
    assert_eq!(answer.errors(), [("product", integer, "TYPE")]);

    let answer = path::<u32>("/products/{id}", "/products/hunter2").await;
    answer.is_problem(400, "INVALID_PATH");
    assert_eq!(answer.errors(), [("id", integer, "TYPE")]);
    assert!(!answer.text.contains("hunter2"));

    let answer = path::<Short>("/shops/{id}", "/shops/four").await;
    assert_eq!(
        answer.errors(),
        [("id", "must have at most 3 characters", "VALUE")]
    );

    let answer = path::<Sort>("/by/{sort}", "/by/colour").await;
    assert_eq!(
        answer.errors(),
        [("sort", "must be `name` or `price`", "VALUE")]
    );

    assert_eq!(
        path::<Place>(ROUTE, "/shops/a%20b/products/1").await.status,
        200
    );
}

/// B3.13: what only the program can get wrong says nothing outside, and all in the log.
#[tokio::test]
async fn a_route_that_does_not_fit_its_handler_is_a_silent_500() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read to be refused")]
    struct Elsewhere {
        elsewhere: String,
    }

    async fn check<T: DeserializeOwned + Send + 'static>(route: &str, uri: &str, cause: &str) {
        let log = Log::capture();
        let answer = path::<T>(route, uri).await;
        answer.is_problem(500, "INTERNAL_SERVER_ERROR");
        assert_eq!(answer.body.get("detail"), None);
        assert!(answer.errors().is_empty());
        assert_eq!(log.count(cause), 1, "{}", log.text());
    }

    check::<u32>(
        ROUTE,
        "/shops/a/products/1",
        "Wrong number of path arguments",
    )
    .await;
    check::<(u32, u32, u32)>(ROUTE, "/shops/a/products/1", "Wrong number of path").await;
    check::<Option<u32>>("/{id}", "/1", "Unsupported type").await;
    check::<Elsewhere>("/{id}", "/1", "missing field `elsewhere`").await;
    let log = Log::capture();
    let bare = Router::new().fallback(async |_: Path<u32>| ());
    let answer = send(bare, get("/1")).await;
    answer.is_problem(500, "INTERNAL_SERVER_ERROR");
    assert_eq!(log.count("request failed"), 1, "{}", log.text());
}

#[tokio::test]
async fn an_optional_path_may_be_absent_but_not_wrong() {
    let handler = async |id: Option<Path<u32>>| format!("{:?}", id.map(|Path(id)| id));
    let router = Router::new()
        .route("/all", routing::get(handler))
        .route("/one/{id}", routing::get(handler));
    assert_eq!(send(router.clone(), get("/all")).await.text, "None");
    assert_eq!(send(router.clone(), get("/one/7")).await.text, "Some(7)");
    send(router, get("/one/x"))
        .await
        .is_problem(400, "INVALID_PATH");
}
