use std::{sync::Arc, time::Duration};

use super::{StoreHarness, check, left, missing, new_key};
use crate::{ErrorKind, Quota};

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn a_key_that_was_never_seen_has_full_buckets(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![Quota::per_second(3), Quota::per_day(7).burst(2)];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert_eq!(missing(&limiter, &key).await, [0, 0]);
    assert_eq!(left(&limiter, &key).await, [3, 2]);
}

pub(super) async fn a_cost_is_taken_from_all_buckets(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![Quota::per_second(7), Quota::per_hour(1_000)];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert!(check(&limiter, &key, 1).await.is_allowed());
    assert!(check(&limiter, &key, 4).await.is_allowed());
    let seventh = 1_000_000_000_u128.div_ceil(7);
    assert_eq!(
        missing(&limiter, &key).await,
        [5 * seventh, 5 * 3_600_000_000]
    );
    assert_eq!(left(&limiter, &key).await, [2, 995]);
    harness.advance(Duration::from_micros(1)).await;
    assert_eq!(
        missing(&limiter, &key).await,
        [5 * seventh - 1_000, 5 * 3_600_000_000 - 1_000]
    );
    let error = limiter.check(&key, 8).await.expect_err("no bucket has it");
    assert_eq!(error.kind(), ErrorKind::CostTooLarge);
}

