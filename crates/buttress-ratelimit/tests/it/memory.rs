//! What a flood of keys does: tests 5, 7, 10 and 13 of the specification.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use buttress_ratelimit::{Key, MemoryStore, Quota, RateLimiter};
use buttress_testkit::alloc;

use crate::{limiter::now, time::Time};

fn numbered(number: u64) -> Key {
    Key::from(number)
}

#[test]
fn a_flood_frees_nobody_and_is_not_let_in() {
    let time = Time::new();
    let limiter = time.limiter_for(10_000, [Quota::per_day(5)]);
    let blocked: Key = "blocked".into();
    while now(&limiter, &blocked, 1).is_allowed() {}
    let keys = 500_000;
    let admitted = (0..keys).filter(|number| now(&limiter, &numbered(*number), 5).is_allowed());
    let admitted = admitted.count();
    // Each place once, and the shared buckets of the parts once.
    assert!((10_000..20_000).contains(&admitted), "{admitted}");
    assert!(!now(&limiter, &blocked, 1).is_allowed());
    let again = (0..keys).filter(|number| now(&limiter, &numbered(*number), 1).is_allowed());
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
    let limiter = time.limiter([Quota::per_day(50_000), Quota::per_hour(70_000)]);
    let admitted = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    if now(&limiter, &"hot".into(), 1).is_allowed() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 50_000);
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
