//! Quotas that are replaced at run time.

use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
    time::Duration,
};

use buttress_ratelimit::{Basis, ErrorKind, Inherit, Key, Quota, RateLimiter};
use tokio::runtime;

use crate::{
    fake_store::{FakeStore, Mode},
    limiter::now,
    time::Time,
};

fn left(decision: &buttress_ratelimit::Decision) -> Vec<u32> {
    decision.states().map(|state| state.remaining).collect()
}

#[test]
fn what_was_spent_is_inherited_by_name() {
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per_minute(100).named("a"),
        Quota::per_minute(10).named("b"),
    ]);
    let keys: Vec<Key> = (0..500_u64).map(Key::from).collect();
    for key in &keys {
        let _ = now(&limiter, key, 3);
    }
    let quotas = [
        Quota::per_minute(7).named("b"),
        Quota::per_minute(50).named("a"),
        Quota::per_minute(9).named("c"),
    ];
    limiter.replace(quotas, Inherit::Spent).expect("quotas");
    for key in &keys {
        assert_eq!(left(&now(&limiter, key, 0)), [4, 47, 9]);
    }
    let two = [Quota::per_minute(14).named("b")];
    limiter.replace(two, Inherit::Share).expect("quotas");
    assert_eq!(left(&now(&limiter, &keys[0], 0)), [8]);
    limiter
        .replace([Quota::per_minute(5).named("b")], Inherit::Nothing)
        .expect("quotas");
    assert_eq!(left(&now(&limiter, &keys[0], 0)), [5]);
}

#[test]
fn what_makes_no_sense_replaces_nothing() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_minute(10)]);
    let _ = now(&limiter, &Key::global(), 4);
    let error = limiter
        .replace([Quota::per_minute(0)], Inherit::Spent)
        .expect_err("nothing");
    assert_eq!(error.kind(), ErrorKind::InvalidQuota);
    assert_eq!(left(&now(&limiter, &Key::global(), 0)), [6]);
}

/// However often they are replaced by others of the same size, no token is won or lost.
#[test]
fn decisions_go_on_while_quotas_are_replaced() {
    let time = Time::new();
    let quota = |debt| [Quota::per_day(20_000).debt(debt).named("q")];
    let limiter = time.limiter(quota(0));
    let admitted = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let allowed =
                        (0..10_000).filter(|_| now(&limiter, &Key::global(), 1).is_allowed());
                    allowed.count()
                })
            })
            .collect();
        for round in 1..=300 {
            limiter
                .replace(quota(round % 2), Inherit::Spent)
                .expect("quotas");
        }
        workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"))
            .sum::<usize>()
    });
    assert_eq!(admitted, 20_000);
    time.pass(Duration::from_secs(24 * 3600));
    assert!(now(&limiter, &Key::global(), 20_000).is_allowed());
}

/// Whoever watches a configuration may be told twice.
#[tokio::test(start_paused = true)]
async fn equal_quotas_replace_nothing_unless_buckets_are_to_be_full() {
    let quota = |count| [Quota::per_hour(count).named("q")];
    let shared = FakeStore::new().limiter(|shared| shared, quota(10));
    for limiter in [Time::new().limiter(quota(10)), shared] {
        limiter.replace(quota(20), Inherit::Spent).expect("quotas");
        let before = limiter.quotas();
        for inherit in [Inherit::Spent, Inherit::Share] {
            limiter.replace(quota(20), inherit).expect("quotas");
            assert!(Arc::ptr_eq(&before, &limiter.quotas()));
        }
        limiter
            .replace(quota(20), Inherit::Nothing)
            .expect("quotas");
        assert_ne!(before.id(), limiter.quotas().id());
    }
}

#[tokio::test(start_paused = true)]
async fn those_before_are_forgotten_when_their_buckets_are_full() {
    let quota = |count| [Quota::per_hour(count).named("q")];
    let limiter = FakeStore::new().limiter(|shared| shared, quota(10));
    limiter.replace(quota(20), Inherit::Spent).expect("quotas");
    let replaced = limiter.quotas();
    let hour_and_minute = Duration::from_secs(3_660);
    for (after, is_there) in [
        (hour_and_minute - Duration::from_nanos(1), true),
        (Duration::from_nanos(1), false),
    ] {
        tokio::time::advance(after).await;
        let decision = limiter.check(&Key::global(), 1).await.expect("a decision");
        assert!(decision.is_allowed());
        let quotas = limiter.quotas();
        assert_eq!(
            (quotas.id(), quotas.previous().is_some()),
            (replaced.id(), is_there)
        );
    }
}

/// Whoever is later, the quotas of local buckets are never older than the buckets.
#[test]
fn local_buckets_decide_after_several_have_replaced_the_quotas_at_once() {
    const THREADS: u32 = 16;
    let store = FakeStore::new();
    let quotas = |count: u32| (0..8).map(move |at| Quota::per_hour(count).named(format!("q{at}")));
    let limiter = store.limiter(|shared| shared.with_local_keys(8), quotas(100));
    store.is_now(Mode::Fails("away"));
    for round in 0..40 {
        let begin = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for number in 0..THREADS {
                let (limiter, begin) = (&limiter, &begin);
                scope.spawn(move || {
                    begin.wait();
                    for at in 0..20 {
                        let quotas = quotas(100 + THREADS * at + number);
                        limiter.replace(quotas, Inherit::Spent).expect("quotas");
                    }
                });
            }
        });
        let basis = basis_of_a_decision(&limiter);
        assert_eq!(basis, Ok(Basis::Local), "none in round {round}");
    }
}

/// An error if there is no decision for a long time.
fn basis_of_a_decision(limiter: &RateLimiter) -> Result<Basis, mpsc::RecvTimeoutError> {
    let (tell, told) = mpsc::channel();
    let limiter = limiter.clone();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let key = Key::global();
        let decision = runtime.expect("a runtime").block_on(limiter.check(&key, 0));
        let _ = tell.send(decision.expect("a decision").basis());
    });
    told.recv_timeout(Duration::from_secs(20))
}
