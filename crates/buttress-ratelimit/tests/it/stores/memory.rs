use std::time::Duration;

use async_trait::async_trait;
use buttress_ratelimit::{
    Key, Quota, RateLimiter,
    testing::{StoreHarness, check_store},
};

use crate::time::Time;

struct Memory(Time);

#[async_trait]
impl StoreHarness for Memory {
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
        self.0.limiter(quotas)
    }

    async fn advance(&self, by: Duration) {
        self.0.pass(by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Memory(Time::new())).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nobody_out() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10).burst(20).debt(10)]);
    set_back(&time, &limiter).await;
}

/// Test 9 of the specification: for no longer than a bucket takes to fill, also if it is asked all the time.
pub(super) async fn set_back(time: &Time, limiter: &RateLimiter) {
    let (spent, peeked) = (Key::from("spent"), Key::from("peeked"));
    for key in [&spent, &peeked] {
        assert!(
            limiter
                .check(key, 20)
                .await
                .expect("a decision")
                .is_allowed()
        );
    }
    time.go_back(Duration::from_secs(7 * 24 * 3600));
    for tenth in 1..=30 {
        let decision = limiter.check(&spent, 1).await.expect("a decision");
        // It is as deep in debt as it may be, for all that is known.
        assert_eq!(decision.is_allowed(), tenth > 11, "{tenth}");
        let _ = limiter.peek(&peeked).await.expect("a decision");
        time.pass(Duration::from_millis(100));
    }
    let decision = limiter.check(&spent, 1).await.expect("a decision");
    assert!(decision.is_allowed());
    assert!(
        limiter
            .check(&peeked, 20)
            .await
            .expect("a decision")
            .is_allowed()
    );
    // A jump ahead fills buckets, and no more than that.
    time.pass(Duration::from_secs(600));
    assert!(
        limiter
            .check(&spent, 20)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert!(
        !limiter
            .check(&spent, 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
}
