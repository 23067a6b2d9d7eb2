//! Quotas that are replaced at run time.

use std::{thread, time::Duration};

use buttress_ratelimit::{ErrorKind, Inherit, Key, Quota};

use crate::{limiter::now, time::Time};

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

/// However often they are replaced by equal ones, no token is won or lost.
#[test]
fn decisions_go_on_while_quotas_are_replaced() {
    let time = Time::new();
    let quota = || [Quota::per_day(20_000).named("q")];
    let limiter = time.limiter(quota());
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
        for _ in 0..300 {
            limiter.replace(quota(), Inherit::Spent).expect("quotas");
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
