//! What a flood of keys does: tests 5, 7, 10 and 13 of the specification.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use buttress_ratelimit::{Clock, Key, MemoryStore, Quota, RateLimiter};
use buttress_testkit::alloc;

use crate::{limiter::now, time::Time};

fn numbered(number: u64) -> Key {
    Key::from(number)
}

#[test]
fn a_flood_frees_nobody_takes_no_memory_and_is_not_let_in() {
    let time = Time::new();
    let limiter = time.limiter_for(10_000, [Quota::per_day(5)]);
    let blocked: Key = "blocked".into();
    while now(&limiter, &blocked, 1).is_allowed() {}
    let mut admitted = 0;
    let allocations = alloc::count(|| {
        // A hundred times as many as there is room for.
        for number in 0..1_000_000 {
            admitted += u32::from(now(&limiter, &numbered(number), 5).is_allowed());
        }
    });
    assert_eq!(allocations.bytes, 0);
    // Each place once, and the shared buckets of the parts once.
    assert!((10_000..20_000).contains(&admitted), "{admitted}");
    assert!(!now(&limiter, &blocked, 1).is_allowed());
    let again = (0..100_000).filter(|number| now(&limiter, &numbered(*number), 1).is_allowed());
    assert_eq!(again.count(), 0);
}

#[test]
fn who_shared_a_bucket_does_not_get_another_burst_with_a_place() {
    let time = Time::new();
    let limiter = time.limiter_for(8, [Quota::per(10, Duration::from_secs(100))]);
    // All places, for ten seconds.
    let mut fillers = (0..).map(numbered);
    let is_full = |limiter: &RateLimiter| {
        let probe = Key::from("probe");
        limiter
            .check_now(&probe, 0)
            .expect("in process")
            .expect("a decision")
            .states()
            .all(|state| state.remaining < 10)
    };
    while !is_full(&limiter) {
        let _ = now(&limiter, &fillers.next().expect("they are endless"), 1);
    }
    let late: Key = "late".into();
    let mut admitted = 0;
    while now(&limiter, &late, 1).is_allowed() {
        admitted += 1;
    }
    assert!(admitted < 10, "{admitted}");
    // The places are free now, and the shared bucket has one token.
    time.pass(Duration::from_secs(10));
    let mut again = 0;
    while now(&limiter, &late, 1).is_allowed() {
        again += 1;
    }
    assert_eq!(again, 1);
}

#[test]
fn a_bucket_that_is_full_again_is_like_one_that_was_never_seen() {
    let time = Time::new();
    for burst in [1, 10] {
        let limiter = time.limiter([Quota::per_second(10).burst(burst)]);
        let key = Key::from("idle");
        let all = |limiter: &RateLimiter| {
            (0..100)
                .filter(|_| now(limiter, &key, 1).is_allowed())
                .count()
        };
        assert_eq!(all(&limiter), burst as usize);
        time.pass(Duration::from_secs(3600));
        assert_eq!(all(&limiter), burst as usize, "after a pause");
    }
}

#[test]
fn keys_that_are_full_again_make_room_for_others() {
    let time = Time::new();
    let limiter = time.limiter_for(1_000, [Quota::per_second(1)]);
    for round in 0..100 {
        for number in 0..1_000 {
            let key = numbered(round * 1_000 + number);
            assert!(now(&limiter, &key, 1).is_allowed(), "{round} {number}");
        }
        time.pass(Duration::from_secs(1));
    }
}

#[test]
fn sixteen_threads_take_what_there_is_and_no_more() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(300_000), Quota::per_hour(400_000)]);
    let admitted = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..62_500 {
                    if now(&limiter, &"hot".into(), 1).is_allowed() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 300_000);
}

