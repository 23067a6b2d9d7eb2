//! Test 1 of the specification: what is admitted in any time, for whatever comes.

use std::time::Duration;

use buttress_ratelimit::{Key, Quota};
use proptest::prelude::*;

use crate::{limiter::now, time::Time};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_admits_more_than_its_burst_and_its_rate(
        count in 1..2_000_u32, period_ms in 1..5_000_u64, burst in 1..50_u32,
        arrivals in prop::collection::vec((0..40_u64, 0..60_u32), 2_500),
    ) {
        let period = Duration::from_millis(period_ms);
        let interval = period.as_nanos().div_ceil(count.into());
        let time = Time::new();
        let limiter = time.limiter([Quota::per(count, period).burst(burst)]);
        let key = Key::from("whoever");
        // When, and how much altogether until then.
        let mut admitted: Vec<(u128, u128)> = Vec::new();
        let (mut at, mut sum) = (0_u128, 0_u128);
        for (steps, cost) in arrivals {
            let wait = Duration::from_nanos(u64::try_from(interval / 4 + 1).expect("it fits") * steps);
            time.pass(wait);
            at += wait.as_nanos();
            let cost = cost % (burst + 1);
            if cost == 0 || !now(&limiter, &key, cost).is_allowed() {
                continue;
            }
            admitted.push((at, sum));
            sum += u128::from(cost);
            // Σ cost ≤ burst + ⌊w / T⌋ for every window from one of the last arrivals to this one.
            let from = admitted.len().saturating_sub(400);
            for (start, before) in &admitted[from..] {
                let window = (at - start) / interval;
                prop_assert!(sum - before <= u128::from(burst) + window);
            }
        }
        // And over all of it.
        prop_assert!(sum <= u128::from(burst) + at / interval);
    }
}
