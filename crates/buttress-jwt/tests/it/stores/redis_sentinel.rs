//! The Redis store on the master that a sentinel names.

use std::sync::Arc;

use buttress_jwt::{ErrorKind, RedisRefreshStore, RefreshError};
use buttress_testkit::RedisSentinel;
use redis::sentinel::{SentinelClient, SentinelServerType};

use super::sessions;

#[tokio::test]
async fn sessions_go_on_after_a_failover() {
    let mut servers = RedisSentinel::start().await;
    let client = SentinelClient::build(
        vec![servers.url()],
        servers.master_name().to_owned(),
        None,
        SentinelServerType::Master,
    );
    let store = RedisRefreshStore::new(client.expect("a client"));
    let sessions = sessions(Arc::new(store));
    let pair = sessions.start("user-1").await.expect("a session");
    let pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");

    servers.fail_over().await;
    // Who uses the connection to the old master first finds out that it has ended.
    match sessions.refresh(&pair.refresh_token).await.unwrap_err() {
        RefreshError::Failed(error) => assert_eq!(error.kind(), ErrorKind::Store),
        refused => panic!("{refused:?}"),
    }
    let pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(
        sessions.list("user-1").await.expect("a list"),
        [pair.session]
    );
}
