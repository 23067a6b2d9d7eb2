//! A shop on a free port with a database of its own, and a client that talks to it.

use std::net::SocketAddr;

use axum::{Router, body::Bytes};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use shop_api::{
    http::{AppState, router},
    store::Store,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// Stops, and its database goes, when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    client: Client<HttpConnector, Full<Bytes>>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

/// An answer that has arrived in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the body of a PATCH is.
pub(crate) const MERGE_PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");

/// A shop in which everybody may write, with nothing in it.
pub(crate) async fn empty_shop() -> Server {
    Server::start(true, |state| router(state).expect("the document is JSON")).await
}

/// A shop in which everybody may write, with the demo catalogue.
pub(crate) async fn demo_shop() -> Server {
    let shop = empty_shop().await;
    shop.store.create_demo_products().await.expect("is made");
    shop
}

/// A lamp, where it is, and the answer to its creation.
pub(crate) async fn shop_with_lamp() -> (Server, String, Answer) {
    let shop = empty_shop().await;
    let created = shop.post("/v1/products", &lamp()).await;
    let path = created.header("location").expect("says where").to_owned();
    (shop, path, created)
}

/// A body that `POST /v1/products` takes.
pub(crate) fn lamp() -> Value {
    json!({
        "name": "Desk lamp",
        "description": "Warm light.",
        "priceMinor": 8400,
        "currency": "EUR",
        "stock": 12,
    })
}

impl Server {
    /// Serves what `router` makes of the shop's state.
    pub(crate) async fn start(
        insecure_admin: bool,
        router: impl FnOnce(AppState) -> Router,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("shop.db"))
            .await
            .expect("opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = router(AppState {
            store: store.clone(),
            insecure_admin,
        });
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serves");
        });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            address,
            store,
            client,
            task,
            _folder: folder,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    /// Changes what has the tag `if_match`; `*` where that is not what the test is about.
    pub(crate) async fn patch(&self, path: &str, if_match: &str, body: &Value) -> Answer {
        let headers = [MERGE_PATCH, ("if-match", if_match)];
        self.send("PATCH", path, &headers, body.to_string()).await
    }

    /// Deletes what has the tag `if_match`; `*` where that is not what the test is about.
    pub(crate) async fn delete(&self, path: &str, if_match: &str) -> Answer {
        self.send("DELETE", path, &[("if-match", if_match)], "")
            .await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let (head, body) = self
            .client
            .request(request)
            .await
            .expect("an answer")
            .into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("is text"))
    }

    #[track_caller]
    pub(crate) fn etag(&self) -> &str {
        self.header("etag").expect("has a tag")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("is JSON")
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("is UTF-8")
    }

    /// The body, after checking all that the contract says of every problem.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str, path: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["instance"], path, "{problem}");
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{problem}"
        );
        let kind = problem["type"].as_str().expect("has a type");
        assert!(
            kind == "about:blank" || kind.starts_with("https://"),
            "{problem}"
        );
        assert_eq!(
            problem["requestId"].as_str(),
            self.header("x-request-id"),
            "{problem}"
        );
        assert_eq!(
            problem["traceId"].as_str().map(str::len),
            Some(32),
            "{problem}"
        );
        assert!(status < 500 || problem.get("detail").is_none(), "{problem}");
        problem
    }
}

/// The places that a problem's `errors` name, with their codes, in order.
pub(crate) fn places(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array().expect("has errors");
    let place = |error: &Value| {
        let place = ["pointer", "parameter", "header"]
            .into_iter()
            .find_map(|kind| error[kind].as_str());
        assert!(
            error["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{error}"
        );
        (
            place.expect("names a place").to_owned(),
            error["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    errors.iter().map(place).collect()
}

/// As [`places`] has it.
pub(crate) fn place(place: &str, code: &str) -> (String, String) {
    (place.to_owned(), code.to_owned())
}
