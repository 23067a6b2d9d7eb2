use std::{
    collections::BTreeMap,
    task::{Context, Waker},
    time::Duration,
};

use async_trait::async_trait;
use buttress_ratelimit::{
    Inherit, Key, Quota, RateLimiter, RedisStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::RedisServer;
use redis::{AsyncCommands, Client, aio::MultiplexedConnection};

use crate::{support::bare, time::Time};

/// A slow machine is no failure of a store.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn store(
    client: impl Into<buttress_ratelimit::RedisClient>,
    prefix: &str,
) -> RedisStore {
    RedisStore::new(client, "it")
        .and_then(|store| store.with_prefix(prefix))
        .and_then(|store| store.with_timeout(PATIENCE))
        .expect("a store")
}

pub(super) fn limiter(
    server: &RedisServer,
    quotas: impl IntoIterator<Item = Quota>,
) -> RateLimiter {
    let client = Client::open(server.url()).expect("a client");
    RateLimiter::with_store(bare(store(client, "alone")), quotas).expect("quotas")
}

pub(super) async fn observer(server: &RedisServer) -> MultiplexedConnection {
    let client = Client::open(server.url()).expect("a client");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("a connection")
}

struct Redis {
    server: &'static RedisServer,
    prefix: String,
    time: Time,
}

#[async_trait]
impl StoreHarness for Redis {
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
        let client = Client::open(self.server.url()).expect("a client");
        let store = store(client, &self.prefix).with_clock(self.time.clock());
        RateLimiter::with_store(bare(store), quotas).expect("quotas")
    }

    async fn advance(&self, by: Duration) {
        self.time.pass(by);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let server = RedisServer::shared().await;
    let prefix = server.key_prefix();
    let time = Time::new();
    check_store(Redis {
        server,
        prefix,
        time,
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nobody_out() {
    let server = RedisServer::shared().await;
    let client = Client::open(server.url()).expect("a client");
    let time = Time::new();
    let store = store(client, &server.key_prefix()).with_clock(time.clock());
    let quotas = [
        Quota::per_second(10).burst(20).debt(10),
        Quota::per_second(10).burst(20).named("counts").shadow(),
    ];
    let limiter = RateLimiter::with_store(bare(store), quotas).expect("quotas");
    super::memory::set_back(&time, &limiter).await;
}

/// How often each command was called, but for those of this test.
async fn commands(connection: &mut MultiplexedConnection) -> BTreeMap<String, u32> {
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(connection)
        .await
        .expect("counts");
    let calls = stats.lines().filter_map(|line| {
        let (name, counts) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = counts.split(',').next()?.parse().ok()?;
        let ours = ["config|resetstat", "info", "script|flush"].contains(&name);
        (!ours).then(|| (name.to_owned(), calls))
    });
    calls.collect()
}

async fn forget_commands(connection: &mut MultiplexedConnection) {
    let mut command = redis::cmd("CONFIG");
    let command = command.arg("RESETSTAT").query_async(connection);
    let () = command.await.expect("no counts");
}

fn counts(counts: &[(&str, u32)]) -> BTreeMap<String, u32> {
    let counts = counts.iter();
    counts
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

/// Test 22 of the specification, its first part.
#[tokio::test]
async fn a_decision_is_one_command_and_only_a_charge_writes() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let quotas = [
        Quota::per_day(20).named("a"),
        Quota::per_day(500).named("b"),
        Quota::per_day(500).named("c").shadow(),
    ];
    let limiter = limiter(&server, quotas);
    let key = Key::from("paul");
    assert!(limiter.peek(&key).await.expect("a decision").is_allowed());

    forget_commands(&mut connection).await;
    for _ in 0..20 {
        assert!(
            limiter
                .check(&key, 1)
                .await
                .expect("a decision")
                .is_allowed()
        );
    }
    let charges = counts(&[("evalsha", 20), ("get", 20), ("set", 20), ("time", 20)]);
    assert_eq!(commands(&mut connection).await, charges);

    forget_commands(&mut connection).await;
    for _ in 0..20 {
        assert!(
            !limiter
                .check(&key, 1)
                .await
                .expect("a decision")
                .is_allowed()
        );
        let _ = limiter.peek(&key).await.expect("a decision");
    }
    let others = counts(&[("evalsha", 40), ("get", 40), ("time", 40)]);
    assert_eq!(commands(&mut connection).await, others);

    // Two round trips more for the first one by new quotas, and none for the second.
    limiter
        .replace([Quota::per_day(100).named("a")], Inherit::Spent)
        .expect("quotas");
    for round_trips in [3, 1] {
        forget_commands(&mut connection).await;
        let decision = limiter.check(&key, 1).await.expect("a decision");
        assert!(decision.is_allowed());
        assert_eq!(commands(&mut connection).await["evalsha"], round_trips);
    }
}

/// Test 22 of the specification, its second part.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_decision_fails_because_scripts_are_forgotten() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let limiter = limiter(&server, [Quota::per_day(10_000)]);
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    let decision = limiter.check(&Key::global(), 1).await;
                    assert!(decision.expect("a decision").is_allowed());
                }
            })
        })
        .collect();
    for _ in 0..50 {
        let mut command = redis::cmd("SCRIPT");
        let command = command.arg("FLUSH").query_async(&mut connection);
        let () = command.await.expect("no scripts");
    }
    for caller in callers {
        caller.await.expect("no decision fails");
    }
    let decision = limiter.peek(&Key::global()).await.expect("a decision");
    let state = decision.states().next().expect("a state");
    // Each was charged once; a token comes every 8.64 seconds.
    assert!((8_400..8_420).contains(&state.remaining), "{state:?}");
    assert!(commands(&mut connection).await["eval"] > 1);
}

