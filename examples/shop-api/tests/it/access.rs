//! Who may do what: for every operation, by what the OpenAPI document says of it.

use buttress_jwt::testing::Routes;
use serde_json::Value;
use shop_api::http::{AppState, router};
use uuid::Uuid;

use crate::{
    people::{access_token, sign_up_and_in},
    server::{Server, closed_shop, lamp},
};

/// What an operation asks of its caller.
#[derive(Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    SomeToken,
    AdminToken,
}

/// Every operation: its method, its path with an id in it, and what it needs.
async fn operations(shop: &Server) -> Vec<(String, String, Needs)> {
    let document = shop.get("/openapi.json").await.json();
    let bearer = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (bearer["type"].as_str(), bearer["scheme"].as_str()),
        (Some("http"), Some("bearer"))
    );
    let id = Uuid::now_v7().to_string();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("has paths") {
        for (method, operation) in item.as_object().expect("has operations") {
            let path = path.replace("{id}", &id);
            operations.push((method.to_uppercase(), path, needs(operation)));
        }
    }
    operations
}

fn needs(operation: &Value) -> Needs {
    let Some(alternatives) = operation.get("security") else {
        return Needs::Nothing;
    };
    let scopes = alternatives[0]["bearer"].as_array().expect("names scopes");
    match scopes.iter().all(|scope| scope == "profile") {
        true => Needs::SomeToken,
        false => Needs::AdminToken,
    }
}

/// What requires nothing, and is to.
const PUBLIC: [&str; 9] = [
    "GET /v1/products",
    "GET /v1/products/{id}",
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "GET /.well-known/jwks.json",
    "GET /livez",
    "GET /readyz",
];

/// What the others require: one line for each, so that who may do what is read in one place.
const REQUIREMENTS: &str = "\
POST /v1/products: role(admin) and scope(products:write)
DELETE /v1/products/{id}: role(admin) and scope(products:write)
PATCH /v1/products/{id}: role(admin) and scope(products:write)
GET /v1/auth/sessions: scope(profile)
DELETE /v1/auth/sessions: scope(profile)
DELETE /v1/auth/sessions/{id}: scope(profile)
GET /v1/users/me: scope(profile)
GET /v1/users/{id}: scope(profile)
GET /v1/users: role(admin) and scope(users:read)
";