/// Test 14 of the specification: to the nanosecond.
pub(super) async fn a_refusal_takes_nothing_from_any_bucket(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![
        Quota::per_hour(1_000).named("roomy"),
        Quota::per_minute(3).named("tight"),
        Quota::per_minute(2).named("counts").shadow(),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    for _ in 0..3 {
        assert!(check(&limiter, &key, 1).await.is_allowed());
        harness.advance(Duration::from_micros(333_333)).await;
    }
    let before = missing(&limiter, &key).await;
    for cost in [1, 2, 3] {
        let refused = check(&limiter, &key, cost).await;
        assert!(!refused.is_allowed());
        let violated: Vec<_> = refused.violated().map(|state| state.quota.name()).collect();
        assert_eq!(violated, ["tight"]);
        assert_eq!(missing(&limiter, &key).await, before);
    }
}

/// Half of test 8 of the specification.
pub(super) async fn who_waits_as_told_is_let_in_and_who_comes_sooner_is_not(
    harness: Arc<dyn StoreHarness>,
) {
    let quotas = vec![
        Quota::per_second(8).burst(5),
        Quota::per_minute(60).burst(30),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert!(check(&limiter, &key, 5).await.is_allowed());
    for cost in [1, 3, 5] {
        let refused = check(&limiter, &key, cost).await;
        let wait = refused.retry_after().expect("a time");
        harness.advance(wait - Duration::from_micros(1)).await;
        assert!(!check(&limiter, &key, cost).await.is_allowed(), "{cost}");
        harness.advance(Duration::from_micros(1)).await;
        assert!(check(&limiter, &key, cost).await.is_allowed(), "{cost}");
    }
}

/// Test 5 of the specification.
pub(super) async fn a_bucket_that_is_full_again_is_one_that_was_never_seen(
    harness: Arc<dyn StoreHarness>,
) {
    let limiter = harness.limiter(vec![Quota::per_second(10).burst(20)]).await;
    for idle in [2 * SECOND, 3 * SECOND, 86_400 * SECOND] {
        let key = new_key();
        assert!(check(&limiter, &key, 20).await.is_allowed());
        harness.advance(idle).await;
        assert_eq!(missing(&limiter, &key).await, [0]);
        for _ in 0..20 {
            assert!(check(&limiter, &key, 1).await.is_allowed());
        }
        assert!(!check(&limiter, &key, 1).await.is_allowed());
    }
}

pub(super) async fn what_only_counts_refuses_nothing(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![
        Quota::per_minute(10).named("refuses"),
        Quota::per_minute(4).named("counts").shadow(),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    for round in 0..10 {
        let decision = check(&limiter, &key, 1).await;
        assert!(decision.is_allowed());
        assert_eq!(decision.shadowed().count(), usize::from(round >= 4));
    }
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    // It is not overdrawn, so that it tells what it would do.
    assert_eq!(missing(&limiter, &key).await, [60_000_000_000; 2]);
    harness.advance(15 * SECOND).await;
    assert_eq!(left(&limiter, &key).await, [2, 1]);

    let only = vec![Quota::per_minute(2).shadow()];
    let limiter = harness.limiter(only).await;
    let key = new_key();
    for _ in 0..5 {
        assert!(check(&limiter, &key, 1).await.is_allowed());
    }
    // More than a bucket ever has.
    let key = new_key();
    assert!(check(&limiter, &key, 3).await.is_allowed());
    assert_eq!(missing(&limiter, &key).await, [0]);
}

pub(super) async fn several_charges_are_granted_as_far_as_there_is_room(
    harness: Arc<dyn StoreHarness>,
) {
    let quotas = vec![
        Quota::per_second(100).burst(1_000).named("a"),
        Quota::per_minute(60).burst(50).named("b"),
        Quota::per_minute(60).burst(7).named("c").shadow(),
    ];
    let limiter = harness.limiter(quotas).await;
    let (tenth, second) = (10_000_000_u128, 1_000_000_000_u128);
    for (cost, count, taken, counted) in [
        (1, 10, 10, 7),
        (1, 50, 50, 7),
        (1, 51, 50, 7),
        (1, u32::MAX, 50, 7),
        (3, 100, 48, 6),
        (25, 2, 50, 0),
        (50, 9, 50, 0),
        (0, 5, 0, 0),
        (1, 0, 0, 0),
    ] {
        let key = new_key();
        let (quotas, before) = limiter
            .charge_many(&key, cost, count)
            .await
            .expect("an answer");
        assert_eq!(&before[..], [0, 0, 0]);
        if cost > 0 {
            assert_eq!(quotas.granted(&before, cost, count) * cost, taken);
        }
        let after = [taken.into(), u128::from(taken) * second, counted * second];
        let after = [after[0] * tenth, after[1], after[2]];
        assert_eq!(missing(&limiter, &key).await, after, "{cost} × {count}");
    }
}

/// Test 4 of the specification: those whose nanoseconds are more than a floating-point number can tell apart.
pub(super) async fn the_largest_buckets_are_exact(harness: Arc<dyn StoreHarness>) {
    let year = 365 * 86_400 * SECOND;
    let quotas = vec![
        Quota::per(u32::MAX, year).burst(u32::MAX).named("many"),
        Quota::per(1, year).burst(146).named("slow"),
        Quota::per(1, Duration::from_nanos(1))
            .burst(u32::MAX)
            .named("fast"),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert!(check(&limiter, &key, 146).await.is_allowed());
    let interval = year.as_nanos().div_ceil(u32::MAX.into());
    let all = [146 * interval, 146 * year.as_nanos(), 146];
    assert_eq!(missing(&limiter, &key).await, all);
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    harness.advance(Duration::from_micros(1)).await;
    let later = [all[0] - 1_000, all[1] - 1_000, 0];
    assert_eq!(missing(&limiter, &key).await, later);
    harness.advance(year - Duration::from_micros(2)).await;
    assert!(!check(&limiter, &key, 1).await.is_allowed());
    harness.advance(Duration::from_micros(1)).await;
    assert!(check(&limiter, &key, 1).await.is_allowed());
    assert_eq!(
        missing(&limiter, &key).await,
        [interval, 146 * year.as_nanos(), 1]
    );

    let quotas = vec![Quota::per(u32::MAX, year).burst(u32::MAX)];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert!(check(&limiter, &key, u32::MAX).await.is_allowed());
    let whole = u128::from(u32::MAX) * interval;
    assert_eq!(missing(&limiter, &key).await, [whole]);
    let key = new_key();
    assert!(limiter.charge_many(&key, 1, u32::MAX - 1).await.is_ok());
    assert_eq!(missing(&limiter, &key).await, [whole - interval]);
    assert!(check(&limiter, &key, 1).await.is_allowed());
    assert!(!check(&limiter, &key, 1).await.is_allowed());
}

/// Where a quotient of floating-point numbers is one too small.
pub(super) async fn as_many_of_the_slowest_are_granted_as_there_are(
    harness: Arc<dyn StoreHarness>,
) {
    for (interval, burst) in [
        (118_673_444_619_736_443, 30),
        (49_958_880_501_403_421, 77),
        (129_714_907_549_189_306, 8),
    ] {
        let quota = Quota::per(1, Duration::from_nanos(interval)).burst(burst);
        let limiter = harness.limiter(vec![quota]).await;
        let key = new_key();
        let answer = limiter.charge_many(&key, 1, burst + 5).await;
        assert!(answer.is_ok());
        let all = u128::from(interval) * u128::from(burst);
        assert_eq!(missing(&limiter, &key).await, [all]);
    }
}

pub(super) async fn keys_have_buckets_of_their_own(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_minute(1)]).await;
    let mine = new_key();
    let keys = [
        mine.clone(),
        mine.clone().and("a"),
        mine.clone().and("b"),
        mine.clone().and("}"),
        mine.clone().and("\0\r\n"),
        mine.clone().and(crate::Key::secret("a")),
        mine.clone().and(crate::Key::secret("b")),
        mine.clone().and("x".repeat(5_000)),
        mine.and("x".repeat(5_001)),
    ];
    for key in &keys {
        assert!(check(&limiter, key, 1).await.is_allowed());
    }
    for key in &keys {
        assert!(!check(&limiter, key, 1).await.is_allowed());
    }
}
