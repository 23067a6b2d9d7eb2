use std::{sync::Arc, time::Duration};

use super::{StoreHarness, check, left, missing, new_key};
use crate::Quota;

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn a_peek_changes_nothing(harness: Arc<dyn StoreHarness>) {
    let limiter = harness
        .limiter(vec![Quota::per_minute(60).burst(5).debt(5)])
        .await;
    let key = new_key();
    assert_eq!(left(&limiter, &key).await, [5]);
    assert!(check(&limiter, &key, 3).await.is_allowed());
    for _ in 0..3 {
        assert_eq!(missing(&limiter, &key).await, [3_000_000_000]);
    }
    limiter.penalize(&key, 6).await.expect("a penalty");
    // Also not of a bucket in debt, which refuses everything else.
    let peek = limiter.peek(&key).await.expect("a decision");
    assert!(peek.is_allowed());
    assert_eq!(missing(&limiter, &key).await, [9_000_000_000]);
    assert!(!check(&limiter, &key, 1).await.is_allowed());
}

pub(super) async fn no_refund_makes_a_bucket_fuller_than_full(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![Quota::per_second(10), Quota::per_minute(600)];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert!(check(&limiter, &key, 8).await.is_allowed());
    limiter.refund(&key, 3).await.expect("a refund");
    assert_eq!(missing(&limiter, &key).await, [500_000_000; 2]);
    for tokens in [6, u32::MAX] {
        limiter.refund(&key, tokens).await.expect("a refund");
        assert_eq!(missing(&limiter, &key).await, [0, 0]);
    }
    assert!(check(&limiter, &key, 10).await.is_allowed());
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    // Of what was never charged.
    let key = new_key();
    limiter.refund(&key, 1).await.expect("a refund");
    assert_eq!(left(&limiter, &key).await, [10, 600]);
}

pub(super) async fn a_penalty_leaves_no_more_debt_than_allowed(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![
        Quota::per_second(1).burst(10).named("none"),
        Quota::per_second(1).burst(10).debt(25).named("some"),
        Quota::per_second(1)
            .burst(10)
            .debt(7)
            .shadow()
            .named("counts"),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    let seconds = |seconds: [u128; 3]| seconds.map(|seconds| seconds * 1_000_000_000);
    limiter.penalize(&key, 9).await.expect("a penalty");
    assert_eq!(missing(&limiter, &key).await, seconds([9, 9, 9]));
    limiter.penalize(&key, 15).await.expect("a penalty");
    assert_eq!(missing(&limiter, &key).await, seconds([10, 24, 17]));
    limiter.penalize(&key, u32::MAX).await.expect("a penalty");
    assert_eq!(missing(&limiter, &key).await, seconds([10, 35, 17]));
    limiter.refund(&key, 5).await.expect("a refund");
    assert_eq!(missing(&limiter, &key).await, seconds([5, 30, 12]));
}

pub(super) async fn a_debt_is_paid_by_time_alone(harness: Arc<dyn StoreHarness>) {
    let limiter = harness
        .limiter(vec![Quota::per_second(1).burst(2).debt(3)])
        .await;
    let key = new_key();
    limiter.penalize(&key, 5).await.expect("a penalty");
    let refused = check(&limiter, &key, 1).await;
    assert_eq!(refused.retry_after(), Some(4 * SECOND));
    harness.advance(4 * SECOND - Duration::from_micros(1)).await;
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    harness.advance(Duration::from_micros(1)).await;
    assert!(check(&limiter, &key, 1).await.is_allowed());
    // A refused charge is no penalty.
    assert_eq!(missing(&limiter, &key).await, [2_000_000_000]);
}

pub(super) async fn what_is_set_is_what_is_left(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![Quota::per_second(10).burst(20).debt(5), Quota::per_hour(9)];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    for (tokens, there) in [(4, [4, 4]), (15, [15, 9]), (0, [0, 0]), (9, [9, 9])] {
        limiter.set(&key, tokens).await.expect("it is set");
        assert_eq!(left(&limiter, &key).await, there);
    }
    limiter.penalize(&key, 40).await.expect("a penalty");
    limiter.set(&key, 1).await.expect("it is set");
    assert!(check(&limiter, &key, 1).await.is_allowed());
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    limiter.reset(&key).await.expect("it is full");
    assert_eq!(missing(&limiter, &key).await, [0, 0]);
}
