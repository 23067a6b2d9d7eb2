//! What has to be asked may not take forever. The clock is virtual, so nothing waits.

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use buttress_jwt::{
    Algorithm, BearerLayer, ErrorKind, Require, RequireLayer, Revocation, RevocationAnswer,
    TokenIdentity,
};
use buttress_testkit::http::{self, Answer};
use bytes::Bytes;
use http_body_util::Full;
use tokio::time::{Instant, sleep};
use tower::{Layer, service_fn};

use crate::log::Log;
use crate::support::{claims, peer};

fn bearer() -> BearerLayer {
    BearerLayer::new(peer(Algorithm::HS256).verifier())
}

/// Says after this time that no token is revoked.
struct Slow(Option<Duration>);

impl Revocation for Slow {
    fn check(&self, _: &TokenIdentity<'_>) -> RevocationAnswer {
        RevocationAnswer::later(after(self.0, false))
    }
}

async fn after(time: Option<Duration>, answer: bool) -> Result<bool, Infallible> {
    match time {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
    Ok(answer)
}

fn slow(time: Option<Duration>) -> Require {
    Require::check_async("slow", move |_, _| after(time, true))
}

/// What the layers answer, after which time, with which log, and how often what is behind them was called.
async fn call(bearer: BearerLayer, require: RequireLayer) -> (Answer, Duration, String, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let inner = service_fn(move |_: ::http::Request<Full<Bytes>>| {
        counter.fetch_add(1, Ordering::SeqCst);
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::default(),
        )))
    });
    let token = peer(Algorithm::HS256).token(&claims());
    let request = http::get("/").header("authorization", format!("Bearer {token}"));
    let begin = Instant::now();
    let (answer, log) = Log::of(request.call(bearer.layer(require.layer(inner)))).await;
    (answer, begin.elapsed(), log, calls.load(Ordering::SeqCst))
}

#[track_caller]
fn is_unavailable((answer, time, log, calls): &(Answer, Duration, String, usize), limit: Duration) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json()["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json().get("detail"), None);
    // tokio counts milliseconds, and rounds up.
    assert!(
        (limit..limit + Duration::from_millis(2)).contains(time),
        "{time:?}"
    );
    let reason = format!("no answer came within {limit:?}");
    assert!(log.contains("ERROR") && log.contains(&reason), "{log}");
    assert!(!answer.text().contains("within"), "{answer:?}");
    assert_eq!(*calls, 0);
}

const FIVE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_revocation_that_never_answers_is_given_up_after_five_seconds() {
    let free = || RequireLayer::new(Require::authenticated());
    let answered = call(bearer().with_revocation(Slow(None)), free()).await;
    is_unavailable(&answered, FIVE);

    let limit = Duration::from_millis(250);
    let layer = bearer().with_timeout(limit).unwrap();
    let answered = call(layer.clone().with_revocation(Slow(Some(FIVE))), free()).await;
    is_unavailable(&answered, limit);
    let in_time = Slow(Some(Duration::from_millis(249)));
    let (answer, _, _, calls) = call(layer.with_revocation(in_time), free()).await;
    assert_eq!((answer.status().as_u16(), calls), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_answers_is_given_up_after_five_seconds() {
    for require in [slow(None), Require::not(slow(None))] {
        let answered = call(bearer(), RequireLayer::new(require)).await;
        is_unavailable(&answered, FIVE);
    }
    let limit = Duration::from_secs(7);
    let layer = |require| RequireLayer::new(require).with_timeout(limit).unwrap();
    is_unavailable(&call(bearer(), layer(slow(None))).await, limit);
    let (answer, _, _, calls) = call(bearer(), layer(slow(Some(FIVE)))).await;
    assert_eq!((answer.status().as_u16(), calls), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn the_checks_of_a_request_share_its_time() {
    let three = || slow(Some(Duration::from_secs(3)));
    let answered = call(
        bearer(),
        RequireLayer::new(Require::all([three(), three()])),
    )
    .await;
    is_unavailable(&answered, FIVE);
    // The layers are two, and each has its own.
    let bearer = bearer().with_revocation(Slow(Some(Duration::from_secs(3))));
    let (answer, ..) = call(bearer, RequireLayer::new(three())).await;
    answer.expect_status(200);
}

#[test]
fn no_time_at_all_is_no_limit() {
    let kinds = [
        bearer().with_timeout(Duration::ZERO).map(drop),
        RequireLayer::new(Require::authenticated())
            .with_timeout(Duration::ZERO)
            .map(drop),
    ];
    for kind in kinds {
        let error = kind.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(error.to_string().contains("zero"), "{error}");
    }
}

/// An outage is one event a minute and not one per request.
#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_once_a_minute_with_a_count() {
    let limit = Duration::from_secs(1);
    let revoked = bearer()
        .with_timeout(limit)
        .unwrap()
        .with_revocation(Slow(None));
    let free = RequireLayer::new(Require::authenticated());
    let checked = RequireLayer::new(slow(None)).with_timeout(limit).unwrap();
    for (bearer, require) in [(revoked, free), (bearer(), checked)] {
        let mut logs = Vec::new();
        for _ in 0..61 {
            let (answer, _, log, _) = call(bearer.clone(), require.clone()).await;
            answer.expect_status(503);
            logs.push(log);
        }
        let written = |log: &String| log.contains("ERROR");
        assert_eq!(logs.iter().filter(|log| written(log)).count(), 2);
        assert!(logs[0].contains("left_out=0"), "{}", logs[0]);
        assert!(logs[60].contains("left_out=59"), "{}", logs[60]);
    }
}

#[cfg(feature = "redis")]
#[test]
fn no_time_at_all_is_no_timeout_of_redis() {
    use buttress_jwt::{RedisApiKeyStore, RedisRefreshStore};

    let client = || redis::Client::open("redis://127.0.0.1/").unwrap();
    let kinds = [
        RedisRefreshStore::new(client())
            .with_timeout(Duration::ZERO)
            .map(drop),
        RedisApiKeyStore::new(client())
            .with_timeout(Duration::ZERO)
            .map(drop),
    ];
    for kind in kinds {
        let error = kind.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    }
}