/// When a bucket is full, in nanoseconds, as it is kept: seconds in 5 bytes and nanoseconds in 4.
fn full_at(kept: &[u8]) -> u64 {
    assert_eq!(kept.len(), 9);
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter();
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    number(&kept[..5]) * 1_000_000_000 + number(&kept[5..])
}

/// Test 24 of the specification, its last part.
#[tokio::test]
async fn every_key_goes_when_its_buckets_are_full() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let quotas = [
        Quota::per_minute(60).burst(5).debt(10).named("a"),
        Quota::per_minute(6).burst(4).debt(5).named("b"),
        Quota::per_hour(6).burst(4).named("c").shadow(),
    ];
    let limiter = limiter(&server, quotas);
    for number in 0..40_u64 {
        let key = Key::from(number);
        match number % 5 {
            0 => drop(limiter.check(&key, 3).await.expect("a decision")),
            1 => limiter.penalize(&key, 30).await.expect("a penalty"),
            2 => limiter.set(&key, 1).await.expect("it is set"),
            3 => {
                let _ = limiter.check(&key, 4).await.expect("a decision");
                limiter.refund(&key, 2).await.expect("a refund");
            }
            _ => {
                let _ = limiter.check(&key, 2).await.expect("a decision");
                limiter.reset(&key).await.expect("it is full");
            }
        }
    }
    limiter
        .replace([Quota::per_minute(6).burst(9).named("b")], Inherit::Spent)
        .expect("quotas");
    for number in 0..10_u64 {
        let _ = limiter
            .check(&Key::from(number), 1)
            .await
            .expect("a decision");
    }
    let mut seen = 0;
    let mut keys = Vec::new();
    let mut scan = connection.scan::<Vec<u8>>().await.expect("keys");
    while let Some(key) = scan.next_item().await {
        keys.push(key.expect("a key"));
    }
    drop(scan);
    for key in keys {
        let left: i64 = connection.pttl(&key).await.expect("a time");
        let value: Vec<u8> = connection.get(&key).await.expect("a value");
        // The slowest of all that there are takes 40 minutes.
        assert!((1..=40 * 60 * 1_000).contains(&left), "{left} of {value:?}");
        let now: (u64, u64) = redis::cmd("TIME")
            .query_async(&mut connection)
            .await
            .expect("the time");
        let last = value.chunks(9).map(full_at).max();
        let until = last.expect("a time") / 1_000_000 - (now.0 * 1_000 + now.1 / 1_000);
        let difference = left.abs_diff(until.try_into().expect("a time"));
        assert!(difference <= 1_000, "{left} is not {until}");
        seen += 1;
    }
    // Those that are full are not there.
    assert_eq!(seen, 34);
}

