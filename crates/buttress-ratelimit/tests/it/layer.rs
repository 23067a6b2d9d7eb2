//! What the layer lets in, and what it answers otherwise.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::http::{Response, request::Parts};
use buttress_problem::{Answers, Problem, ProblemLayer, ToProblem};
use buttress_ratelimit::{
    HeaderFormat, Key, PeerAddr, Quota, RateLimitLayer, RateLimiter, Rejection, RejectionKind,
};
use buttress_testkit::http::{self, Answer};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

use crate::{
    support::{Elsewhere, answering, hello, shared},
    time::Time,
};

const SECOND: Duration = Duration::from_secs(1);

async fn get<S, B>(service: S) -> Answer
where
    S: tower::Service<::http::Request<Full<Bytes>>, Response = Response<B>, Error: std::fmt::Debug>,
    B: Body<Error: std::fmt::Debug>,
{
    http::get("/").call(service).await
}

#[tokio::test]
async fn each_peer_has_a_bucket_of_its_own() {
    let time = Time::new();
    let layer = RateLimitLayer::new(time.limiter([Quota::per_second(2)]));
    let service = layer.layer(hello());
    let from = |address: &str| {
        let peer = PeerAddr(address.parse::<SocketAddr>().unwrap());
        http::get("/").extension(peer).call(service.clone())
    };
    for _ in 0..2 {
        from("192.0.2.1:1000").await.expect_status(200);
    }
    from("192.0.2.1:2000").await.expect_status(429);
    from("192.0.2.2:1000").await.expect_status(200);
}

/// Test 16 of the specification, and 8 with the rounding of headers.
#[tokio::test]
async fn a_refusal_says_what_refused_and_when_to_come_back() {
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per(1, 1_900 * SECOND / 1_000)
            .burst(2)
            .named("burst"),
        Quota::per_minute(60).burst(2).named("minute"),
        Quota::per_hour(5_000).named("hour"),
        Quota::per_day(1).named("idea").shadow(),
    ]);
    let service = shared(&limiter).layer(hello());
    for _ in 0..2 {
        get(service.clone()).await.expect_status(200);
    }
    let refused = get(service.clone()).await.expect_status(429);
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(refused.header("retry-after"), Some("2"));
    let problem = refused.json();
    assert_eq!(
        problem["type"],
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    );
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["code"], "QUOTA_EXCEEDED");
    assert_eq!(problem["violated-policies"][0], "burst");
    assert_eq!(problem["violated-policies"][1], "minute");
    assert_eq!(problem["violated-policies"].as_array().unwrap().len(), 2);

    let rejection = refused.extension::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::QuotaExceeded);
    assert_eq!(
        rejection.violated().collect::<Vec<_>>(),
        ["burst", "minute"]
    );
    assert_eq!(rejection.retry_after(), Some(2 * SECOND));

    time.pass(SECOND);
    // Of the two, one does not refuse any more.
    let refused = get(service.clone()).await.expect_status(429);
    assert_eq!(
        refused.json()["violated-policies"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    time.pass(SECOND);
    get(service).await.expect_status(200);
}

#[tokio::test]
async fn who_waits_a_whole_retry_after_is_let_in() {
    let time = Time::new();
    for (quota, wait) in [
        (Quota::per_second(3).burst(1), "1"),
        (Quota::per(1, Duration::from_millis(1_001)), "2"),
        (Quota::per(1, 5 * SECOND), "5"),
        (Quota::per(1, Duration::from_nanos(5_000_000_001)), "6"),
        (Quota::per_second(1_000_000).burst(1), "1"),
    ] {
        let service = shared(&time.limiter([quota])).layer(hello());
        get(service.clone()).await.expect_status(200);
        let refused = get(service.clone()).await.expect_status(429);
        assert_eq!(refused.header("retry-after"), Some(wait));
        time.pass(SECOND * wait.parse().unwrap());
        get(service).await.expect_status(200);
    }
}

#[tokio::test]
async fn requests_cost_what_they_are_said_to() {
    let time = Time::new();
    let layer = shared(&time.limiter([Quota::per_minute(10).named("minute")])).with_cost(|parts| {
        let cost = parts.headers.get("x-cost").unwrap();
        cost.to_str().unwrap().parse().unwrap()
    });
    let service = layer.layer(hello());
    let costing = |cost: &'static str| http::get("/").header("x-cost", cost).call(service.clone());
    costing("7").await.expect_status(200);
    let refused = costing("4").await.expect_status(429);
    assert_eq!(refused.header("ratelimit"), Some(r#""minute";r=3;t=6"#));
    costing("3").await.expect_status(200);
    let asked = costing("0").await.expect_status(200);
    assert_eq!(asked.header("ratelimit"), Some(r#""minute";r=0;t=60"#));

    let vain = costing("11").await.expect_status(400);
    assert_eq!(vain.header("retry-after"), None);
    assert_eq!(vain.json()["code"], "COST_TOO_LARGE");
    let detail = vain.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("at most 10"), "{detail}");
    let rejection = vain.extension::<Rejection>().unwrap();
    assert_eq!(
        (rejection.kind(), rejection.retry_after()),
        (RejectionKind::CostTooLarge, None)
    );
}

#[tokio::test]
async fn who_is_exempt_is_neither_counted_nor_told() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(1)]);
    let by_header = |parts: &Parts| parts.headers.get("x-key").map(|key| key.as_bytes().into());
    let layer = RateLimitLayer::new(limiter)
        .with_key(by_header)
        .with_exempt(|parts| parts.uri.path() == "/health")
        .with_preflights_exempt();
    let service = layer.layer(hello());
    let keyed = |request: http::Request| request.header("x-key", "a").call(service.clone());
    for _ in 0..3 {
        for answer in [
            http::get("/").call(service.clone()).await,
            keyed(http::get("/health")).await,
            keyed(
                http::request(::http::Method::OPTIONS, "/")
                    .header("origin", "https://shop.example")
                    .header("access-control-request-method", "PUT"),
            )
            .await,
        ] {
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.header("ratelimit"), None);
        }
    }
    // Nor is every OPTIONS request a preflight.
    keyed(http::request(::http::Method::OPTIONS, "/"))
        .await
        .expect_status(200);
    keyed(http::get("/")).await.expect_status(429);
}

