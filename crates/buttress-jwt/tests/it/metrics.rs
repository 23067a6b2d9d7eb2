//! What is counted, under the names that dashboards rely on.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use buttress_jwt::{
    Algorithm, ApiKeyLayer, ApiKeys, BearerLayer, Environment, Issuer, KeyRing, MemoryApiKeyStore,
    MemoryRefreshStore, RefreshKeys, Require, RequireLayer, SessionMetrics, Sessions, SigningKey,
    describe_metrics,
};
use buttress_testkit::{alloc, http};
use bytes::Bytes;
use http_body_util::Full;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use serde_json::json;
use tower::{Layer, Service, service_fn};

use crate::support::{Hands, NOW, claims, peer};

/// Keeps everything that a program counts.
#[derive(Default)]
pub(crate) struct Counts {
    counters: Mutex<BTreeMap<Key, Arc<AtomicU64>>>,
    described: Mutex<Vec<(String, Option<Unit>)>>,
}

impl Counts {
    /// The counters, as exporters show them.
    pub(crate) fn get(&self) -> Vec<String> {
        let counters = self.counters.lock().unwrap();
        let show = |(key, count): (&Key, &Arc<AtomicU64>)| {
            let labels: Vec<_> = key
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            let count = count.load(Ordering::Relaxed);
            format!("{}{{{}}} {count}", key.name(), labels.join(","))
        };
        let mut shown: Vec<_> = counters.iter().map(show).collect();
        shown.sort();
        shown
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        let name = key.as_str().to_owned();
        self.described.lock().unwrap().push((name, unit));
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("there are no gauges");
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("there are no histograms");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.counters.lock().unwrap();
        if let Some(counter) = counters.get(key) {
            return Counter::from_arc(Arc::clone(counter));
        }
        let counter = Arc::<AtomicU64>::default();
        counters.insert(key.clone(), Arc::clone(&counter));
        Counter::from_arc(counter)
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("there are no gauges")
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("there are no histograms")
    }
}

fn sessions() -> Sessions {
    let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA).unwrap()).unwrap();
    let issuer = Issuer::new("https://api.example.com", "shop", keys);
    let keys = RefreshKeys::new(1, [7; 32]).unwrap();
    Sessions::new(issuer, keys, MemoryRefreshStore::new()).with_events(SessionMetrics::new())
}

#[tokio::test]
async fn what_happens_to_sessions_is_counted() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let sessions = sessions();
    let first = sessions.start("user-1").await.unwrap();
    let second = sessions.refresh(&first.refresh_token).await.unwrap();
    let again = sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(second.refresh_token, again.refresh_token);
    let third = sessions.refresh(&second.refresh_token).await.unwrap();
    sessions.refresh("junk").await.unwrap_err();
    // The grandparent of the newest ends the session.
    sessions.refresh(&first.refresh_token).await.unwrap_err();
    sessions.refresh(&third.refresh_token).await.unwrap_err();
    sessions.start("user-2").await.unwrap();
    sessions.end_all("user-2").await.unwrap();
    assert_eq!(
        counts.get(),
        [
            "buttress_jwt_refreshes_refused_total{reason=ended} 1",
            "buttress_jwt_refreshes_refused_total{reason=malformed} 1",
            "buttress_jwt_refreshes_refused_total{reason=reuse} 1",
            "buttress_jwt_refreshes_reissued_total{cause=race} 1",
            "buttress_jwt_refreshes_rotated_total{} 2",
            "buttress_jwt_sessions_ended_total{reason=reused} 1",
            "buttress_jwt_sessions_ended_total{reason=signed-out} 1",
            "buttress_jwt_sessions_started_total{} 2",
        ]
    );
}

#[tokio::test]
async fn tokens_that_are_kept_are_not_rotated() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let age = Duration::from_secs(60);
    let sessions = sessions().with_min_rotation_age(age).unwrap();
    let pair = sessions.start("user-1").await.unwrap();
    sessions.refresh(&pair.refresh_token).await.unwrap();
    sessions.refresh(&pair.refresh_token).await.unwrap();
    assert_eq!(
        counts.get(),
        [
            "buttress_jwt_refreshes_kept_total{} 2",
            "buttress_jwt_sessions_started_total{} 1",
        ]
    );
}

