//! Calls of scripts.

use std::time::Duration;

use buttress_redis::{RedisConnection, Reply, Script};
use buttress_testkit::RedisServer;
use redis::{Client, aio::MultiplexedConnection};

async fn commands(connection: &mut MultiplexedConnection) -> Vec<(String, String)> {
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(connection)
        .await
        .expect("counts");
    let mut commands: Vec<_> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_eval")?.split_once(":calls="))
        .map(|(name, counts)| {
            let calls = counts.split(',').next().unwrap_or_default();
            (format!("eval{name}"), calls.to_owned())
        })
        .collect();
    commands.sort_unstable();
    commands
}

#[tokio::test]
async fn a_call_is_one_round_trip_and_two_when_the_script_is_not_known() {
    let server = RedisServer::start().await;
    let client = Client::open(server.url()).expect("a client");
    let mut observer = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let connection = RedisConnection::new(client, Duration::from_secs(2));
    let script = Script::new("return {KEYS[1], ARGV[2], false, ARGV[1]}");
    let mut call = script.call(&["key"]);
    call.arg(17).arg(&b"\0\r\n"[..]);
    for round in 1..=3 {
        for _ in 0..5 {
            let answer: Vec<Reply> = connection.call(&call).await.expect("an answer");
            assert_eq!(answer[0].text(), Some("key"));
            assert_eq!(answer[1].bytes(), Some(&b"\0\r\n"[..]));
            assert_eq!(answer[2], Reply::Nothing);
            assert_eq!(answer[3].number(), Some(17));
        }
        let count = |name: &str, calls: usize| (name.to_owned(), calls.to_string());
        assert_eq!(
            commands(&mut observer).await,
            [count("eval", round), count("evalsha", 5 * round)]
        );
        let () = redis::cmd("SCRIPT")
            .arg("FLUSH")
            .query_async(&mut observer)
            .await
            .expect("no scripts");
    }
}
