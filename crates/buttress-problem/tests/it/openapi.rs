//! Problems in an OpenAPI document as a user writes it, judged by a JSON Schema validator.

use std::collections::BTreeMap;

use boon::{Compiler, Schemas};
use buttress_problem::{Catalogue, JsonPointer, Problem, ProblemType, Violation};
use http::StatusCode;
use serde_json::{Value, json};
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{RefOr, Response},
};

const ORDER_NOT_FOUND: ProblemType = ProblemType::new(StatusCode::NOT_FOUND, "ORDER_NOT_FOUND")
    .with_type("https://errors.example.com/order-not-found")
    .with_title("Order not found")
    .with_description("There is no such order.\n\nIt may have been deleted.");

const ITEM_NOT_FOUND: ProblemType = ProblemType::new(StatusCode::NOT_FOUND, "ITEM_NOT_FOUND");

const OUT_OF_STOCK: ProblemType = ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK")
    .with_type("https://errors.example.com/out-of-stock")
    .with_title("Out of stock")
    .with_description("Somebody was faster.");

struct OrderError;

impl IntoResponses for OrderError {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let plain = [401, 405, 407, 426, 429, 500, 503]
            .map(|status| ProblemType::new(StatusCode::from_u16(status).unwrap(), "PLAIN"));
        let mut catalogue = Catalogue::from_iter([ORDER_NOT_FOUND, OUT_OF_STOCK, ITEM_NOT_FOUND]);
        catalogue.extend(plain);
        catalogue.to_responses()
    }
}

#[utoipa::path(put, path = "/orders/{id}", responses((status = 204), OrderError, Problem))]
#[expect(dead_code, reason = "only its documentation is looked at")]
fn put_order() {}

#[utoipa::path(
    get,
    path = "/orders",
    responses((status = "4XX", response = Problem), (status = "5XX", response = Problem))
)]
#[expect(dead_code, reason = "only its documentation is looked at")]
fn list_orders() {}

#[derive(OpenApi)]
#[openapi(
    paths(put_order, list_orders),
    components(schemas(Problem), responses(Problem))
)]
struct Api;

fn document() -> Value {
    serde_json::to_value(Api::openapi()).unwrap()
}

fn responses<'a>(document: &'a Value, path: &str, method: &str) -> &'a Value {
    &document["paths"][path][method]["responses"]
}

/// A check against a schema of the document, formats included (JSON Schema 2020-12, which is what
/// OpenAPI 3.1 uses).
fn validator(document: &Value, pointer: &str) -> impl Fn(&Value) -> Result<(), String> {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    let url = "https://api.example/openapi.json";
    compiler.add_resource(url, document.clone()).unwrap();
    let mut schemas = Schemas::new();
    let index = compiler
        .compile(&format!("{url}#{pointer}"), &mut schemas)
        .unwrap();
    move |value| {
        let valid = schemas.validate(value, index);
        valid.map_err(|error| error.to_string())
    }
}

fn walk(value: &Value, look: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                look(name, value);
                walk(value, look);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| walk(entry, look)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut count = 0;
    walk(&document, &mut |name, value| {
        if name == "$ref" {
            let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is missing");
            count += 1;
        }
    });
    assert!(count > 10, "{count}");
}

#[test]
fn there_is_one_response_for_each_status() {
    let document = document();
    let put = responses(&document, "/orders/{id}", "put");
    let statuses: Vec<_> = put.as_object().unwrap().keys().collect();
    let expected = [
        "204", "401", "404", "405", "407", "409", "426", "429", "500", "503", "default",
    ];
    assert_eq!(statuses, expected);
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for (status, response) in put.as_object().unwrap() {
        if status != "204" {
            assert!(!response["description"].as_str().unwrap().is_empty());
            let content = response["content"].as_object().unwrap();
            assert_eq!(content.len(), 1);
            assert_eq!(content["application/problem+json"]["schema"], problem);
        }
    }
    let get = responses(&document, "/orders", "get");
    for range in ["4XX", "5XX"] {
        assert_eq!(get[range]["$ref"], "#/components/responses/Problem");
    }
}

#[test]
fn every_kind_is_an_example_that_the_schema_allows() {
    let document = document();
    let validate = validator(&document, "/components/schemas/Problem");
    let put = responses(&document, "/orders/{id}", "put");
    let mut codes = Vec::new();
    for (status, response) in put.as_object().unwrap() {
        let examples = &response["content"]["application/problem+json"]["examples"];
        for (code, example) in examples.as_object().into_iter().flatten() {
            let value = &example["value"];
            validate(value).unwrap();
            assert_eq!(value["code"], **code);
            assert_eq!(value["status"].to_string(), *status);
            assert_eq!(value["title"], example["summary"]);
            codes.push(code.as_str());
        }
    }
    codes.dedup();
    assert_eq!(
        codes,
        [
            "PLAIN",
            "ITEM_NOT_FOUND",
            "ORDER_NOT_FOUND",
            "PLAIN",
            "OUT_OF_STOCK",
            "PLAIN"
        ]
    );
    let order = &put["404"]["content"]["application/problem+json"]["examples"]["ORDER_NOT_FOUND"];
    assert_eq!(
        order["value"]["type"],
        "https://errors.example.com/order-not-found"
    );
}