#[tokio::test]
async fn refusals_of_api_keys_are_counted_as_those_of_tokens() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let inner = service_fn(|_: ::http::Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::default(),
        )))
    });
    let keys = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new()).unwrap();
    let elsewhere = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new()).unwrap();
    let known = keys.issue("user-1").await.unwrap().secret.reveal();
    let unknown = elsewhere.issue("user-1").await.unwrap().secret.reveal();
    let service = ApiKeyLayer::new(keys).layer(inner);
    // One is refused by its text, and the other by the store.
    for (key, status) in [(&*known, 200), (&unknown, 401), ("junk", 401)] {
        let request = http::get("/").header("x-api-key", key);
        request.call(service.clone()).await.expect_status(status);
    }
    http::get("/").call(service).await.expect_status(401);
    assert_eq!(
        counts.get(),
        [
            "buttress_jwt_requests_refused_total{kind=invalid-token} 2",
            "buttress_jwt_requests_refused_total{kind=unauthenticated} 1",
        ]
    );
}

#[tokio::test]
async fn refusals_of_requests_and_the_memory_are_counted() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let inner = service_fn(|_: ::http::Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::default(),
        )))
    });
    let peer = peer(Algorithm::HS256);
    let bearer = BearerLayer::<()>::new(peer.verifier()).with_memory(10);
    let service = bearer.layer(RequireLayer::new(Require::scope("a")).layer(inner));
    let mut claims = claims();
    claims["scope"] = json!("a");
    let allowed = format!("Bearer {}", peer.token(&claims));
    claims["scope"] = json!("b");
    let missing = format!("Bearer {}", peer.token(&claims));
    for (credentials, status) in [
        (&*allowed, 200),
        (&allowed, 200),
        (&allowed, 200),
        (&missing, 403),
        ("Bearer junk", 401),
        ("Bearer", 400),
    ] {
        let request = http::get("/").header("authorization", credentials);
        request.call(service.clone()).await.expect_status(status);
    }
    http::get("/").call(service).await.expect_status(401);
    let alone = RequireLayer::new(Require::scope("a")).layer(inner);
    http::get("/").call(alone).await.expect_status(500);
    assert_eq!(
        counts.get(),
        [
            "buttress_jwt_requests_refused_total{kind=insufficient-scope} 1",
            "buttress_jwt_requests_refused_total{kind=invalid-request} 1",
            "buttress_jwt_requests_refused_total{kind=invalid-token} 1",
            "buttress_jwt_requests_refused_total{kind=misconfigured} 1",
            "buttress_jwt_requests_refused_total{kind=unauthenticated} 1",
            "buttress_jwt_tokens_remembered_total{outcome=hit} 2",
            "buttress_jwt_tokens_remembered_total{outcome=miss} 3",
        ]
    );
}

#[tokio::test]
async fn what_passes_is_counted_without_an_allocation() {
    let counts = Counts::default();
    let inner = service_fn(|_: ::http::Request<()>| {
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::default(),
        )))
    });
    let peer = peer(Algorithm::HS256);
    let verifier = peer.verifier().with_clock(Hands::at(NOW).clock());
    let bearer = BearerLayer::<()>::new(verifier).with_memory(10);
    let mut service = bearer.layer(inner);
    let field = format!("Bearer {}", peer.token(&claims()));
    let mut allocations = async || {
        let request = ::http::Request::get("/").header("authorization", &field);
        let request = request.body(()).unwrap();
        let passing = async { service.call(request).await.map(drop) };
        alloc::count_future(passing).await.1.count
    };
    allocations().await;
    let uncounted = allocations().await;
    let _here = set_default_local_recorder(&counts);
    // The recorder of this test allocates for a counter that it has not seen.
    allocations().await;
    assert_eq!(allocations().await, uncounted);
    assert_eq!(
        counts.get(),
        ["buttress_jwt_tokens_remembered_total{outcome=hit} 2"]
    );
}

#[test]
fn everything_is_described_as_counts() {
    let counts = Counts::default();
    metrics::with_local_recorder(&counts, describe_metrics);
    let described = counts.described.lock().unwrap();
    let units: BTreeMap<_, _> = described.iter().cloned().collect();
    assert_eq!(units.len(), 9);
    assert!(units.values().all(|unit| *unit == Some(Unit::Count)));
    let readme = include_str!("../../README.md");
    for name in units.keys() {
        assert!(
            readme.contains(&format!("`{name}`")),
            "{name} is not in the README"
        );
    }
}

/// Without the grace that makes racers of them.
#[tokio::test]
async fn the_age_of_a_token_is_no_label() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let sessions = sessions().with_grace(Duration::ZERO).unwrap();
    for _ in 0..3 {
        let pair = sessions.start("user-1").await.unwrap();
        sessions.refresh(&pair.refresh_token).await.unwrap();
        sessions.refresh(&pair.refresh_token).await.unwrap_err();
    }
    let stale = "buttress_jwt_refreshes_refused_total{reason=stale-tab} 3".to_owned();
    assert!(counts.get().contains(&stale), "{:?}", counts.get());
}