#[tokio::test]
async fn the_time_is_the_servers_to_the_microsecond() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let limiter = limiter(&server, [Quota::per_day(86_400)]);
    let mut nanos = async || {
        let command = redis::cmd("TIME");
        let command = command.query_async(&mut connection);
        let (seconds, micros): (u64, u64) = command.await.expect("the time");
        (seconds * 1_000_000 + micros) * 1_000
    };
    let mut fractions = 0;
    for number in 0..5_u64 {
        let before = nanos().await;
        let decision = limiter.check(&Key::from(number), 100).await;
        assert!(decision.expect("a decision").is_allowed());
        let after = nanos().await;
        let mut observer = observer(&server).await;
        let keys: Vec<Vec<u8>> = observer.keys("*").await.expect("keys");
        let mut latest = 0;
        for key in keys {
            let time: Vec<u8> = observer.get(key).await.expect("a time");
            latest = latest.max(full_at(&time));
        }
        let charged = latest - 100_000_000_000;
        assert!(
            (before..=after).contains(&charged),
            "{before} {charged} {after}"
        );
        fractions += charged % 1_000_000;
    }
    assert_ne!(fractions, 0);
}

#[tokio::test]
async fn what_is_secret_or_long_does_not_stand_in_redis() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let limiter = limiter(&server, [Quota::per_day(1)]);
    let keys = [
        Key::secret("hunter2"),
        Key::from("paul"),
        Key::from("x".repeat(1_000)),
    ];
    for key in &keys {
        assert!(
            limiter
                .check(key, 1)
                .await
                .expect("a decision")
                .is_allowed()
        );
        assert!(
            !limiter
                .check(key, 1)
                .await
                .expect("a decision")
                .is_allowed()
        );
    }
    let names: Vec<Vec<u8>> = connection.keys("*").await.expect("keys");
    assert_eq!(names.len(), 3);
    let with = |part: &[u8]| {
        let has = |name: &&Vec<u8>| name.windows(part.len()).any(|window| window == part);
        names.iter().filter(has).count()
    };
    assert_eq!((with(b"hunter2"), with(b"paul"), with(b"xxx")), (0, 1, 0));
    assert!(names.iter().all(|name| name.starts_with(b"alone:it:{")));
    let shown = format!(
        "{:?}",
        store(Client::open(server.url()).expect("a client"), "p")
    );
    assert!(
        shown.contains("\"it\"") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

/// What other processes have charged is not forgotten because one of them is configured anew.
#[tokio::test]
async fn equal_quotas_have_the_same_buckets_whatever_is_inherited() {
    let server = RedisServer::start().await;
    let quota = |count| Quota::per_day(count).named("q");
    let (limiter, other) = (limiter(&server, [quota(10)]), limiter(&server, [quota(10)]));
    let key = Key::from("paul");
    assert!(other.check(&key, 7).await.expect("a decision").is_allowed());
    limiter
        .replace([quota(10)], Inherit::Nothing)
        .expect("quotas");
    let left = async |limiter: &RateLimiter| {
        let decision = limiter.peek(&key).await.expect("a decision");
        decision.states().map(|state| state.remaining).sum::<u32>()
    };
    assert_eq!((left(&limiter).await, left(&other).await), (3, 3));
    // Others begin full, and leave what the other process has.
    limiter
        .replace([quota(20)], Inherit::Nothing)
        .expect("quotas");
    assert_eq!(left(&limiter).await, 20);
    limiter
        .replace([quota(10)], Inherit::Nothing)
        .expect("quotas");
    limiter.reset(&key).await.expect("it is full");
    assert_eq!((left(&limiter).await, left(&other).await), (10, 10));
}

/// Charges of several keys that come together are one call, and each is as if it had come alone.
#[tokio::test]
async fn what_comes_together_is_one_call_and_exact() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let quotas = [Quota::per_day(40), Quota::per_day(500).named("roomy")];
    let limiter = limiter(&server, quotas);
    let _ = limiter.peek(&Key::global()).await.expect("a decision");
    forget_commands(&mut connection).await;
    let together = async |count: u64, keys: u64| {
        let checks: Vec<_> = (0..count)
            .map(|number| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    let decision = limiter.check(&Key::from(number % keys), 1).await;
                    decision.is_ok_and(|decision| decision.is_allowed())
                })
            })
            .collect();
        let mut allowed = 0;
        for check in checks {
            allowed += u32::from(check.await.expect("no panic"));
        }
        allowed
    };
    // The same key several times in one call, and more of it than there is.
    assert_eq!(together(32 * 5, 3).await, 3 * 40);
    let stats = commands(&mut connection).await;
    assert!(stats["mget"] <= 6, "{stats:?}");
    assert_eq!(stats["set"], 3 * 40);

    // One that nobody can read spoils none of the others.
    let names: Vec<Vec<u8>> = connection.keys("*").await.expect("keys");
    let () = connection.set(&names[0], "x").await.expect("it is set");
    assert_eq!(together(20, 10).await, 7 * 2);
    // Nor does one that is no string, and it is not overwritten.
    let () = connection.del(&names[0]).await.expect("it is gone");
    let () = connection.lpush(&names[0], "x").await.expect("a list");
    assert_eq!(together(20, 10).await, 7 * 2);
    assert_eq!(connection.llen(&names[0]).await, Ok(1));
}

