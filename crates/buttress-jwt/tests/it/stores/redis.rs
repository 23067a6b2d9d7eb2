use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    ErrorKind, RedisRefreshStore, RefreshError, RefreshStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::{Proxy, RedisServer};
use redis::{AsyncCommands, Client, Script};

use super::sessions;

pub(super) struct Redis {
    pub(super) server: &'static RedisServer,
    pub(super) prefix: String,
}

impl Redis {
    pub(super) async fn new() -> Self {
        let server = RedisServer::shared().await;
        let prefix = server.key_prefix();
        Self { server, prefix }
    }

    pub(super) fn client(&self) -> Client {
        Client::open(self.server.url()).expect("a client")
    }
}

#[async_trait]
impl StoreHarness for Redis {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        let store = RedisRefreshStore::new(self.client()).with_prefix(&self.prefix);
        Arc::new(store.expect("a prefix"))
    }

    async fn advance(&self, by: Duration) {
        let_time_pass(&self.client(), &self.prefix, by).await;
    }
}

/// The clock of a server cannot be set: what is kept gets older instead.
pub(super) async fn let_time_pass(server: &Client, prefix: &str, by: Duration) {
    let mut connection = server
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let by = i64::try_from(by.as_millis()).expect("a short time");
    let () = Script::new(AGE)
        .arg(prefix)
        .arg(-by)
        .invoke_async(&mut connection)
        .await
        .expect("older sessions");
}

const AGE: &str = "
    for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
        if string.find(key, '}:subject:', 1, true) then
            for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(0', '+inf')) do
                redis.call('ZINCRBY', key, ARGV[2], id)
            end
        else
            for _, field in ipairs({'started_at', 'last_used_at', 'ends_at', 'rotated_at', 'ended_at'}) do
                if redis.call('HEXISTS', key, field) == 1 then
                    redis.call('HINCRBY', key, field, ARGV[2])
                end
            end
        end
    end
";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Redis::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broken_connection_is_replaced_by_one() {
    let redis = Redis::new().await;
    let proxy = Proxy::to(redis.server.address()).await;
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    let store = RedisRefreshStore::new(client)
        .with_prefix(&redis.prefix)
        .expect("a prefix");
    let sessions = sessions(Arc::new(store));
    let pair = sessions.start("user-1").await.expect("a session");
    assert_eq!(proxy.accepted(), 1);

    proxy.cut();
    let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it was refused: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    proxy.resume();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (sessions, token) = (sessions.clone(), pair.refresh_token.clone());
            tokio::spawn(async move { sessions.refresh(&token).await })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic").expect("a pair");
    }
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_hangs_is_not_waited_for() {
    let redis = Redis::new().await;
    let proxy = Proxy::to(redis.server.address()).await;
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    let store = RedisRefreshStore::new(client)
        .with_prefix(&redis.prefix)
        .expect("a prefix")
        .with_timeout(Duration::from_millis(500))
        .expect("a timeout");
    let sessions = sessions(Arc::new(store));
    let pair = sessions.start("user-1").await.expect("a session");
    proxy.stall();
    let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
    assert!(matches!(error, RefreshError::Failed(_)), "{error:?}");
    proxy.resume();
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again_and_every_key_goes() {
    let server = RedisServer::start().await;
    let client = Client::open(server.url()).expect("a client");
    let sessions = sessions(Arc::new(RedisRefreshStore::new(client.clone())));
    let pair = sessions.start("user-1").await.expect("a session");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await
        .expect("no scripts");
    let pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");

    let keys: Vec<String> = connection.keys("*").await.expect("keys");
    assert_eq!(keys.len(), 2, "{keys:?}");
    let slot = |key: &String| key.split(['{', '}']).nth(1).map(str::to_owned);
    assert_eq!(slot(&keys[0]), slot(&keys[1]));
    for key in &keys {
        let expires: i64 = redis::cmd("PEXPIRETIME")
            .arg(key)
            .query_async(&mut connection)
            .await
            .expect("a time");
        assert_eq!(expires, pair.session.ends_at.timestamp_millis(), "{key}");
    }
}

#[tokio::test]
async fn a_refresh_is_one_round_trip() {
    let server = RedisServer::start().await;
    let client = Client::open(server.url()).expect("a client");
    let sessions = sessions(Arc::new(RedisRefreshStore::new(client.clone())));
    let pair = sessions.start("user-1").await.expect("a session");
    let mut pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let () = redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .query_async(&mut connection)
        .await
        .expect("no counts");
    for _ in 0..10 {
        pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    }
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut connection)
        .await
        .expect("counts");
    let mut commands: Vec<(&str, &str)> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
        .map(|(name, counts)| (name, counts.split(',').next().unwrap_or_default()))
        // What the script does on the server, and what this test asked.
        .filter(|(name, _)| {
            let script = ["time", "hdel", "hmget", "hset", "zscore"];
            !script.contains(name) && *name != "config|resetstat"
        })
        .collect();
    commands.sort_unstable();
    assert_eq!(commands, [("evalsha", "10")]);
}

#[test]
fn a_prefix_does_not_decide_the_slot() {
    let client = Client::open("redis://127.0.0.1/").expect("a client");
    for prefix in ["{", "a}", "{a}"] {
        let error = RedisRefreshStore::new(client.clone()).with_prefix(prefix);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidConfiguration);
    }
}

#[tokio::test]
async fn an_index_that_was_lost_comes_back_with_those_that_are_used() {
    let server = RedisServer::start().await;
    let client = Client::open(server.url()).expect("a client");
    let sessions = sessions(Arc::new(RedisRefreshStore::new(client.clone())));
    let pair = sessions.start("user-1").await.expect("a session");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let index: Vec<String> = connection.keys("*:subject:*").await.expect("an index");
    let () = connection.del(&index).await.expect("no index");
    assert_eq!(sessions.list("user-1").await.expect("a list"), []);

    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(sessions.list("user-1").await.expect("a list").len(), 1);
    let expires: i64 = redis::cmd("PEXPIRETIME")
        .arg(&index)
        .query_async(&mut connection)
        .await
        .expect("a time");
    assert_eq!(expires, pair.session.ends_at.timestamp_millis());
    let ended = sessions.end_all("user-1").await.expect("an end");
    assert_eq!(ended.len(), 1);
}
