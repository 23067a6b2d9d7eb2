use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;
use buttress_ratelimit::{
    GovernorStore, Key, Quota, RateLimiter,
    testing::{StoreHarness, check_charges},
};
use governor::clock::FakeRelativeClock;

#[derive(Default)]
struct Governor(FakeRelativeClock);

#[async_trait]
impl StoreHarness for Governor {
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
        let [rate] = *RateLimiter::in_process(quotas.clone())
            .expect("quotas")
            .quotas()
            .rates()
        else {
            panic!("governor has one quota");
        };
        let burst = NonZeroU32::new(rate.burst()).expect("not zero");
        let quota = governor::Quota::with_period(Duration::from_nanos(rate.interval()));
        let quota = quota.expect("a period").allow_burst(burst);
        let governed = governor::RateLimiter::hashmap_with_clock(quota, self.0.clone());
        let store = GovernorStore::without_state(governed, Key::clone);
        RateLimiter::with_store(store, quotas).expect("quotas")
    }

    async fn advance(&self, by: Duration) {
        self.0.advance(by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_promises_that_it_can() {
    check_charges(Governor::default()).await;
}
