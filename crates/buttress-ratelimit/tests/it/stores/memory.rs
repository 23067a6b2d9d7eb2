use std::time::Duration;

use async_trait::async_trait;
use buttress_ratelimit::{
    Quota, RateLimiter,
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
