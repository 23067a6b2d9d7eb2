//! The OpenAPI document, looked at as a whole.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    people::sign_up_and_in,
    server::{demo_shop, empty_shop},
};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("has paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = METHODS
                .into_iter()
                .filter(|method| item.get(*method).is_some());
            methods.map(move |method| (path.as_str(), method, &item[method]))
        })
        .collect()
}

fn references<'a>(node: &'a Value, found: &mut Vec<&'a str>) {
    match node {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(&reference[1..]).expect("resolves"),
        None => node,
    }
}

#[tokio::test]
async fn it_is_openapi_3_1_and_every_reference_resolves() {
    let shop = empty_shop().await;
    let answer = shop.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    assert!(
        document["info"]["version"]
            .as_str()
            .is_some_and(|version| !version.is_empty())
    );
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("is in the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn it_has_the_operations_each_with_an_id_and_a_summary() {
    let document = empty_shop().await.get("/openapi.json").await.json();
    let found: Vec<_> = operations(&document)
        .iter()
        .map(|(path, method, _)| format!("{method} {path}"))
        .collect();
    for expected in [
        "get /v1/products",
        "post /v1/products",
        "get /v1/products/{id}",
        "patch /v1/products/{id}",
        "delete /v1/products/{id}",
        "post /v1/auth/register",
        "post /v1/auth/login",
        "post /v1/auth/refresh",
        "post /v1/auth/logout",
        "get /v1/auth/sessions",
        "delete /v1/auth/sessions",
        "delete /v1/auth/sessions/{id}",
        "get /.well-known/jwks.json",
        "get /v1/users",
        "get /v1/users/me",
        "get /v1/users/{id}",
        "get /livez",
        "get /readyz",
    ] {
        assert!(
            found.iter().any(|operation| operation == expected),
            "{expected}"
        );
    }
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("has an id");
        assert!(ids.insert(id), "{id} is there twice");
        assert!(operation["summary"].as_str().is_some(), "{method} {path}");
        assert!(operation["tags"][0].as_str().is_some(), "{method} {path}");
    }
}

