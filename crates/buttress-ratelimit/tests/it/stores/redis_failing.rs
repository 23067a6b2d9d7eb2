//! Test 23 of the specification, the store's half: what comes of a server that cannot do it.

use std::time::Duration;

use buttress_ratelimit::{Error, ErrorKind, Key, Quota, RateLimiter, RedisStore};
use buttress_testkit::{Proxy, RedisServer};
use redis::{AsyncCommands, Client};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::redis::{limiter, observer, store};
use crate::support::bare;

fn failed(outcome: Result<buttress_ratelimit::Decision, Error>, cause: &str) {
    let error = outcome.expect_err("no decision");
    assert_eq!(error.kind(), ErrorKind::Store);
    let source = std::error::Error::source(&error)
        .expect("a cause")
        .to_string();
    assert!(source.contains(cause), "{source}");
}

#[tokio::test]
async fn a_server_without_room_is_a_failure_and_refuses_all_the_same() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let limiter = limiter(&server, [Quota::per_day(2)]);
    let key = Key::from("paul");
    assert!(
        limiter
            .check(&key, 2)
            .await
            .expect("a decision")
            .is_allowed()
    );
    let mut config = async |bytes: &str| {
        let mut command = redis::cmd("CONFIG");
        let command = command.arg("SET").arg("maxmemory").arg(bytes);
        let () = command
            .query_async(&mut connection)
            .await
            .expect("it is set");
    };
    config("1").await;
    failed(limiter.check(&Key::from("mary"), 1).await, "OOM");
    assert!(
        !limiter
            .check(&key, 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
    config("0").await;
    assert!(
        limiter
            .check(&Key::from("mary"), 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
}

#[tokio::test]
async fn a_replica_allows_nothing() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    let on_master = limiter(&master, [Quota::per_day(2)]);
    let key = Key::from("paul");
    assert!(
        on_master
            .check(&key, 2)
            .await
            .expect("a decision")
            .is_allowed()
    );
    replica.replicate(&master).await;
    let on_replica = limiter(&replica, [Quota::per_day(2)]);
    failed(on_replica.check(&Key::from("mary"), 1).await, "ReadOnly");
    let refund = on_replica.refund(&key, 1).await.expect_err("no refund");
    assert_eq!(refund.kind(), ErrorKind::Store);
    let reset = on_replica.reset(&Key::from("mary")).await;
    assert_eq!(
        reset.expect_err("not even of nothing").kind(),
        ErrorKind::Store
    );
    // What was refused by the master is refused here too.
    assert!(
        !on_replica
            .check(&key, 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
}

/// A server that says this to every script, and nothing but good to everything else.
async fn says(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answers(stream, answer));
        }
    });
    format!("redis://{address}/")
}

async fn answers(mut stream: TcpStream, answer: &str) {
    let mut read = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut read).await {
        // Each command is an array, and comes whole.
        let commands: Vec<_> = read.split(|byte| *byte == b'*').skip(1).collect();
        let mut written = String::new();
        for command in commands {
            match command.windows(4).any(|window| window == b"EVAL") {
                true => written.push_str(&format!("-{answer}\r\n")),
                false => written.push_str("+OK\r\n"),
            }
        }
        read.clear();
        if stream.write_all(written.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn what_a_server_says_is_the_cause() {
    for (answer, cause) in [
        ("LOADING Redis is loading the dataset in memory", "LOADING"),
        ("BUSY Redis is busy running a script", "BUSY"),
        (
            "NOREPLICAS Not enough good replicas to write.",
            "NOREPLICAS",
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            "MISCONF",
        ),
        ("CLUSTERDOWN The cluster is down", "CLUSTERDOWN"),
        ("NOPERM this user has no permissions", "NOPERM"),
    ] {
        let client = Client::open(says(answer).await).expect("a client");
        let limiter = RateLimiter::with_store(bare(store(client, "p")), [Quota::per_day(1)]);
        let outcome = limiter.expect("quotas").check(&Key::global(), 1).await;
        let error = outcome.expect_err("no decision");
        assert_eq!(error.kind(), ErrorKind::Store);
        let source = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        let named = source.to_uppercase().replace(' ', "");
        assert!(named.contains(cause), "{source}");
    }
}

#[tokio::test]
async fn what_others_have_written_is_a_failure_until_it_is_set() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let limiter = limiter(&server, [Quota::per_day(2)]);
    let key = Key::from("paul");
    assert!(
        limiter
            .check(&key, 1)
            .await
            .expect("a decision")
            .is_allowed()
    );
    let names: Vec<Vec<u8>> = connection.keys("*").await.expect("keys");
    for value in ["", "x", "1 2"] {
        let () = connection.set(&names[0], value).await.expect("it is set");
        let error = limiter.peek(&key).await.expect_err("no decision");
        assert_eq!(error.kind(), ErrorKind::Store, "{value}");
    }
    limiter.reset(&key).await.expect("it is full");
    assert!(
        limiter
            .check(&key, 2)
            .await
            .expect("a decision")
            .is_allowed()
    );
}

#[tokio::test]
async fn no_server_is_waited_for_longer_than_50_milliseconds() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let client = || Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    let store = RedisStore::new(client(), "hurry").expect("a store");
    let limiter =
        RateLimiter::with_store(bare(store), [Quota::per_day(1_000_000)]).expect("quotas");
    proxy.stall();
    for _ in 0..3 {
        // One second is what it takes to connect, at most.
        let key = Key::global();
        let check = limiter.check(&key, 1);
        let outcome = tokio::time::timeout(Duration::from_millis(900), check).await;
        failed(outcome.expect("it gives up by itself"), "in time");
    }
    proxy.resume();
    let mut failures = 0;
    while limiter.check(&Key::global(), 1).await.is_err() {
        failures += 1;
        assert!(failures < 1_000, "it never comes back");
    }

    let error = RedisStore::new(client(), "hurry")
        .and_then(|store| store.with_timeout(Duration::ZERO))
        .expect_err("no time");
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    let error = RedisStore::new(client(), "a:b").expect_err("no name");
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    let error = RedisStore::new(client(), "a").and_then(|store| store.with_prefix("{x}"));
    assert_eq!(
        error.expect_err("no prefix").kind(),
        ErrorKind::InvalidConfiguration
    );
}