#[tokio::test]
async fn every_route_requires_what_was_agreed_on_and_the_document_says_so() {
    let shop = closed_shop().await;
    let answer = shop.get("/openapi.json").await;
    let document = answer.json();
    let app = router(AppState {
        store: shop.store.clone(),
        auth: shop.auth.clone(),
        limits: shop.limits.clone(),
    });
    let app = app.expect("the document is JSON");
    let typed = serde_json::from_str(answer.text()).expect("is OpenAPI");
    let routes = Routes::from_openapi(&typed).except(PUBLIC);

    let open = routes.open(app.clone()).await;
    assert!(open.is_empty(), "{open}");
    let requirements = routes.requirements(app).await;
    assert_eq!(requirements.to_string(), REQUIREMENTS);

    for (method, path, require) in requirements.iter() {
        let operation = &document["paths"][path][method.as_str().to_lowercase()];
        let require = require.map(ToString::to_string);
        assert_eq!(operation["x-require"].as_str(), require.as_deref());
    }
    // No document has these.
    for page in ["/docs", "/openapi.json", "/problems/"] {
        assert_eq!(shop.get(page).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn without_a_token_one_gets_what_is_public_and_nothing_else() {
    let shop = closed_shop().await;
    for (method, path, needs) in operations(&shop).await {
        // Bad in every other way too: who one is comes first.
        let answer = shop.send(&method, &path, &[], "{").await;
        if needs == Needs::Nothing {
            assert!(
                !matches!(answer.status.as_u16(), 401 | 403),
                "{method} {path}"
            );
            continue;
        }
        answer.problem(401, "AUTHENTICATION_REQUIRED", &path);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

#[tokio::test]
async fn what_is_for_administrators_is_refused_to_others() {
    let shop = closed_shop().await;
    let pair = sign_up_and_in(&shop, "ada@shop.example").await;
    let admin = shop.token_of_new("admin@shop.example", true).await;
    let mut refused = 0;
    for (method, path, needs) in operations(&shop).await {
        if (method.as_str(), path.as_str()) == ("DELETE", "/v1/auth/sessions") {
            // There would be nothing to be tried after it.
            continue;
        }
        let (token, own) = (access_token(&pair), admin.as_str());
        let answer = shop.send_as(token, &method, &path).await;
        if needs == Needs::AdminToken {
            answer.problem(403, "FORBIDDEN", &path);
            let answer = shop.send_as(own, &method, &path).await;
            assert!(
                !matches!(answer.status.as_u16(), 401 | 403),
                "{method} {path}"
            );
            refused += 1;
        } else {
            assert!(
                !matches!(answer.status.as_u16(), 401 | 403),
                "{method} {path}"
            );
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_wherever_tokens_are_looked_at() {
    let shop = closed_shop().await;
    let other = closed_shop().await;
    let foreign = sign_up_and_in(&other, "ada@shop.example").await;
    let own = sign_up_and_in(&shop, "ada@shop.example").await;
    let good = access_token(&own);
    let (rest, signature) = good.rsplit_once('.').expect("has three parts");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{rest}.{first}{}", &signature[1..]);
    for path in ["/v1/products", "/v1/users/me"] {
        for bad in [access_token(&foreign), &forged, "junk", "a.b.c"] {
            let answer = shop.send_as(bad, "GET", path).await;
            answer.problem(401, "INVALID_TOKEN", path);
        }
        for (bad, code) in [
            ("Bearer", "INVALID_REQUEST"),
            ("Bearer a b", "INVALID_REQUEST"),
        ] {
            let headers = [("authorization", bad)];
            let answer = shop.send("GET", path, &headers, "").await;
            answer.problem(400, code, path);
        }
        let twice = format!("Bearer {good}");
        let headers = [("authorization", twice.as_str()), ("authorization", &twice)];
        let answer = shop.send("GET", path, &headers, "").await;
        answer.problem(400, "INVALID_REQUEST", path);
        // Another scheme is no token of ours.
        let headers = [("authorization", "Basic YTpi")];
        let answer = shop.send("GET", path, &headers, "").await;
        let expected = if path == "/v1/products" { 200 } else { 401 };
        assert_eq!(answer.status, expected);
        assert_eq!(shop.send_as(good, "GET", path).await.status, 200);
    }
    // What is nowhere is nowhere for everybody, and so is a method that nothing has.
    for (method, path) in [("DELETE", "/v1/products"), ("PUT", "/v1/products/1")] {
        let answer = shop.send(method, path, &[], "").await;
        answer.problem(405, "METHOD_NOT_ALLOWED", path);
        let allowed = answer.header("allow").expect("says what is");
        let expected = if method == "PUT" {
            ["GET", "PATCH", "DELETE"]
        } else {
            ["GET", "HEAD", "POST"]
        };
        assert!(
            expected.iter().all(|method| allowed.contains(method)),
            "{allowed}"
        );
    }
    let answer = shop.send_as("junk", "GET", "/v1/nowhere").await;
    answer.problem(404, "NOT_FOUND", "/v1/nowhere");
}

#[tokio::test]
async fn only_an_administrator_changes_the_catalogue() {
    let shop = closed_shop().await;
    let admin = shop.token_of_new("admin@shop.example", true).await;
    let user = shop.token_of_new("ada@shop.example", false).await;
    let write = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", &bearer),
        ];
        shop.send("POST", "/v1/products", &headers, lamp().to_string())
            .await
    };
    write(&user).await.problem(403, "FORBIDDEN", "/v1/products");
    let total = "/v1/products?total=true";
    assert_eq!(shop.get(total).await.json()["pagination"]["total"], 0);
    let created = write(&admin).await;
    assert_eq!(created.status, 201);
    let path = created.header("location").expect("says where");
    assert_eq!(
        shop.send_as(&user, "GET", path).await.json(),
        created.json()
    );
    assert_eq!(shop.get(path).await.json(), created.json());
    for method in ["PATCH", "DELETE"] {
        let answer = shop.send_as(&user, method, path).await;
        answer.problem(403, "FORBIDDEN", path);
    }
    assert_eq!(shop.get(path).await.json(), created.json());
}

#[tokio::test]
async fn the_keys_that_verify_tokens_are_public_and_may_be_kept() {
    let shop = closed_shop().await;
    let path = "/.well-known/jwks.json";
    let answer = shop.get(path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/jwk-set+json")
    );
    let kept = answer.header("cache-control").expect("says how long");
    assert!(kept.starts_with("public, max-age="), "{kept}");
    let keys = answer.json();
    let key = &keys["keys"][0];
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (key["kty"].as_str(), key["crv"].as_str()),
        (Some("OKP"), Some("Ed25519"))
    );
    assert!(key.get("d").is_none(), "the private half stays here");
    let headers = [("if-none-match", answer.etag())];
    assert_eq!(shop.send("GET", path, &headers, "").await.status, 304);
    let head = shop.send("HEAD", path, &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    shop.post(path, &lamp())
        .await
        .problem(405, "METHOD_NOT_ALLOWED", path);
}
