//! The Redis store on the master that a sentinel names.

use buttress_ratelimit::{ErrorKind, Key, Quota, RateLimiter};
use buttress_testkit::RedisSentinel;
use redis::sentinel::{SentinelClient, SentinelServerType};

use super::redis::store;
use crate::support::bare;

#[tokio::test]
async fn buckets_are_as_they_were_after_a_failover() {
    let mut servers = RedisSentinel::start().await;
    let client = SentinelClient::build(
        vec![servers.url()],
        servers.master_name().to_owned(),
        None,
        SentinelServerType::Master,
    );
    let store = store(client.expect("a client"), "p");
    let limiter = RateLimiter::with_store(bare(store), [Quota::per_day(100)]).expect("quotas");
    let key = Key::from("paul");
    assert!(
        limiter
            .check(&key, 60)
            .await
            .expect("a decision")
            .is_allowed()
    );

    servers.fail_over().await;
    // Who uses the connection to the old master first finds out that it has ended.
    let error = limiter.check(&key, 1).await.expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(
        !limiter
            .check(&key, 41)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert!(
        limiter
            .check(&key, 40)
            .await
            .expect("a decision")
            .is_allowed()
    );
    assert!(
        !limiter
            .check(&key, 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
}
