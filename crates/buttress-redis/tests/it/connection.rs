//! Which connection is kept, and which one is replaced. Failovers are tested with the stores.

use std::time::Duration;

use buttress_redis::{RedisConnection, Script};
use buttress_testkit::{Proxy, RedisServer};
use redis::{Client, RedisResult};

const TIMEOUT: Duration = Duration::from_secs(2);

fn to(address: impl std::fmt::Display, timeout: Duration) -> RedisConnection {
    let client = Client::open(format!("redis://{address}/")).expect("a client");
    RedisConnection::new(client, timeout)
}

async fn answer(connection: &RedisConnection) -> RedisResult<u64> {
    let script = Script::new("return 42");
    connection.call(&script.call(&["key"])).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_callers_share_one_and_the_one_that_replaces_it() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let connection = to(proxy.address(), TIMEOUT);
    let all = async || {
        let callers: Vec<_> = (0..16)
            .map(|_| {
                let connection = connection.clone();
                tokio::spawn(async move { answer(&connection).await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.expect("no panic"), Ok(42));
        }
    };
    all().await;
    assert_eq!(proxy.accepted(), 1);
    proxy.cut();
    assert!(answer(&connection).await.is_err());
    proxy.resume();
    all().await;
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn an_error_of_a_script_is_no_reason_for_another_connection() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let connection = to(proxy.address(), TIMEOUT);
    for text in [
        "return redis.error_reply('OOM no room')",
        "return redis.call('GET')",
        "return {err = 'LOADING the dataset'}",
    ] {
        let script = Script::new(text);
        let outcome: RedisResult<String> = connection.call(&script.call(&["key"])).await;
        assert!(outcome.is_err(), "{text}");
    }
    assert_eq!(answer(&connection).await, Ok(42));
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn who_has_less_time_than_connecting_takes_leaves_the_connection_to_the_next() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let connection = to(proxy.address(), Duration::from_millis(20));
    proxy.stall();
    let error = answer(&connection).await.expect_err("no connection");
    assert!(error.is_timeout(), "{error}");
    proxy.resume();
    let mut tries = 0;
    while answer(&connection).await.is_err() {
        tries += 1;
        assert!(tries < 1_000, "there is never a connection");
    }
    assert_eq!(proxy.accepted(), 1);
}