#[tokio::test]
async fn a_refused_request_does_not_reach_the_service_and_charges_no_other_quota() {
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per_second(1).named("small"),
        Quota::per_hour(9).named("large"),
    ]);
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    let service = shared(&limiter).layer(service_fn(move |_: ::http::Request<Full<Bytes>>| {
        counting.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default())) }
    }));
    get(service.clone()).await.expect_status(200);
    for _ in 0..8 {
        get(service.clone()).await.expect_status(429);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    time.pass(SECOND);
    let answer = get(service).await.expect_status(200);
    assert!(
        answer
            .header("ratelimit")
            .unwrap()
            .contains(r#""large";r=7"#)
    );
}

#[tokio::test]
async fn a_store_elsewhere_is_waited_for_and_decides_alike() {
    let store = Elsewhere::default();
    let limiter =
        RateLimiter::with_store(store.shared(), [Quota::per_day(2).named("day")]).unwrap();
    let service = shared(&limiter).layer(hello());
    let first = get(service.clone()).await.expect_status(200);
    assert_eq!(first.header("ratelimit"), Some(r#""day";r=1;t=43200"#));
    get(service.clone()).await.expect_status(200);
    let refused = get(service.clone()).await.expect_status(429);
    assert_eq!(refused.header("retry-after"), Some("43200"));

    store.fail();
    let failed = get(service).await.expect_status(503);
    assert_eq!(failed.header("retry-after"), Some("1"));
    assert_eq!(failed.header("cache-control"), Some("no-store"));
    let problem = failed.json();
    assert_eq!(
        problem["type"],
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
    );
    assert_eq!(problem["code"], "RATE_LIMIT_UNAVAILABLE");
    assert!(
        !failed.text().contains("10.1.2.3"),
        "where the store is concerns nobody"
    );
    assert_eq!(
        failed.extension::<Rejection>().unwrap().kind(),
        RejectionKind::Unavailable
    );
}

#[tokio::test]
async fn a_responder_makes_the_answer_and_no_cache_keeps_it() {
    let time = Time::new();
    let layer =
        shared(&time.limiter([Quota::per_minute(1).named("minute")])).with_responder(|rejection| {
            let text = rejection.violated().collect::<Vec<_>>().join(",");
            Response::builder()
                .status(418)
                .body(Bytes::from(text))
                .unwrap()
        });
    let service = layer.layer(hello());
    get(service.clone()).await.expect_status(200);
    let refused = get(service).await.expect_status(418);
    assert_eq!(refused.text(), "minute");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(refused.header("ratelimit"), Some(r#""minute";r=0;t=60"#));
    assert!(refused.extension::<Rejection>().is_some());
}

#[tokio::test]
async fn jitter_only_lengthens() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_minute(1).named("minute")]);
    let layer = shared(&limiter).with_jitter(30 * SECOND);
    let service = layer.layer(hello());
    get(service.clone()).await.expect_status(200);
    let mut waits = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let refused = get(service.clone()).await.expect_status(429);
        assert_eq!(refused.header("ratelimit"), Some(r#""minute";r=0;t=60"#));
        waits.insert(
            refused
                .header("retry-after")
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    assert!(
        waits.iter().all(|wait| (60..=90).contains(wait)),
        "{waits:?}"
    );
    assert!(waits.len() > 10, "{waits:?}");
}

#[tokio::test]
async fn problem_layer_completes_refusals() {
    let time = Time::new();
    let service = ServiceBuilder::new()
        .layer(ProblemLayer::new())
        .layer(shared(&time.limiter([Quota::per_day(1)])))
        .service(hello::<Full<Bytes>>());
    get(service.clone()).await.expect_status(200);
    let refused = http::get("/v1/orders")
        .header("x-request-id", "id-7")
        .call(service)
        .await;
    let problem = refused.expect_status(429).json();
    assert_eq!(problem["instance"], "/v1/orders");
    assert_eq!(problem["requestId"], "id-7");
    assert!(problem["violated-policies"].is_array());
}

#[tokio::test]
async fn what_the_service_has_set_stays() {
    let time = Time::new();
    let layer = shared(&time.limiter([Quota::per_day(9)])).with_headers(HeaderFormat::None);
    let answer =
        get(layer.layer(answering(&[("ratelimit", "\"theirs\";r=1"), ("x-a", "b")]))).await;
    assert_eq!(answer.header("ratelimit"), Some("\"theirs\";r=1"));
    assert_eq!(answer.header("x-a"), Some("b"));
    assert_eq!(answer.header("ratelimit-policy"), None);
    assert_eq!(answer.text(), "hello");
}

#[tokio::test]
async fn a_handler_refuses_as_the_layer_does() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_minute(1).named("minute")]);
    let key = Key::from("paul");
    assert!(Rejection::of(&limiter.check(&key, 1).await.unwrap()).is_none());
    let rejection = Rejection::of(&limiter.check(&key, 1).await.unwrap()).unwrap();
    let by_hand: Response<Bytes> = rejection.to_problem().into();
    let service = RateLimitLayer::new(limiter)
        .with_key(|_: &Parts| Some(Key::from("paul")))
        .with_headers(HeaderFormat::None)
        .layer(hello::<Full<Bytes>>());
    let by_layer = service.oneshot(http::get("/").into_http()).await.unwrap();
    assert_eq!(by_hand.headers(), by_layer.headers());
    let by_layer = by_layer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(by_hand.body(), &by_layer);
    assert_eq!(
        Problem::from(rejection).detail(),
        Some("more was asked for than the quota allows; try again later")
    );
}

#[test]
fn every_problem_is_in_the_catalogue() {
    let codes = |problems: buttress_problem::Catalogue| {
        problems.iter().map(|kind| kind.code()).collect::<Vec<_>>()
    };
    assert_eq!(
        codes(RateLimitLayer::problems()),
        ["COST_TOO_LARGE", "QUOTA_EXCEEDED", "RATE_LIMIT_UNAVAILABLE"]
    );
    assert_eq!(
        codes(buttress_ratelimit::ConcurrencyLayer::problems()),
        ["AT_CAPACITY"]
    );
    assert_eq!(codes(Rejection::catalogue()).len(), 4);
}