#[tokio::test]
async fn who_wants_no_batches_gets_none() {
    let server = RedisServer::start().await;
    let mut connection = observer(&server).await;
    let client = Client::open(server.url()).expect("a client");
    let store = store(client, "alone").without_batching();
    let store = store.with_timeout(PATIENCE).expect("a store");
    let limiter = RateLimiter::with_store(bare(store), [Quota::per_day(40)]).expect("quotas");
    let _ = limiter.peek(&Key::global()).await.expect("a decision");
    forget_commands(&mut connection).await;
    let checks: Vec<_> = (0..32_u64)
        .map(|number| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.check(&Key::from(number), 1).await.is_ok() })
        })
        .collect();
    for check in checks {
        assert!(check.await.expect("no panic"));
    }
    let stats = commands(&mut connection).await;
    assert_eq!((stats["evalsha"], stats.get("mget")), (32, None));
}

/// The task that calls for all may be behind one that blocks its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_blocks_holds_up_nobody_else() {
    let server = RedisServer::shared().await;
    let client = Client::open(server.url()).expect("a client");
    let store = store(client, &server.key_prefix());
    let limiter = RateLimiter::with_store(bare(store), [Quota::per_day(40)]).expect("quotas");
    let _ = limiter.peek(&Key::global()).await.expect("a decision");
    let (asked, has_asked) = std::sync::mpsc::channel();
    let (done, all_done) = std::sync::mpsc::channel();
    let blocks = tokio::spawn({
        let limiter = limiter.clone();
        async move {
            let key = Key::from("blocks");
            let mut check = Box::pin(limiter.check(&key, 1));
            let polled = check.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            asked.send(()).expect("somebody waits");
            // For as long as the others take.
            all_done.recv_timeout(PATIENCE).is_ok()
        }
    });
    has_asked.recv().expect("it has asked");
    let others: Vec<_> = (0..10_u64)
        .map(|number| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.check(&Key::from(number), 1).await.is_ok() })
        })
        .collect();
    for other in others {
        assert!(other.await.expect("no panic"));
    }
    done.send(()).expect("somebody waits");
    assert!(blocks.await.expect("no panic"));
}
