//! Requirements in OpenAPI documents.

use buttress_jwt::{BearerLayer, BearerScheme, Rejection, Require, RequireLayer};
use buttress_problem::{Answers, Catalogue, Problem, ProblemType, Problems};
use serde_json::{Value, json};
use utoipa::{
    OpenApi,
    openapi::path::{Operation, Paths},
};

const SCHEME: BearerScheme = BearerScheme::new("accessToken");

fn documented(require: &Require) -> Value {
    let mut operation = Operation::new();
    SCHEME.require(&mut operation, require);
    serde_json::to_value(operation).unwrap()
}

fn role(name: &'static str) -> Require {
    Require::role(name)
}

fn scope(name: &'static str) -> Require {
    Require::scope(name)
}

fn own() -> Require {
    Require::check("own `order`", |_, _| true)
}

fn asked() -> Require {
    Require::check_async("asked", |_, _| async { Ok::<_, std::io::Error>(true) })
}

#[test]
fn requirements_are_alternatives_of_names() {
    let many = (0..17).map(|n| Require::role(n.to_string()));
    for (require, security) in [
        (Require::authenticated(), json!([[]])),
        (role("admin"), json!([["admin"]])),
        (
            Require::all([scope("a:read"), scope("a:write")]),
            json!([["a:read", "a:write"]]),
        ),
        (
            Require::any([role("admin"), Require::all([role("clerk"), scope("a")])]),
            json!([["admin"], ["clerk", "a"]]),
        ),
        (
            Require::all([role("clerk"), Require::not(role("suspended")), own()]),
            json!([["clerk"]]),
        ),
        // An empty list would say that nothing is required.
        (Require::any([]), json!([[]])),
        (Require::any(many), json!([[]])),
    ] {
        let document = documented(&require);
        let names = |entry: &Value| entry["accessToken"].clone();
        let alternatives = document["security"].as_array().unwrap();
        let alternatives: Vec<_> = alternatives.iter().map(names).collect();
        assert_eq!(json!(alternatives), security, "{require}");
        assert_eq!(document["x-require"], json!(require.to_string()));
    }
}

#[test]
fn the_description_has_all_of_it() {
    let mut operation = Operation::new();
    operation.description = Some("Changes an order.".to_owned());
    let require = Require::all([role("clerk"), own()]);
    SCHEME.require(&mut operation, &require);
    let text = "Changes an order.\n\nRequires `role(clerk) and check(own 'order')`.";
    assert_eq!(operation.description.as_deref(), Some(text));
    // Another scheme is another way, and no other requirement.
    BearerScheme::new("cookie").require(&mut operation, &require);
    assert_eq!(operation.description.as_deref(), Some(text));
    let document = serde_json::to_value(operation).unwrap();
    assert_eq!(
        document["security"],
        json!([{"accessToken": ["clerk"]}, {"cookie": ["clerk"]}])
    );
}

/// As layers around one another do.
#[test]
fn requirements_around_one_another_are_met_together() {
    let mut operation = Operation::new();
    BearerScheme::new("cookie").require(&mut operation, &role("admin"));
    SCHEME.require(
        &mut operation,
        &Require::any([role("admin"), role("clerk")]),
    );
    SCHEME.require(&mut operation, &scope("orders:write"));
    let document = serde_json::to_value(operation).unwrap();
    assert_eq!(
        document["security"],
        json!([
            {"cookie": ["admin"]},
            {"accessToken": ["admin", "orders:write"]},
            {"accessToken": ["clerk", "orders:write"]},
        ])
    );
    assert_eq!(
        document["x-require"],
        "(role(admin) or (role(admin) or role(clerk))) and scope(orders:write)"
    );

    let many: Vec<_> = (0..10).map(|n| Require::role(format!("r{n}"))).collect();
    let mut operation = Operation::new();
    SCHEME.require(&mut operation, &Require::any(many.clone()));
    SCHEME.require(
        &mut operation,
        &Require::any(many.into_iter().chain([role("x")])),
    );
    let document = serde_json::to_value(operation).unwrap();
    assert_eq!(document["security"], json!([{"accessToken": []}]));
}

