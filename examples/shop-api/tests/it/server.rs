//! A shop on a free port with a database of its own, and a client that talks to it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{Router, body::Bytes};
use buttress_jwt::{Algorithm, Clock, SigningKey};
use buttress_ratelimit::{ClientIp, MemoryStore, Quota};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use shop_api::{
    auth::{Auth, AuthParts, Cost, Passwords, RootKeys},
    config::LimitSettings,
    domain::{Email, NewUser, PasswordHash, UserName},
    http::{AppState, Limits, router},
    store::Store,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// Stops, and its database goes, when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    /// What requests say who they are with, unless they say it themselves.
    token: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
    task: JoinHandle<()>,
    time: Time,
    _folder: TempDir,
}

/// How far the shop's clock goes ahead, in milliseconds.
#[derive(Clone, Default)]
struct Time(Arc<AtomicU64>);

/// An answer that has arrived in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the body of a PATCH is.
pub(crate) const MERGE_PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");

/// What passwords cost here: next to nothing.
pub(crate) const CHEAP: Cost = Cost {
    memory: 8,
    passes: 1,
};

/// A shop with nothing in it. Its requests are those of an administrator.
pub(crate) async fn empty_shop() -> Server {
    let mut shop = closed_shop().await;
    shop.token = Some(shop.token_of_new("admin@shop.example", true).await);
    shop
}

/// A shop with the demo catalogue. Its requests are those of an administrator.
pub(crate) async fn demo_shop() -> Server {
    let shop = empty_shop().await;
    shop.store.create_demo_products().await.expect("is made");
    shop
}

/// A shop with nothing in it, and nobody. Its requests are nobody's.
pub(crate) async fn closed_shop() -> Server {
    limited_shop(ample()).await
}

/// A shop with nothing in it, and nobody, and with these limits. Its requests are nobody's.
pub(crate) async fn limited_shop(limits: LimitSettings) -> Server {
    Server::start_with(limits, |state| router(state).expect("the document is JSON")).await
}

/// More than any test asks for, and no proxies.
pub(crate) fn ample() -> LimitSettings {
    LimitSettings {
        callers: vec![Quota::per_second(1_000_000)],
        logins: vec![Quota::per_minute(1_000_000)],
        client_ip: ClientIp::behind("".parse().expect("none")),
    }
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
    pub(crate) async fn start(router: impl FnOnce(AppState) -> Router) -> Self {
        Self::start_with(ample(), router).await
    }

    async fn start_with(limits: LimitSettings, router: impl FnOnce(AppState) -> Router) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("shop.db"))
            .await
            .expect("opens");
        let time = Time::default();
        let auth = Auth::new(
            &store,
            AuthParts {
                signing_key: SigningKey::generate(Algorithm::EdDSA).expect("a key"),
                root_keys: RootKeys::new(&[[7; 32]]).expect("a key"),
                passwords: Passwords::new(CHEAP).expect("a cost"),
                clock: time.clock(),
            },
        )
        .expect("signs in");
        let memory = MemoryStore::new().with_clock(time.of_limits());
        let limits = Limits::new(&limits, &memory).expect("quotas");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = router(AppState {
            store: store.clone(),
            auth: auth.clone(),
            limits: limits.clone(),
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            axum::serve(listener, service).await.expect("serves");
        });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            address,
            store,
            auth,
            limits,
            token: None,
            client,
            task,
            time,
            _folder: folder,
        }
    }

    /// Lets time pass, for tokens, sessions and limits.
    pub(crate) fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).expect("not for ever");
        self.time.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// The access token of a new user, whom nobody asks for a password.
    pub(crate) async fn token_of_new(&self, email: &str, admin: bool) -> String {
        let user = NewUser {
            email: Email::new(email.to_owned()).expect("an address"),
            name: UserName::new("Somebody".to_owned()).expect("a name"),
            admin,
        };
        let hash = PasswordHash::new("$argon2id$none".to_owned());
        let user = self.store.create_user(user, &hash).await.expect("writes");
        let subject = user.expect("is new").id.to_string();
        let pair = self.auth.sessions.start(subject).await.expect("begins");
        pair.access_token.token
    }

    /// A request without a body and with this access token.
    pub(crate) async fn send_as(&self, token: &str, method: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.send(method, path, &[("authorization", &bearer)], "")
            .await
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
        let says_who = headers.iter().any(|(name, _)| *name == "authorization");
        if let (Some(token), false) = (&self.token, says_who) {
            request = request.header("authorization", format!("Bearer {token}"));
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

impl Time {
    fn clock(&self) -> Clock {
        let (system, ahead) = (Clock::system(), self.0.clone());
        Clock::new(move || {
            let ahead = Duration::from_millis(ahead.load(Ordering::SeqCst));
            SystemTime::from(system.now()) + ahead
        })
    }

    /// Of limits, which is when a test says so and at no other time.
    fn of_limits(&self) -> buttress_ratelimit::Clock {
        let ahead = self.0.clone();
        buttress_ratelimit::Clock::new(move || Duration::from_millis(ahead.load(Ordering::SeqCst)))
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