/// Test 10 of the specification: what is documented, which is also less than 32 bytes and 8 for each further quota.
#[test]
fn a_key_takes_as_many_bytes_as_are_promised() {
    let bytes = |store: &MemoryStore, quotas: u32| {
        let quotas = (1..=quotas).map(|count| Quota::per_second(count).named(format!("{count}")));
        let quotas: Vec<_> = quotas.collect();
        alloc::count(|| RateLimiter::with_memory(store, quotas).expect("quotas")).bytes
    };
    for quotas in 1..=8_u32 {
        let further = u64::from(quotas) - 1;
        let kept = 16 + 8 * further;
        for (keys, promised) in [
            (100_000, 22 + 11 * further),
            (1_000_000, (20 + 10 * further).min(32 + 8 * further)),
        ] {
            let store = MemoryStore::new().with_max_keys(keys);
            let bytes = bytes(&store, quotas) as f64 / keys as f64;
            assert!(
                bytes > kept as f64 && bytes <= promised as f64,
                "{bytes} bytes for each of {keys} keys with {quotas} quotas"
            );
        }
    }
    let usual = MemoryStore::new().with_max_keys(100_000);
    assert_eq!(bytes(&MemoryStore::new(), 1), bytes(&usual, 1));
}

#[test]
fn a_decision_does_not_allocate() {
    let time = Time::new();
    let quotas = [
        Quota::per_second(2),
        Quota::per_hour(5),
        Quota::per_day(5).named("c"),
    ];
    let limiter = time.limiter(quotas);
    let _ = now(&limiter, &"warm".into(), 1);
    let allocations = alloc::count(|| limiter.pays_now(&Key::from("paul").and("orders"), 1));
    assert_eq!(allocations.count, 0);
    for expected in [true, false] {
        let mut allowed = false;
        let allocations = alloc::count(|| {
            let decision = now(&limiter, &Key::from("paul").and("orders"), 1);
            allowed = decision.is_allowed();
            decision.retry_after()
        });
        assert_eq!(allowed, expected);
        assert_eq!(allocations.count, 0, "{expected}");
    }
}

/// Processors do not quite agree on the time, and who asks may be held up after it has looked at the clock.
#[test]
fn a_time_from_before_fills_nothing() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10).burst(10)]);
    let late = Duration::from_millis(300);
    time.pass(late);
    assert!(now(&limiter, &"paul".into(), 10).is_allowed());
    time.go_back(late);
    assert!(!now(&limiter, &"paul".into(), 1).is_allowed());
    time.pass(late);
    assert!(!now(&limiter, &"paul".into(), 1).is_allowed());
}

/// With the clock of the machine, and more threads than processors: each is held up sooner or later between two of its
/// steps.
#[test]
fn threads_that_hold_each_other_up_get_no_more_than_is_promised() {
    const THREADS: u32 = 16;
    for (rate, burst) in [(100, 100), (10_000, 100)] {
        let limiter = RateLimiter::in_process([Quota::per_second(rate).burst(burst)]);
        let limiter = limiter.expect("a quota");
        let begun = Clock::system();
        let before = begun.now();
        let admitted: u32 = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let allowed = |_: &u32| now(&limiter, &"paul".into(), 1).is_allowed();
                        u32::try_from((0..10_000).filter(allowed).count()).expect("few")
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|it| it.join().expect("no panic"))
                .sum()
        });
        let took = (begun.now() - before).as_secs_f64();
        let most = f64::from(burst) + took * f64::from(rate);
        assert!(
            f64::from(admitted) <= most,
            "{admitted} of {most} in {took} s"
        );
    }
}

/// Their shared bucket is nobody's own: what one of them gets back may have been paid out of another bucket.
#[test]
fn nothing_is_put_back_for_who_shares_a_bucket() {
    let time = Time::new();
    let limiter = time.limiter_for(8, [Quota::per_second(1).burst(10).debt(100)]);
    let flood = || {
        for number in 0..300 {
            let _ = now(&limiter, &numbered(number), 10);
        }
    };
    let other = Key::from("somebody else");
    let waits = || now(&limiter, &"blocked".into(), 1).retry_after();
    flood();
    let blocked = waits().expect("the bucket of all is empty");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        limiter.refund(&other, 10).await.expect("in process");
        limiter.reset(&other).await.expect("in process");
        assert_eq!(waits(), Some(blocked));
        // Nor does one run up debts for all of them.
        limiter.penalize(&other, 50).await.expect("in process");
        assert_eq!(waits(), Some(blocked));
    });
}
