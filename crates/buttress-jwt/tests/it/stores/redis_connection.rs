//! The connection of the Redis store: which one is kept, and which one is replaced.

use std::{sync::Arc, time::Duration};

use buttress_jwt::{ErrorKind, RedisRefreshStore, RefreshError, RefreshStore, Sessions};
use buttress_testkit::{Proxy, RedisServer};
use redis::Client;
use tokio::time;

use super::sessions;

const TIMEOUT: Duration = Duration::from_secs(1);
/// Much less than the time-out of the store.
const IMPATIENCE: Duration = Duration::from_millis(20);
/// Longer than the impatience of callers, shorter than the time-out.
const SLOW: Duration = Duration::from_millis(100);

/// Sessions on the server that the proxy leads to.
fn sessions_through(proxy: &Proxy) -> Sessions {
    sessions(Arc::new(store_through(proxy)))
}

/// Without anything around it that would wait for the store where the caller does not.
fn store_through(proxy: &Proxy) -> RedisRefreshStore {
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    RedisRefreshStore::new(client).with_timeout(TIMEOUT)
}

#[tokio::test]
async fn a_server_that_was_demoted_is_left_for_the_new_master() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let sessions = sessions_through(&proxy);
    let pair = sessions.start("user-1").await.expect("a session");

    // As in a failover where nothing closes the connections: the first one lives on, and is only read from.
    second.replicate(&first).await;
    second.promote().await;
    first.replicate(&second).await;
    proxy.lead_to(second.address());
    let pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 2);
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_replica_is_no_place_for_sessions_and_asked_again_by_the_next_call_only() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let sessions = sessions_through(&proxy);
    let pair = sessions.start("user-1").await.expect("a session");
    second.replicate(&first).await;
    second.promote().await;
    first.replicate(&second).await;

    let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it was refused: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    // Both connections have led to the replica.
    assert_eq!(proxy.accepted(), 2);
    first.promote().await;
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 3);
}

/// Nobody waits long enough to see that the connection does not answer any more.
#[tokio::test]
async fn a_connection_that_was_lost_is_replaced_also_when_all_give_up_early() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    store.list("user-1").await.expect("a list");
    proxy.lose();
    let mut given_up = 0;
    while time::timeout(IMPATIENCE, store.list("user-1"))
        .await
        .is_err()
    {
        given_up += 1;
        assert!(given_up < 1000, "the lost connection is kept");
    }
    assert_ne!(given_up, 0);
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn one_who_gives_up_does_not_take_the_connection_from_the_others() {
    let server = RedisServer::start().await;
    let proxy = Proxy::to(server.address()).await;
    let store = store_through(&proxy);
    store.list("user-1").await.expect("a list");
    proxy.delay(SLOW);
    let gives_up = time::timeout(IMPATIENCE, store.list("user-1"));
    let (gives_up, waits) = tokio::join!(gives_up, store.list("user-1"));
    assert!(gives_up.is_err());
    waits.expect("a list");

    // Whether the connection still answers was asked, and it did.
    let client = Client::open(server.url()).expect("a client");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    for asked in 0.. {
        assert!(asked < 100_000, "nobody asks");
        let stats: String = redis::cmd("INFO")
            .arg("commandstats")
            .query_async(&mut connection)
            .await
            .expect("counts");
        if stats.contains("cmdstat_ping:calls=1,") {
            break;
        }
    }
    proxy.resume();
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn one_who_gives_up_while_connecting_leaves_the_connection_to_the_next() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    proxy.delay(SLOW);
    let gives_up = time::timeout(IMPATIENCE, store.list("user-1")).await;
    assert!(gives_up.is_err());
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 1);
}

/// Each of them would otherwise wait for those before it, and then for itself.
#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_once_for_all_who_wait() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    proxy.stall();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.list("user-1").await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.expect("no panic").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
    }
    assert_eq!(proxy.accepted(), 1);
    proxy.resume();
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 2);
}
