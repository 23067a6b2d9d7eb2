use std::{sync::Arc, time::Duration};

use super::{Random, StoreHarness, check, new_key};
use crate::Quota;

/// Test 1 of the specification: Σ cost ≤ burst + ⌊w / T⌋ in every window.
pub(super) async fn no_window_admits_more_than_its_burst_and_its_rate(
    harness: Arc<dyn StoreHarness>,
) {
    let mut random = Random::new();
    let seed = random.seed();
    for (count, period, burst) in [
        (7, Duration::from_secs(1), 3),
        (1_000, Duration::from_millis(333), 40),
        (700_000_000, Duration::from_secs(1), 900),
        (3, Duration::from_secs(86_400), 3),
    ] {
        let interval = period.as_nanos().div_ceil(u128::from(count));
        let quotas = vec![Quota::per(count, period).burst(burst)];
        let limiter = harness.limiter(quotas).await;
        let key = new_key();
        let (mut at, mut sum) = (0, 0);
        // When, and how much altogether until then.
        let mut admitted: Vec<(u128, u128)> = Vec::new();
        for _ in 0..400 {
            let micros = u64::try_from(interval.div_ceil(1_000)).expect("it fits");
            let wait = Duration::from_micros(random.number() % (2 * micros));
            harness.advance(wait).await;
            at += wait.as_nanos();
            let cost = 1 + random.below(burst.min(5));
            if check(&limiter, &key, cost).await.is_allowed() {
                admitted.push((at, sum));
                sum += u128::from(cost);
            }
            for (start, before) in &admitted {
                let most = u128::from(burst) + (at - start) / interval;
                assert!(sum - before <= most, "seed {seed}: {count} in {period:?}");
            }
        }
        assert!(sum >= u128::from(burst), "hardly anybody was let in");
    }
}

/// Test 2 of the specification.
pub(super) async fn who_sends_at_the_rate_is_never_refused(harness: Arc<dyn StoreHarness>) {
    for (count, period) in [
        (1, Duration::from_secs(86_400)),
        (8, Duration::from_secs(1)),
        (1_000_000, Duration::from_secs(1)),
    ] {
        let limiter = harness
            .limiter(vec![Quota::per(count, period).burst(2)])
            .await;
        let key = new_key();
        assert!(check(&limiter, &key, 2).await.is_allowed());
        for _ in 0..100 {
            harness.advance(period / count).await;
            assert!(check(&limiter, &key, 1).await.is_allowed());
        }
        assert!(!check(&limiter, &key, 1).await.is_allowed());
    }
}
