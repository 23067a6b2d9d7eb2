use std::fmt::Debug;

use buttress_redis::{Call, RedisClient, RedisConnection, Reply, Script};

fn shared<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn everything_can_be_shared() {
    shared::<Call<'_>>();
    shared::<RedisClient>();
    shared::<RedisConnection>();
    shared::<Reply>();
    shared::<Script>();
}
