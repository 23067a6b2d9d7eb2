use std::{sync::Arc, time::Duration};

use super::{StoreHarness, check, left, missing, new_key};
use crate::{Inherit, Quota, RateLimiter};

fn quota(count: u32) -> Quota {
    Quota::per_minute(count).named("q")
}

fn replace(limiter: &RateLimiter, quotas: impl IntoIterator<Item = Quota>, inherit: Inherit) {
    limiter.replace(quotas, inherit).expect("quotas");
}

pub(super) async fn what_was_spent_is_inherited_by_name(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![
        Quota::per_minute(100).named("a"),
        Quota::per_minute(10).named("b"),
    ];
    let limiter = harness.limiter(quotas).await;
    let keys = [new_key(), new_key(), new_key()];
    for key in &keys {
        assert!(check(&limiter, key, 3).await.is_allowed());
    }
    let never_seen = new_key();
    let quotas = [
        Quota::per_minute(7).named("b"),
        Quota::per_minute(50).named("a"),
        Quota::per_minute(9).named("c"),
    ];
    replace(&limiter, quotas, Inherit::Spent);
    // Whatever is asked first.
    assert_eq!(left(&limiter, &keys[0]).await, [4, 47, 9]);
    assert!(check(&limiter, &keys[1], 2).await.is_allowed());
    assert_eq!(left(&limiter, &keys[1]).await, [2, 45, 7]);
    limiter.refund(&keys[2], 1).await.expect("a refund");
    assert_eq!(left(&limiter, &keys[2]).await, [5, 48, 9]);
    assert_eq!(left(&limiter, &never_seen).await, [7, 50, 9]);
    assert_eq!(left(&limiter, &keys[0]).await, [4, 47, 9]);
}

pub(super) async fn a_share_or_nothing_is_inherited(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![quota(100)]).await;
    let (key, other) = (new_key(), new_key());
    assert!(check(&limiter, &key, 30).await.is_allowed());
    assert!(check(&limiter, &other, 30).await.is_allowed());
    replace(&limiter, [quota(50)], Inherit::Share);
    assert_eq!(left(&limiter, &key).await, [35]);
    assert_eq!(left(&limiter, &other).await, [35]);
    replace(&limiter, [quota(20)], Inherit::Nothing);
    assert_eq!(missing(&limiter, &key).await, [0]);
    assert!(check(&limiter, &other, 20).await.is_allowed());
}

/// A key may not be seen for a while.
pub(super) async fn what_was_spent_is_inherited_however_often_they_were_replaced_since(
    harness: Arc<dyn StoreHarness>,
) {
    let limiter = harness.limiter(vec![quota(100)]).await;
    let keys = [new_key(), new_key(), new_key(), new_key(), new_key()];
    for key in &keys {
        assert!(check(&limiter, key, 30).await.is_allowed());
    }
    let never_seen = new_key();
    replace(&limiter, [quota(50)], Inherit::Spent);
    assert_eq!(left(&limiter, &keys[0]).await, [20]);
    replace(&limiter, [quota(200)], Inherit::Share);
    replace(&limiter, [quota(50).debt(1)], Inherit::Share);
    replace(&limiter, [quota(150)], Inherit::Spent);
    // 30 of 50, 120 of 200, 30 of 50, 30 of 150.
    assert!(check(&limiter, &keys[1], 1).await.is_allowed());
    limiter.refund(&keys[2], 1).await.expect("a refund");
    limiter.set(&keys[3], 7).await.expect("it is set");
    for (key, expected) in keys.iter().zip([120, 119, 121, 7, 120]) {
        assert_eq!(left(&limiter, key).await, [expected]);
    }
    assert_eq!(missing(&limiter, &never_seen).await, [0]);
    limiter.reset(&keys[1]).await.expect("it is full");
    // Nothing is inherited through those that have inherited nothing.
    replace(&limiter, [quota(300)], Inherit::Nothing);
    replace(&limiter, [quota(400)], Inherit::Spent);
    for key in &keys {
        assert_eq!(missing(&limiter, key).await, [0]);
    }
}

/// When the buckets are full sooner by the new quotas than by the old ones.
pub(super) async fn what_was_inherited_is_not_inherited_again(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_day(100).named("q")]).await;
    let key = new_key();
    assert!(check(&limiter, &key, 60).await.is_allowed());
    replace(
        &limiter,
        [Quota::per_second(100).named("q")],
        Inherit::Spent,
    );
    assert_eq!(left(&limiter, &key).await, [40]);
    harness.advance(Duration::from_secs(5)).await;
    assert!(check(&limiter, &key, 100).await.is_allowed());
    limiter.reset(&key).await.expect("it is full");
    assert_eq!(missing(&limiter, &key).await, [0]);
}

pub(super) async fn what_is_set_is_not_inherited_over(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_day(100).named("q")]).await;
    let (key, other) = (new_key(), new_key());
    assert!(check(&limiter, &key, 60).await.is_allowed());
    assert!(check(&limiter, &other, 60).await.is_allowed());
    replace(&limiter, [quota(10)], Inherit::Spent);
    limiter.reset(&key).await.expect("it is full");
    assert_eq!(missing(&limiter, &key).await, [0]);
    limiter.set(&other, 3).await.expect("it is set");
    assert_eq!(left(&limiter, &other).await, [3]);
}

pub(super) async fn quotas_that_come_back_have_what_was_spent_since(
    harness: Arc<dyn StoreHarness>,
) {
    let limiter = harness.limiter(vec![quota(10)]).await;
    let key = new_key();
    assert!(check(&limiter, &key, 2).await.is_allowed());
    replace(&limiter, [quota(100)], Inherit::Spent);
    assert!(check(&limiter, &key, 4).await.is_allowed());
    replace(&limiter, [quota(10)], Inherit::Spent);
    assert_eq!(left(&limiter, &key).await, [4]);
    // By equal ones.
    replace(&limiter, [quota(10)], Inherit::Spent);
    assert_eq!(left(&limiter, &key).await, [4]);
}
