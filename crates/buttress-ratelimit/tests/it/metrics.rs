//! What is counted, under the names that dashboards rely on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use buttress_ratelimit::{ConcurrencyLayer, OnStoreError, Quota, RateLimiter, describe_metrics};
use buttress_testkit::http;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_default_local_recorder,
};
use tower::{Layer, ServiceExt};

use crate::{
    support::{Elsewhere, hello, shared},
    time::Time,
};

/// Keeps everything that a program counts.
#[derive(Default)]
struct Counts {
    counters: Mutex<BTreeMap<Key, Arc<AtomicU64>>>,
    described: Mutex<Vec<(String, Option<Unit>)>>,
}

impl Counts {
    /// The counters, as exporters show them.
    fn get(&self) -> Vec<String> {
        let counters = self.counters.lock().expect("no test has panicked");
        let show = |(key, count): (&Key, &Arc<AtomicU64>)| {
            let labels = key.labels();
            let labels: Vec<_> = labels
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            format!(
                "{}{{{}}} {}",
                key.name(),
                labels.join(","),
                count.load(Ordering::Relaxed)
            )
        };
        let mut shown: Vec<_> = counters.iter().map(show).collect();
        shown.sort();
        shown
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.described
            .lock()
            .expect("no test has panicked")
            .push((key.as_str().to_owned(), unit));
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.counters.lock().expect("no test has panicked");
        Counter::from_arc(Arc::clone(counters.entry(key.clone()).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn decisions_are_counted_by_quota() {
    let counts = Counts::default();
    let _here = set_default_local_recorder(&counts);
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per_day(3).named("day"),
        Quota::per_hour(100).named("hour"),
        Quota::per_day(1).named("idea").shadow(),
    ]);
    let layer = shared(&limiter).with_cost(|parts| parts.uri.path().len().try_into().unwrap());
    let service = layer.layer(hello());
    for (path, status) in [
        ("/", 200),
        ("/", 200),
        ("/", 200),
        ("/", 429),
        ("/long", 400),
    ] {
        http::get(path)
            .call(service.clone())
            .await
            .expect_status(status);
    }
    let store = Elsewhere::default();
    store.fail();
    let failing = shared(&RateLimiter::with_store(store.shared(), [Quota::per_day(3)]).unwrap());
    http::get("/")
        .call(failing.layer(hello()))
        .await
        .expect_status(503);
    let once = ConcurrencyLayer::new(1).unwrap().layer(hello());
    let held = once
        .clone()
        .oneshot(http::get("/").into_http())
        .await
        .unwrap();
    http::get("/").call(once).await.expect_status(503);
    drop(held);
    assert_eq!(
        counts.get(),
        [
            "buttress_ratelimit_decisions_without_store_total{basis=error} 1",
            "buttress_ratelimit_requests_allowed_total{quota=concurrency} 1",
            "buttress_ratelimit_requests_allowed_total{quota=day} 3",
            "buttress_ratelimit_requests_allowed_total{quota=hour} 3",
            "buttress_ratelimit_requests_refused_total{quota=concurrency} 1",
            "buttress_ratelimit_requests_refused_total{quota=day} 1",
            "buttress_ratelimit_requests_shadowed_total{quota=idea} 3",
            "buttress_ratelimit_requests_undecided_total{kind=cost-too-large} 1",
            "buttress_ratelimit_requests_undecided_total{kind=unavailable} 1",
            "buttress_ratelimit_store_errors_total{} 1",
        ]
    );
}

#[tokio::test]
async fn what_a_failing_store_costs_is_counted() {
    let counts = Counts::default();
    let _guard = set_default_local_recorder(&counts);
    for on_error in [OnStoreError::Allow, OnStoreError::Local { share: 1.0 }] {
        let store = Elsewhere::default();
        // Time stands still, so that the store is not tried again.
        let clock = Time::new().clock();
        let shared = store.shared().with_on_store_error(on_error);
        let shared = shared.with_clock(clock);
        let limiter = RateLimiter::with_store(shared, [Quota::per_day(3)]).unwrap();
        let _ = limiter.check(&"paul".into(), 1).await.unwrap();
        store.fail();
        for _ in 0..100 {
            let _ = limiter.check(&"paul".into(), 1).await.unwrap();
        }
    }
    assert_eq!(
        counts.get(),
        [
            "buttress_ratelimit_decisions_without_store_total{basis=local} 100",
            "buttress_ratelimit_decisions_without_store_total{basis=nothing} 100",
            "buttress_ratelimit_store_errors_total{} 10",
            "buttress_ratelimit_store_outages_total{} 2",
        ]
    );
}

#[test]
fn everything_is_described_as_counts() {
    let counts = Counts::default();
    metrics::with_local_recorder(&counts, describe_metrics);
    let described = counts.described.lock().unwrap();
    assert_eq!(described.len(), 7);
    let readme = include_str!("../../README.md");
    for (name, unit) in &*described {
        assert_eq!(*unit, Some(Unit::Count));
        assert!(readme.contains(name), "the README does not name {name}");
    }
}
