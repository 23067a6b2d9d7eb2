//! Test 23 of the specification, whole: a limiter over a server that really goes away, and comes back.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_ratelimit::{
    Basis, Error, ErrorKind, Key, Levels, OnStoreError, Quota, Quotas, RateLimitStore, RateLimiter,
    RedisStore, SharedStore,
};
use buttress_testkit::{Proxy, RedisServer};
use redis::Client;

use super::redis::{observer, store};
use crate::time::Time;

/// As many calls may fail before the store is left alone.
const FAILURES: usize = 5;
const TIMEOUT: Duration = Duration::from_millis(100);
const MODES: [OnStoreError; 3] = [
    OnStoreError::Allow,
    OnStoreError::Deny,
    OnStoreError::Local { share: 1.0 },
];

/// Counts the calls.
struct Counted {
    store: RedisStore,
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl RateLimitStore for Counted {
    fn check_quotas(&self, _: &Quotas, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.charge(key, quotas, cost, count).await
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        self.store.adjust(key, quotas, by).await
    }

    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error> {
        self.store.set(key, quotas, missing).await
    }
}

/// A limiter of a million a day, whose clock the test moves: no pause is over before it says so.
struct Limited {
    limiter: RateLimiter,
    calls: Arc<AtomicUsize>,
    time: Time,
    mode: OnStoreError,
}

impl Limited {
    fn new(url: &str, mode: OnStoreError) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let time = Time::new();
        let counted = Counted {
            store: store(Client::open(url).expect("a client"), "outage"),
            calls: Arc::clone(&calls),
        };
        let shared = SharedStore::new(counted)
            .with_store_timeout(TIMEOUT)
            .with_on_store_error(mode)
            .with_clock(time.clock());
        let limiter =
            RateLimiter::with_store(shared, [Quota::per_day(1_000_000)]).expect("a quota");
        Self {
            limiter,
            calls,
            time,
            mode,
        }
    }

    /// What a decision rests on, or `None` if there is none.
    async fn basis(&self, key: &Key) -> Option<Basis> {
        match self.limiter.check(key, 1).await {
            Ok(decision) => {
                assert!(decision.is_allowed(), "nothing is spent");
                Some(decision.basis())
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Store);
                None
            }
        }
    }

    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// The store decides, sooner or later: on a machine that is busy, an answer may be late.
    async fn recovers(&self, key: &Key, what: &str) {
        for _ in 0..1_000 {
            if self.basis(key).await == Some(Basis::Store) {
                return;
            }
            self.time.pass(Duration::from_secs(1));
        }
        panic!("{what} {:?}: it never comes back", self.mode);
    }

    /// While the store is away it is asked a few times, and once for each pause that is over.
    async fn goes_without(&self, key: &Key, what: &str) {
        let expected = match self.mode {
            OnStoreError::Allow => Some(Basis::Nothing),
            OnStoreError::Deny => None,
            _ => Some(Basis::Local),
        };
        self.calls();
        for _ in 0..200 {
            assert_eq!(self.basis(key).await, expected, "{what} {:?}", self.mode);
        }
        assert_eq!(self.calls(), FAILURES, "{what} {:?}", self.mode);
        for _ in 0..2 {
            self.time.pass(Duration::from_secs(1));
            for _ in 0..50 {
                assert_eq!(self.basis(key).await, expected, "{what} {:?}", self.mode);
            }
            assert_eq!(self.calls(), 1, "{what} {:?}", self.mode);
        }
    }
}

fn paul() -> Key {
    "paul".into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_network_swallows_refuses_or_cuts() {
    type Fault = (&'static str, fn(&Proxy));
    let faults: [Fault; 4] = [
        ("swallows", Proxy::stall),
        ("swallows answers", |proxy| {
            proxy.stall_only(buttress_testkit::Direction::ToClient);
        }),
        ("takes 2 seconds", |proxy| {
            proxy.delay(Duration::from_secs(2));
        }),
        ("refuses", |proxy| {
            proxy.refuse();
            proxy.cut();
        }),
    ];
    let server = RedisServer::start().await;
    for mode in MODES {
        let proxy = Proxy::to(server.address()).await;
        let limited = Limited::new(&format!("redis://{}/", proxy.address()), mode);
        for (what, fault) in faults {
            limited.recovers(&paul(), what).await;
            fault(&proxy);
            limited.goes_without(&paul(), what).await;
            proxy.resume();
            proxy.cut();
            limited.recovers(&paul(), what).await;
        }
    }
}

/// Sends a signal to the process of the server.
fn signal(server: &RedisServer, name: &str) {
    let mut kill = Command::new("kill");
    let sent = kill.args(["-s", name, &server.process_id().to_string()]);
    assert!(sent.status().expect("a signal").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_stands_still() {
    let server = RedisServer::start().await;
    for mode in MODES {
        let limited = Limited::new(&server.url(), mode);
        limited.recovers(&paul(), "at first").await;
        signal(&server, "STOP");
        limited.goes_without(&paul(), "stopped").await;
        signal(&server, "CONT");
        limited.recovers(&paul(), "stopped").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_is_killed_and_another_one_takes_its_place() {
    for mode in MODES {
        let (first, second) = (RedisServer::start().await, RedisServer::start().await);
        let proxy = Proxy::to(first.address()).await;
        let limited = Limited::new(&format!("redis://{}/", proxy.address()), mode);
        limited.recovers(&paul(), "at first").await;
        signal(&first, "KILL");
        limited.goes_without(&paul(), "killed").await;
        proxy.lead_to(second.address());
        limited.recovers(&paul(), "killed").await;
    }
}

/// Answers that come at once, and are no decisions.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_takes_no_charges() {
    let server = RedisServer::start().await;
    let mut admin = observer(&server).await;
    let mut tell = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        let () = command.query_async(&mut admin).await.expect("done");
    };
    let other = RedisServer::start().await;
    let (ip, port) = (other.address().ip(), other.address().port());
    let (ip, port) = (ip.to_string(), port.to_string());
    let faults: [(&str, &[&str], &[&str]); 3] = [
        (
            "OOM",
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
        ),
        (
            "READONLY",
            &["REPLICAOF", &ip, &port],
            &["REPLICAOF", "NO", "ONE"],
        ),
        (
            "NOREPLICAS",
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
    ];
    for mode in MODES {
        let limited = Limited::new(&server.url(), mode);
        for (what, begin, end) in faults {
            limited.recovers(&paul(), what).await;
            tell(begin).await;
            limited.goes_without(&paul(), what).await;
            tell(end).await;
            limited.recovers(&paul(), what).await;
        }
    }
}

/// A pause that the server was told to make: scripts wait until it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_pauses() {
    let server = RedisServer::start().await;
    let mut admin = observer(&server).await;
    for mode in MODES {
        let limited = Limited::new(&server.url(), mode);
        limited.recovers(&paul(), "at first").await;
        let mut pause = redis::cmd("CLIENT");
        let pause = pause.arg("PAUSE").arg(600_000).arg("WRITE");
        let () = pause.query_async(&mut admin).await.expect("it pauses");
        limited.goes_without(&paul(), "paused").await;
        let mut unpause = redis::cmd("CLIENT");
        let unpause = unpause.arg("UNPAUSE").query_async(&mut admin);
        let () = unpause.await.expect("it goes on");
        limited.recovers(&paul(), "paused").await;
    }
}