#[test]
fn kinds_that_share_a_code_are_all_there() {
    let other = OUT_OF_STOCK.with_type("https://errors.example.com/none-left");
    let responses = Catalogue::from_iter([OUT_OF_STOCK, other]).to_responses();
    let responses = serde_json::to_value(responses).unwrap();
    let examples = &responses["409"]["content"]["application/problem+json"]["examples"];
    assert_eq!(examples.as_object().unwrap().len(), 2);
}

#[test]
fn descriptions_come_from_the_kinds() {
    let document = document();
    let put = responses(&document, "/orders/{id}", "put");
    assert_eq!(
        put["409"]["description"],
        "Out of stock\n\nSomebody was faster."
    );
    assert_eq!(put["500"]["description"], "Internal Server Error");
    assert_eq!(
        put["404"]["description"],
        "Not Found\n\
         \n- `ITEM_NOT_FOUND`: Not Found\
         \n- `ORDER_NOT_FOUND`: Order not found\
         \n  There is no such order.\n  \n  It may have been deleted."
    );
}

#[test]
fn headers_that_belong_to_a_status_are_described() {
    let document = document();
    let put = responses(&document, "/orders/{id}", "put");
    for (status, name) in [
        ("401", "WWW-Authenticate"),
        ("405", "Allow"),
        ("407", "Proxy-Authenticate"),
        ("426", "Upgrade"),
        ("429", "Retry-After"),
        ("503", "Retry-After"),
    ] {
        assert_eq!(put[status]["headers"][name]["schema"]["type"], "string");
    }
    for status in ["404", "409", "500"] {
        assert!(put[status].get("headers").is_none());
    }
}

#[test]
fn the_schema_allows_what_is_sent_and_nothing_wrong() {
    let document = document();
    let validate = validator(&document, "/components/schemas/Problem");
    let sent = Problem::validation([
        Violation::pointer(JsonPointer::root().join("a/b"), "too long").with_code("TOO_LONG"),
        Violation::parameter("limit", "must be from 1 to 100"),
        Violation::header("if-match", "not an entity tag"),
    ])
    .with_detail("3 things are wrong")
    .with_instance(buttress_problem::UriReference::from_static("urn:uuid:7"))
    .with_extension("traceId", "4bf92f3577b34da6a3ce929d0e0e4736")
    .with_extension("requestId", "01JD9Q5V7Z")
    .with_extension("anything", json!({"at": ["all"]}));
    let sent: Value = serde_json::from_slice(&sent.to_json()).unwrap();
    validate(&sent).unwrap();
    for (member, wrong) in [
        ("type", json!("not a reference")),
        ("type", json!(null)),
        ("title", json!(5)),
        ("status", json!("422")),
        ("status", json!(600)),
        ("status", json!(99)),
        ("detail", json!(["x"])),
        ("instance", json!("http://[")),
        ("code", json!(7)),
        ("requestId", json!(7)),
        ("traceId", json!("4BF9")),
        ("errors", json!({})),
        ("errors", json!([{"pointer": "/a"}])),
        ("errors", json!([{"pointer": "a", "detail": "x"}])),
        ("errors", json!([{"parameter": 5, "detail": "x"}])),
    ] {
        let mut document = sent.clone();
        document[member] = wrong.clone();
        assert!(validate(&document).is_err(), "{member}: {wrong}");
    }
    for member in ["type", "title", "status", "code"] {
        let mut document = sent.clone();
        document.as_object_mut().unwrap().remove(member);
        assert!(validate(&document).is_err(), "{member}");
    }
}

/// The examples inside the schemas themselves.
#[test]
fn the_schemas_follow_their_own_examples() {
    let document = document();
    for name in ["Problem", "Violation"] {
        let pointer = format!("/components/schemas/{name}");
        let examples = document.pointer(&format!("{pointer}/examples")).unwrap();
        for example in examples.as_array().unwrap() {
            validator(&document, &pointer)(example).unwrap();
        }
        assert!(!examples.as_array().unwrap().is_empty());
    }
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(
        Api::openapi().to_json().unwrap(),
        Api::openapi().to_json().unwrap()
    );
}
