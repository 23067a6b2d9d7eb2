//! `buttress-ratelimit` on a Redis server of its own, which has one of the processors where there are two: all callers
//! are on one thread.
//!
//! The floor is `PING` over a connection that all callers share: nothing that asks the server is faster. Times are of
//! one decision, of which as many are under way as there are callers.

use std::{hint::black_box, time::Duration};

use buttress_benches::Interleaved;
use buttress_ratelimit::{
    Basis, Key, OnStoreError, Quota, RateLimitStore, RateLimiter, RedisStore, SharedStore,
};
use buttress_testkit::RedisServer;
use criterion::{Criterion, criterion_group, criterion_main};
use redis::{Client, aio::MultiplexedConnection};
use tokio::runtime::{Builder, Runtime};

/// Nothing is given up because the machine has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

fn client(server: &RedisServer) -> Client {
    Client::open(server.url()).expect("a client")
}

fn store(server: &RedisServer) -> RedisStore {
    let store = RedisStore::new(client(server), "bench");
    let store = store.and_then(|store| store.with_timeout(PATIENCE));
    store.expect("a store")
}

fn shared(store: impl RateLimitStore + 'static) -> SharedStore {
    SharedStore::new(store)
        .with_store_timeout(PATIENCE)
        .with_on_store_error(OnStoreError::Deny)
}

/// So much that nothing is refused while it is measured, and so slow to fill that a bucket is never full.
fn limiter(store: SharedStore) -> RateLimiter {
    RateLimiter::with_store(store, [Quota::per_day(u32::MAX)]).expect("a quota")
}

/// So many callers, each of which does its share of the iterations, one after the other.
fn callers<F>(
    runtime: &Runtime,
    callers: usize,
    caller: impl Fn(usize, usize) -> F,
) -> impl FnMut(usize)
where
    F: Future<Output = ()> + Send + 'static,
{
    move |iterations| {
        runtime.block_on(async {
            let share = |number| (iterations + callers - 1 - number) / callers;
            let callers: Vec<_> = (0..callers)
                .map(|number| tokio::spawn(caller(number, share(number))))
                .collect();
            for caller in callers {
                caller.await.expect("no caller fails");
            }
        });
    }
}

fn ping(connection: &MultiplexedConnection) -> impl Fn(usize, usize) -> Caller {
    move |_, times| {
        let mut connection = connection.clone();
        Box::pin(async move {
            let ping = redis::cmd("PING");
            for _ in 0..times {
                let () = ping.query_async(&mut connection).await.expect("a pong");
            }
        })
    }
}

type Caller = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Each caller has a key of its own, or all have the same one.
fn decisions(limiter: &RateLimiter, one_key: bool) -> impl Fn(usize, usize) -> Caller {
    move |number, times| {
        let limiter = limiter.clone();
        let key = Key::from(if one_key { 0 } else { number as u64 });
        Box::pin(async move {
            for _ in 0..times {
                let decision = limiter.check(&key, 1).await.expect("a decision");
                assert!(black_box(decision).is_allowed());
            }
        })
    }
}

/// A decision beside what asks the server for nothing, and beside what is written first.
fn decide(criterion: &mut Criterion) {
    let runtime = runtime();
    let server = runtime.block_on(RedisServer::start());
    let connection = runtime.block_on(client(&server).get_multiplexed_async_connection());
    let connection = connection.expect("a connection");
    let plain = limiter(shared(store(&server)));
    #[cfg(feature = "peers")]
    let pool = peers::pool(&server);
    for (name, count, iterations) in [
        ("ratelimit on Redis: 1 caller", 1, 16),
        ("ratelimit on Redis: 16 callers", 16, 64),
        ("ratelimit on Redis: 128 callers", 128, 512),
    ] {
        let mut group = Interleaved::new(name).with_iterations(iterations);
        group.add_many("floor: PING", callers(&runtime, count, ping(&connection)));
        group.add_many(
            "buttress-ratelimit",
            callers(&runtime, count, decisions(&plain, false)),
        );
        #[cfg(feature = "peers")]
        group.add_many(
            "deadpool-redis 0.23, a connection and a script by hand",
            callers(&runtime, count, peers::decisions(&pool)),
        );
        group.bench(criterion);
    }
}

