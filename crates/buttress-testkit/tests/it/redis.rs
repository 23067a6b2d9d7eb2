//! The Redis servers answer: alone, shared, as replicas, in a cluster and behind a sentinel.

use std::collections::HashSet;
use std::net::SocketAddr;

use buttress_testkit::http::Wire;
use buttress_testkit::{RedisCluster, RedisSentinel, RedisServer};

/// Sends one command and returns its one-line answer.
async fn command(address: SocketAddr, command: &str) -> String {
    let mut wire = Wire::connect(address).await;
    wire.write(format!("{command}\r\n")).await;
    String::from_utf8(wire.read_until("\r\n").await)
        .unwrap()
        .trim_end()
        .to_owned()
}

#[tokio::test]
async fn a_server_answers_until_it_is_dropped() {
    let server = RedisServer::start().await;
    let (address, folder) = (server.address(), server.folder().to_owned());
    assert_eq!(
        server.url(),
        format!("redis://127.0.0.1:{}/", address.port())
    );
    assert_eq!(command(address, "SET tea 1 EX 60").await, "+OK");
    assert!(folder.is_dir());
    drop(server);
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(!folder.exists());
}

#[tokio::test]
async fn nothing_is_written_to_disk() {
    let server = RedisServer::start().await;
    assert_eq!(command(server.address(), "SET tea 1").await, "+OK");
    let mut wire = Wire::connect(server.address()).await;
    wire.write("CONFIG GET save\r\n").await;
    assert_eq!(
        wire.read_until("save\r\n$0\r\n\r\n").await,
        b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
    );
    let files: Vec<_> = std::fs::read_dir(server.folder())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["log"]);
}

#[test]
fn tests_with_runtimes_of_their_own_share_one_server() {
    let test = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = RedisServer::shared().await;
            let prefix = server.key_prefix();
            assert_eq!(
                command(server.address(), &format!("SET {prefix}key 1")).await,
                "+OK"
            );
            (server.process_id(), prefix)
        })
    };
    let tests: Vec<_> = (0..4).map(|_| std::thread::spawn(test)).collect();
    let results: Vec<_> = tests.into_iter().map(|test| test.join().unwrap()).collect();
    assert!(
        results
            .iter()
            .all(|(process_id, _)| *process_id == results[0].0),
        "{results:?}"
    );
    let prefixes: HashSet<_> = results.iter().map(|(_, prefix)| prefix).collect();
    assert_eq!(prefixes.len(), results.len(), "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_hurry_the_start() {
    let before = tokio::time::Instant::now();
    let server = RedisServer::start().await;
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    assert_ne!(server.process_id(), 0);
}

#[tokio::test]
async fn a_replica_has_what_its_master_has_and_is_not_written_to_until_it_is_promoted() {
    let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
    assert_eq!(command(master.address(), "SET tea 1").await, "+OK");
    replica.replicate(&master).await;
    assert_eq!(command(replica.address(), "STRLEN tea").await, ":1");
    let refused = command(replica.address(), "SET tea 2").await;
    assert!(refused.starts_with("-READONLY "), "{refused}");
    replica.promote().await;
    assert_eq!(command(replica.address(), "SET tea 2").await, "+OK");
}

#[tokio::test]
async fn a_cluster_has_all_slots_on_three_nodes() {
    let cluster = RedisCluster::shared().await;
    assert_eq!(cluster.nodes().len(), 3);
    assert_eq!(cluster.urls().len(), 3);
    // `foo` is in slot 12182, `bar` in 5061 and `hello` in 866.
    for (key, home) in [("foo", 2), ("bar", 0), ("hello", 0)] {
        for (index, node) in cluster.nodes().iter().enumerate() {
            let answer = command(node.address(), &format!("SET {key} 1")).await;
            if index == home {
                assert_eq!(answer, "+OK", "{key} on {index}");
            } else {
                let there = format!(" {}", cluster.nodes()[home].address());
                assert!(
                    answer.starts_with("-MOVED ") && answer.ends_with(&there),
                    "{answer}"
                );
            }
        }
    }
}

#[tokio::test]
async fn another_node_takes_the_place_of_a_master_with_all_that_it_has() {
    let cluster = RedisCluster::start().await;
    let old = cluster.nodes()[2].address();
    assert_eq!(command(old, "SET foo 1").await, "+OK");
    let new = cluster.fail_over(2).await;
    assert_eq!(command(new.address(), "STRLEN foo").await, ":1");
    let moved = command(old, "SET foo 2").await;
    assert!(moved.ends_with(&format!(" {}", new.address())), "{moved}");
}

#[tokio::test]
async fn the_sentinel_makes_the_replica_the_master() {
    let mut sentinel = RedisSentinel::start().await;
    let first = sentinel.master().address();
    assert_eq!(command(first, "SET tea 1").await, "+OK");
    sentinel.fail_over().await;
    let second = sentinel.master().address();
    assert_ne!(first, second);
    assert_eq!(command(second, "STRLEN tea").await, ":1");
    assert_eq!(command(second, "SET tea 2").await, "+OK");
}
