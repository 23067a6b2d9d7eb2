//! Servers that go away while decisions are made.

use buttress_ratelimit::{ErrorKind, Key, Quota, RateLimiter};
use buttress_testkit::{Proxy, RedisServer};
use redis::Client;

use super::redis::store;
use crate::support::bare;

fn through(proxy: &Proxy) -> RateLimiter {
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    RateLimiter::with_store(bare(store(client, "p")), [Quota::per_day(5_000)]).expect("quotas")
}

/// Test 22 of the specification, its last part: one retry is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_comes_back_empty_is_used_again_at_once() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let limiter = through(&proxy);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let mut failures = 0;
                for _ in 0..200 {
                    if let Err(error) = limiter.check(&Key::global(), 1).await {
                        assert_eq!(error.kind(), ErrorKind::Store);
                        failures += 1;
                        let again = limiter.check(&Key::global(), 1).await;
                        assert!(again.expect("a decision").is_allowed());
                    }
                }
                failures
            })
        })
        .collect();
    // In the middle of it.
    while limiter
        .peek(&Key::global())
        .await
        .expect("a decision")
        .states()
        .all(|state| state.remaining > 4_600)
    {
        tokio::task::yield_now().await;
    }
    proxy.lead_to(second.address());
    proxy.cut();
    let mut failures = 0;
    for caller in callers {
        failures += caller.await.expect("one retry is enough");
    }
    assert!(failures <= 8, "{failures} have failed");
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_server_that_was_demoted_is_left_for_the_new_master_by_who_is_allowed() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let limiter = through(&proxy);
    let (paul, mary) = (Key::from("paul"), Key::from("mary"));
    assert!(
        limiter
            .check(&paul, 5_000)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert!(
        limiter
            .check(&mary, 4_000)
            .await
            .expect("a decision")
            .is_allowed()
    );

    // As in a failover where nothing closes the connections: the first one lives on, and is only read from.
    second.replicate(&first).await;
    second.promote().await;
    first.replicate(&second).await;
    proxy.lead_to(second.address());
    assert!(
        !limiter
            .check(&paul, 100)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert!(
        !limiter
            .check(&mary, 2_000)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert_eq!(proxy.accepted(), 1);
    assert!(
        limiter
            .check(&mary, 1_000)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert_eq!(proxy.accepted(), 2);
    assert!(
        !limiter
            .check(&mary, 100)
            .await
            .expect("a decision")
            .is_allowed()
    );
}