#[test]
fn the_answers_are_those_that_there_can_be() {
    let codes = |require: &Require| {
        let document = documented(require);
        let mut codes = Vec::new();
        for (status, answer) in document["responses"].as_object().unwrap() {
            let content = &answer["content"]["application/problem+json"];
            for (code, example) in content["examples"].as_object().unwrap() {
                assert_eq!(example["value"]["status"].to_string(), *status);
                codes.push(format!("{status} {code}"));
            }
        }
        codes.sort_unstable();
        codes
    };
    let always = [
        "400 INVALID_REQUEST",
        "401 AUTHENTICATION_REQUIRED",
        "401 INVALID_TOKEN",
    ];
    let (forbidden, scopes) = ("403 FORBIDDEN", "403 INSUFFICIENT_SCOPE");
    for (require, others) in [
        (Require::authenticated(), &[][..]),
        (role("a"), &[forbidden]),
        (scope("a"), &[scopes]),
        (Require::all([scope("a"), role("b")]), &[forbidden, scopes]),
        (Require::any([scope("a"), role("b")]), &[scopes]),
        (Require::any([]), &[forbidden]),
        (Require::not(scope("a")), &[forbidden]),
        (asked(), &[forbidden, "503 SERVICE_UNAVAILABLE"]),
    ] {
        assert_eq!(codes(&require), [&always, others].concat(), "{require}");
    }
}

/// What the operations answer themselves, with a status that the layers have too.
struct Closed;

impl Answers for Closed {
    fn problems() -> Catalogue {
        Catalogue::from_iter([ProblemType::new(http::StatusCode::FORBIDDEN, "CLOSED")])
    }
}

#[utoipa::path(get, path = "/layers", responses((status = 200), Problems<(Closed, BearerLayer, RequireLayer)>))]
#[expect(dead_code, reason = "only its documentation is looked at")]
fn layers() {}

#[utoipa::path(get, path = "/rejection", responses((status = 200), Problems<(Closed, Rejection)>))]
#[expect(dead_code, reason = "only its documentation is looked at")]
fn rejection() {}

#[derive(OpenApi)]
#[openapi(paths(layers, rejection), components(schemas(Problem)), modifiers(&SCHEME))]
struct Api;

#[test]
fn answers_of_one_status_stand_together() {
    let mut api = Api::openapi();
    SCHEME.require_in(&mut api.paths, &role("admin"));
    let document = serde_json::to_value(api).unwrap();
    let codes = |path: &str, status: &str| {
        let answer = &document["paths"][path]["get"]["responses"][status];
        let examples = answer["content"]["application/problem+json"]["examples"].as_object();
        let mut codes: Vec<_> = examples.unwrap().keys().cloned().collect();
        codes.sort_unstable();
        codes
    };
    for path in ["/layers", "/rejection"] {
        // What the operation says itself is not replaced by what is required in general.
        assert_eq!(
            codes(path, "403"),
            ["CLOSED", "FORBIDDEN", "INSUFFICIENT_SCOPE"]
        );
        assert_eq!(
            codes(path, "401"),
            ["AUTHENTICATION_REQUIRED", "INVALID_TOKEN"]
        );
        assert_eq!(codes(path, "400"), ["INVALID_REQUEST"]);
        assert_eq!(codes(path, "503"), ["SERVICE_UNAVAILABLE"]);
        let operation = &document["paths"][path]["get"];
        assert_eq!(operation["security"], json!([{"accessToken": ["admin"]}]));
    }
    assert_eq!(
        document["components"]["securitySchemes"]["accessToken"],
        json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token (RFC 9068) in `Authorization: Bearer` (RFC 6750).",
        })
    );
}

#[test]
fn every_operation_of_a_path_is_written_to() {
    let methods = [
        "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
    ];
    let mut item = serde_json::Map::new();
    for method in methods {
        item.insert(method.to_owned(), json!({"responses": {}}));
    }
    item.insert(
        "additionalOperations".to_owned(),
        json!({"COPY": {"responses": {}}}),
    );
    let mut paths: Paths = serde_json::from_value(json!({"/a": item, "/b": item})).unwrap();
    SCHEME.require_in(&mut paths, &role("admin"));
    let document = serde_json::to_value(paths).unwrap();
    for path in ["/a", "/b"] {
        let copy = &document[path]["additionalOperations"]["COPY"];
        for operation in methods.map(|method| &document[path][method]) {
            assert_eq!(operation["x-require"], "role(admin)", "{document:#}");
        }
        assert_eq!(copy["x-require"], "role(admin)", "{document:#}");
    }
}

#[test]
#[should_panic(expected = "ASCII letters")]
fn a_name_that_no_component_has() {
    let _ = BearerScheme::new("access token");
}