#[tokio::test]
async fn every_error_is_documented_as_a_problem() {
    let document = empty_shop().await.get("/openapi.json").await.json();
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("has responses");
        assert!(responses.contains_key("500"), "{method} {path}");
        for (status, response) in responses {
            let response = resolved(&document, response);
            assert!(
                response["description"].as_str().is_some(),
                "{method} {path} {status}"
            );
            let content = response["content"].as_object();
            if status.starts_with(['4', '5']) {
                let content = content.expect("has content");
                assert!(
                    content.keys().eq(["application/problem+json"]),
                    "{method} {path} {status}"
                );
                let schema = resolved(&document, &content["application/problem+json"]["schema"]);
                assert!(schema.is_object() && schema != &Value::Object(Default::default()));
            } else {
                let json = content.is_some_and(|content| {
                    let mut types = content.keys();
                    types.any(|name| name == "application/json" || name.ends_with("+json"))
                });
                let empty = matches!(status.as_str(), "204" | "304");
                assert!(json != empty, "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn it_names_the_statuses_that_the_operations_answer_with() {
    let document = empty_shop().await.get("/openapi.json").await.json();
    for (path, method, statuses) in [
        (
            "/v1/products",
            "get",
            &["200", "400", "401", "422", "429", "500", "503"][..],
        ),
        (
            "/v1/products",
            "post",
            &[
                "201", "400", "401", "403", "413", "415", "422", "429", "500", "503",
            ],
        ),
        (
            "/v1/products/{id}",
            "get",
            &["200", "304", "400", "401", "404", "429", "500", "503"],
        ),
        (
            "/v1/products/{id}",
            "patch",
            &[
                "200", "400", "401", "403", "404", "412", "413", "415", "422", "428", "429", "500",
                "503",
            ],
        ),
        (
            "/v1/products/{id}",
            "delete",
            &[
                "204", "400", "401", "403", "404", "412", "428", "429", "500", "503",
            ],
        ),
        (
            "/v1/auth/register",
            "post",
            &[
                "201", "400", "409", "413", "415", "422", "429", "500", "503",
            ],
        ),
        (
            "/v1/auth/login",
            "post",
            &[
                "200", "400", "401", "413", "415", "422", "429", "500", "503",
            ],
        ),
        (
            "/v1/auth/refresh",
            "post",
            &[
                "200", "400", "401", "413", "415", "422", "429", "500", "503",
            ],
        ),
        (
            "/v1/auth/logout",
            "post",
            &["204", "400", "413", "415", "422", "429", "500", "503"],
        ),
        (
            "/v1/auth/sessions",
            "get",
            &["200", "400", "401", "403", "429", "500", "503"],
        ),
        (
            "/v1/auth/sessions/{id}",
            "delete",
            &["204", "400", "401", "403", "404", "429", "500", "503"],
        ),
        (
            "/v1/users",
            "get",
            &["200", "400", "401", "403", "429", "500", "503"],
        ),
        (
            "/v1/users/{id}",
            "get",
            &[
                "200", "304", "400", "401", "403", "404", "429", "500", "503",
            ],
        ),
        ("/readyz", "get", &["200", "500", "503"]),
    ] {
        let responses = &document["paths"][path][method]["responses"];
        let found: Vec<_> = responses
            .as_object()
            .expect("has responses")
            .keys()
            .collect();
        assert_eq!(found, statuses, "{method} {path}");
    }
}

#[tokio::test]
async fn it_says_which_operations_take_and_give_tags() {
    let document = empty_shop().await.get("/openapi.json").await.json();
    for (path, method, parameter, required) in [
        ("/v1/products", "get", None, false),
        ("/v1/products", "post", None, false),
        ("/v1/products/{id}", "get", Some("If-None-Match"), false),
        ("/v1/products/{id}", "patch", Some("If-Match"), true),
        ("/v1/products/{id}", "delete", Some("If-Match"), true),
    ] {
        let parameters = document["paths"][path][method]["parameters"].as_array();
        let headers: Vec<_> = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "header")
            .collect();
        let names = headers.iter().map(|header| header["name"].as_str());
        assert!(
            names.eq(parameter.map(Some)),
            "{method} {path}: {headers:?}"
        );
        for header in headers {
            assert_eq!(header["required"], required, "{header}");
            assert_eq!(header["schema"]["type"], "string", "{header}");
            assert_eq!(header["example"], "\"1\"", "{header}");
        }
    }
    for (path, method, status, tagged) in [
        ("/v1/products", "get", "200", false),
        ("/v1/products", "post", "201", true),
        ("/v1/products/{id}", "get", "200", true),
        ("/v1/products/{id}", "get", "304", true),
        ("/v1/products/{id}", "patch", "200", true),
        ("/v1/products/{id}", "delete", "204", false),
    ] {
        let response = &document["paths"][path][method]["responses"][status];
        let headers = &resolved(&document, response)["headers"];
        assert_eq!(
            headers["ETag"].is_object(),
            tagged,
            "{method} {path} {status}"
        );
    }
}

#[tokio::test]
async fn the_members_are_those_that_are_sent() {
    let shop = demo_shop().await;
    let document = shop.get("/openapi.json").await.json();
    let list = shop.get("/v1/products?limit=1&total=true").await.json();
    let users = shop.get("/v1/users?limit=1&total=true").await.json();
    let sessions = shop.get("/v1/auth/sessions").await.json();
    let pair = sign_up_and_in(&shop, "ada@shop.example").await;
    let schemas = &document["components"]["schemas"];
    for (schema, sent) in [
        ("Product", &list["data"][0]),
        ("Pagination", &list["pagination"]),
        ("ProductList", &list),
        ("User", &users["data"][0]),
        ("UserList", &users),
        ("Session", &sessions["data"][0]),
        ("SessionList", &sessions),
        ("TokenPair", &pair),
    ] {
        let documented: BTreeSet<_> = schemas[schema]["properties"]
            .as_object()
            .expect(schema)
            .keys()
            .collect();
        let sent: BTreeSet<_> = sent.as_object().expect("is an object").keys().collect();
        assert_eq!(documented, sent, "{schema}");
    }
}

#[tokio::test]
async fn required_members_are_always_sent() {
    let shop = demo_shop().await;
    let document = shop.get("/openapi.json").await.json();
    let list = shop.get("/v1/products?limit=1").await.json();
    for (schema, sent) in [
        ("Product", &list["data"][0]),
        ("Pagination", &list["pagination"]),
    ] {
        let required: BTreeSet<_> = document["components"]["schemas"][schema]["required"]
            .as_array()
            .expect(schema)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let sent: BTreeSet<_> = sent
            .as_object()
            .expect(schema)
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(required, sent, "{schema}");
    }
}

#[tokio::test]
async fn the_documented_limits_are_the_real_ones() {
    let document = empty_shop().await.get("/openapi.json").await.json();
    let create = &document["components"]["schemas"]["CreateProduct"];
    let required: BTreeSet<_> = create["required"]
        .as_array()
        .expect("has required")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        required,
        BTreeSet::from(["name", "description", "priceMinor", "currency", "stock"])
    );
    assert_eq!(create["properties"]["name"]["maxLength"], 200);
    assert_eq!(create["properties"]["name"]["minLength"], 1);
    assert_eq!(create["properties"]["description"]["maxLength"], 4000);
    assert_eq!(create["properties"]["priceMinor"]["minimum"], 0);
    assert_eq!(create["additionalProperties"], false);
    let patch = &document["components"]["schemas"]["PatchProduct"];
    assert!(patch.get("required").is_none());
    assert_eq!(patch["additionalProperties"], false);
    let parameters = document["paths"]["/v1/products"]["get"]["parameters"]
        .as_array()
        .expect("has some");
    let names: Vec<_> = parameters
        .iter()
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let expected = [
        "limit",
        "sort",
        "fields",
        "total",
        "q",
        "minPriceMinor",
        "maxPriceMinor",
        "inStock",
    ];
    assert_eq!(names, expected);
    assert_eq!(parameters[0]["schema"]["maximum"], 100);
}

#[tokio::test]
async fn every_documented_get_works_as_documented() {
    let shop = demo_shop().await;
    let document = shop.get("/openapi.json").await.json();
    let first = shop.get("/v1/products?limit=1").await.json();
    let id = first["data"][0]["id"].as_str().expect("has an id");
    let me = shop.get("/v1/users/me").await.json();
    let user_id = me["id"].as_str().expect("has an id");
    for (path, _, operation) in operations(&document)
        .into_iter()
        .filter(|(_, method, _)| *method == "get")
    {
        let id = match path {
            "/v1/users/{id}" => user_id,
            _ => id,
        };
        let answer = shop.get(&path.replace("{id}", id)).await;
        assert!(
            operation["responses"].get(answer.status.as_str()).is_some(),
            "{path}"
        );
        assert_eq!(answer.status, 200, "{path}");
    }
}
