//! The routes that require nothing are found, and what the others require.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ::axum::{
    Router,
    http::Method,
    routing::{get, post},
};
use buttress_jwt::{
    Algorithm, ApiKeyLayer, ApiKeys, Bearer, BearerLayer, Environment, MemoryApiKeyStore, Require,
    RequireLayer,
    testing::{OpenRoutes, Routes},
};
use bytes::Bytes;

use crate::support::peer;

fn bearer() -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
}

fn admin() -> RequireLayer {
    RequireLayer::new(Require::role("admin"))
}

/// Routes that require something, and `/forgotten`, whose calls are counted.
fn app(calls: &Arc<AtomicUsize>) -> Router {
    let count = {
        let calls = Arc::clone(calls);
        move || async move {
            calls.fetch_add(1, Ordering::SeqCst);
            "inside"
        }
    };
    let guarded = async || -> &'static str { panic!("it was called") };
    let known = Router::new()
        .route("/known", get(async |_: Bearer| "known"))
        .route_layer(bearer());
    Router::new()
        .route("/open", get(guarded))
        .route("/users/{id}", get(guarded).delete(guarded).layer(admin()))
        .route(
            "/files/{*path}",
            get(guarded).layer(RequireLayer::new(Require::check("own", |_, _| {
                panic!("nobody is asked about")
            }))),
        )
        .route("/who", get(async |_: Bearer| "who"))
        .route("/forgotten", post(count))
        .layer(bearer().optional())
        .merge(known)
        .route("/upside-down", get(guarded).layer(admin()))
}

fn routes() -> Routes {
    Routes::new([
        (Method::GET, "/open"),
        (Method::GET, "/users/{id}"),
        (Method::DELETE, "/users/{id}"),
        (Method::GET, "/files/{*path}"),
        (Method::GET, "/who"),
        (Method::POST, "/forgotten"),
        (Method::GET, "/known"),
        (Method::GET, "/upside-down"),
        (Method::GET, "/nowhere"),
    ])
    .except(["GET /open"])
}

#[tokio::test]
async fn what_was_forgotten_is_found_and_nothing_else_is_run() {
    let calls = Arc::default();
    let open = routes().open(app(&calls)).await;
    assert_eq!(
        open.to_string(),
        "POST /forgotten requires nothing: it answered 200\n\
         GET /upside-down refuses everybody: there is no authentication in front of its RequireLayer or extractor\n\
         GET /nowhere requires nothing: it answered 404\n"
    );
    let found: Vec<_> = open.iter().map(|(_, path)| path).collect();
    assert_eq!(found, ["/forgotten", "/upside-down", "/nowhere"]);
    assert!(!open.is_empty());
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    let rest = routes().except(["POST /forgotten", "GET /upside-down", "GET /nowhere"]);
    let open: OpenRoutes = rest.open(app(&calls)).await;
    assert!(open.is_empty(), "{open}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn requirements_are_listed() {
    let calls = Arc::default();
    let requirements = routes().requirements(app(&calls)).await;
    assert_eq!(
        requirements.to_string(),
        "GET /users/{id}: role(admin)\n\
         DELETE /users/{id}: role(admin)\n\
         GET /files/{*path}: check(own)\n\
         GET /who: authenticated\n\
         POST /forgotten: nothing\n\
         GET /known: authenticated\n\
         GET /upside-down: nobody\n\
         GET /nowhere: nothing\n"
    );
    let known = requirements
        .iter()
        .filter(|(.., require)| require.is_some());
    assert_eq!(known.count(), 6);
}

/// A responder may say it in its own words: the reason is in the extensions.
#[tokio::test]
async fn a_responder_does_not_hide_a_refusal() {
    let teapot = |_: &_| {
        let mut response = ::http::Response::new(Bytes::new());
        *response.status_mut() = ::http::StatusCode::IM_A_TEAPOT;
        response
    };
    let app = Router::new()
        .route("/", get(async || "inside"))
        .layer(bearer().with_responder(teapot));
    let routes = Routes::new([(Method::GET, "/")]);
    let open = routes.open(app.clone()).await;
    assert!(open.is_empty(), "{open}");
    assert_eq!(
        routes.requirements(app).await.to_string(),
        "GET /: authenticated\n"
    );
}

#[test]
#[should_panic(expected = "there is no route `GET /gone` to leave out; there are:\nGET /here")]
fn exceptions_are_routes() {
    let _ = Routes::new([(Method::GET, "/here")]).except(["GET /gone"]);
}

#[cfg(feature = "utoipa")]
#[test]
fn a_document_has_routes() {
    let document = serde_json::json!({
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {
            "/a/{id}": {"get": {"responses": {}}, "patch": {"responses": {}}},
            "/b": {
                "post": {"responses": {}}, "query": {"responses": {}},
                "additionalOperations": {"COPY": {"responses": {}}},
            },
        },
    });
    let document = serde_json::from_value(document).unwrap();
    assert_eq!(
        Routes::from_openapi(&document).to_string(),
        "GET /a/{id}\nPATCH /a/{id}\nPOST /b\nQUERY /b\nCOPY /b\n"
    );
}

#[tokio::test]
async fn api_keys_are_credentials_as_well() {
    let keys = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new()).unwrap();
    let guarded = async || -> &'static str { panic!("it was called") };
    let require = Require::scope("jobs:run");
    let app = Router::new()
        .route("/jobs", post(guarded).layer(RequireLayer::new(require)))
        .layer(ApiKeyLayer::new(keys));
    let routes = Routes::new([(Method::POST, "/jobs")]);
    let open = routes.open(app.clone()).await;
    assert!(open.is_empty(), "{open}");
    assert_eq!(
        routes.requirements(app).await.to_string(),
        "POST /jobs: scope(jobs:run)\n"
    );
}