/// One key that all want.
fn hot_key(criterion: &mut Criterion) {
    let runtime = runtime();
    let server = runtime.block_on(RedisServer::start());
    let connection = runtime.block_on(client(&server).get_multiplexed_async_connection());
    let connection = connection.expect("a connection");
    let coalesced = limiter(shared(store(&server)).with_coalescing());
    let leased = shared(store(&server)).with_leases(1_000, 10 * PATIENCE);
    let leased = limiter(leased);
    let mut group =
        Interleaved::new("ratelimit on Redis: 128 callers of one key").with_iterations(2_048);
    group.add_many("floor: PING", callers(&runtime, 128, ping(&connection)));
    group.add_many(
        "buttress-ratelimit, coalescing",
        callers(&runtime, 128, decisions(&coalesced, true)),
    );
    group.add_many(
        "buttress-ratelimit, leases of 1000",
        callers(&runtime, 128, decisions(&leased, true)),
    );
    group.bench(criterion);
}

/// What has been known here: the server is not asked.
fn without_a_call(criterion: &mut Criterion) {
    let runtime = runtime();
    let server = runtime.block_on(RedisServer::start());
    let remembering = shared(store(&server)).with_refusal_memory(1_000);
    let refusing = RateLimiter::with_store(remembering, [Quota::per_day(1)]).expect("a quota");
    let away = runtime.block_on(async {
        let gone = RedisServer::start().await;
        let away = limiter(SharedStore::new(store(&gone)));
        drop(gone);
        while away
            .check(&Key::global(), 1)
            .await
            .expect("a decision")
            .basis()
            != Basis::Local
        {}
        for _ in 0..100 {
            let _ = away.check(&Key::global(), 1).await.expect("a decision");
        }
        let _ = refusing.check(&Key::global(), 1).await.expect("a decision");
        away
    });
    let in_process = RateLimiter::in_process([Quota::per_day(u32::MAX)]).expect("a quota");
    let of_one = |limiter: &RateLimiter, allowed: bool| {
        let (limiter, runtime) = (limiter.clone(), &runtime);
        move |iterations| {
            runtime.block_on(async {
                for _ in 0..iterations {
                    let decision = limiter.check(&Key::global(), 1).await;
                    assert_eq!(decision.expect("a decision").is_allowed(), allowed);
                }
            });
        }
    };
    let mut group = Interleaved::new("ratelimit on Redis: without a call").with_iterations(1_024);
    group.add_many("floor: in process", of_one(&in_process, true));
    group.add_many(
        "buttress-ratelimit, the server is gone",
        of_one(&away, true),
    );
    group.add_many(
        "buttress-ratelimit, a refusal that is remembered",
        of_one(&refusing, false),
    );
    group.bench(criterion);
}

/// What is written first: a connection of the pool for each decision, and a script for one bucket.
#[cfg(feature = "peers")]
mod peers {
    use std::sync::Arc;

    use buttress_testkit::RedisServer;
    use deadpool_redis::{Manager, Pool, Runtime};
    use redis::{AsyncConnectionConfig, Script};

    use super::Caller;

    const SCRIPT: &str = "
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
        local after = full_at + ARGV[1]
        if after - now > ARGV[2] + 0 then
            return {0, full_at - now}
        end
        redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
        return {1, after - now}
    ";

    pub(super) fn pool(server: &RedisServer) -> Pool {
        let patience = AsyncConnectionConfig::new().set_response_timeout(None);
        let manager = Manager::new_with_config(server.url(), patience).expect("a manager");
        let pool = Pool::builder(manager).runtime(Runtime::Tokio1).build();
        pool.expect("a pool")
    }

    pub(super) fn decisions(pool: &Pool) -> impl Fn(usize, usize) -> Caller {
        let script = Arc::new(Script::new(SCRIPT));
        move |number, times| {
            let (pool, script) = (pool.clone(), Arc::clone(&script));
            Box::pin(async move {
                for _ in 0..times {
                    let mut connection = pool.get().await.expect("a connection");
                    let mut call = script.key(format!("by-hand:{number}"));
                    let call = call.arg(21).arg(86_400_000_000_u64);
                    let (allowed, _missing): (u8, u64) = call
                        .invoke_async(&mut connection)
                        .await
                        .expect("a decision");
                    assert_eq!(allowed, 1);
                }
            })
        }
    }
}

criterion_group!(benches, decide, hot_key, without_a_call);
criterion_main!(benches);
