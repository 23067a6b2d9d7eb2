//! Decisions, one at a time.

use std::time::Duration;

use buttress_ratelimit::{Decision, ErrorKind, Inherit, Key, Quota, RateLimiter};

use crate::time::Time;

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn now(limiter: &RateLimiter, key: &Key, cost: u32) -> Decision {
    let decision = limiter.check_now(key, cost).expect("it is in this process");
    decision.expect("a decision")
}

fn remaining(decision: &Decision) -> Vec<u32> {
    decision.states().map(|state| state.remaining).collect()
}

fn paul() -> Key {
    "paul".into()
}

#[test]
fn a_full_bucket_pays_its_burst_and_then_the_rate() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10).burst(20)]);
    for left in (0..20).rev() {
        let decision = now(&limiter, &paul(), 1);
        assert!(decision.is_allowed() && decision.retry_after().is_none());
        assert_eq!(remaining(&decision), [left]);
    }
    let refused = now(&limiter, &paul(), 1);
    assert!(!refused.is_allowed());
    assert_eq!(refused.retry_after(), Some(SECOND / 10));
    let state = refused.states().next().expect("one quota");
    assert_eq!((state.remaining, state.reset), (0, 2 * SECOND));
    assert!(now(&limiter, &"mary".into(), 1).is_allowed());
}

/// Test 8 of the specification, without the rounding of headers.
#[test]
fn who_waits_as_long_as_is_said_is_let_in_and_no_earlier() {
    let time = Time::new();
    for (quota, cost) in [
        (Quota::per_second(7).burst(3), 1),
        (Quota::per_second(700_000_000).burst(50), 5),
        (Quota::per_day(1), 1),
        (Quota::per_minute(100).burst(9), 7),
    ] {
        let limiter = time.limiter([quota]);
        while now(&limiter, &paul(), cost).is_allowed() {}
        let wait = now(&limiter, &paul(), cost)
            .retry_after()
            .expect("it is refused");
        time.pass(wait - Duration::from_nanos(1));
        let early = now(&limiter, &paul(), cost);
        assert_eq!(early.retry_after(), Some(Duration::from_nanos(1)), "{cost}");
        time.pass(Duration::from_nanos(1));
        assert!(now(&limiter, &paul(), cost).is_allowed());
    }
}

/// Test 2: who sends at exactly the rate is never refused.
#[test]
fn who_keeps_to_the_rate_is_never_refused() {
    let time = Time::new();
    for (count, period) in [(1, 86_400), (3, 1), (7, 60), (1_000, 1), (1_000_000, 1)] {
        let period = Duration::from_secs(period);
        let limiter = time.limiter([Quota::per(count, period).burst(3)]);
        while now(&limiter, &paul(), 1).is_allowed() {}
        let interval = u64::try_from(period.as_nanos().div_ceil(count.into())).expect("it fits");
        for number in 0..5_000 {
            time.pass(Duration::from_nanos(interval));
            assert!(
                now(&limiter, &paul(), 1).is_allowed(),
                "{count} per {period:?}: {number}"
            );
        }
    }
}

/// Test 14: when one refuses, none is charged.
#[test]
fn all_pay_or_none() {
    let time = Time::new();
    let quotas = [
        Quota::per_minute(100).named("wide"),
        Quota::per_second(3).named("narrow"),
        Quota::per_hour(50).named("long"),
    ];
    let limiter = time.limiter(quotas);
    for _ in 0..3 {
        assert!(now(&limiter, &paul(), 1).is_allowed());
    }
    let before = now(&limiter, &paul(), 0);
    for _ in 0..10 {
        let refused = now(&limiter, &paul(), 1);
        assert_eq!(remaining(&refused), [97, 0, 47]);
        let violated: Vec<_> = refused.violated().map(|state| state.quota.name()).collect();
        assert_eq!(violated, ["narrow"]);
    }
    let after = now(&limiter, &paul(), 0);
    let states = |decision: &Decision| -> Vec<_> {
        let states = decision.states();
        states.map(|state| (state.remaining, state.reset)).collect()
    };
    assert_eq!(states(&before), states(&after));
}

#[test]
fn all_that_refuse_are_named_and_the_longest_wait_counts() {
    let time = Time::new();
    let quotas = [
        Quota::per_second(2).named("a"),
        Quota::per_minute(2).named("b"),
        Quota::per_hour(100).named("c"),
    ];
    let limiter = time.limiter(quotas);
    assert!(now(&limiter, &paul(), 2).is_allowed());
    let refused = now(&limiter, &paul(), 1);
    let violated: Vec<_> = refused.violated().map(|state| state.quota.name()).collect();
    assert_eq!(violated, ["a", "b"]);
    assert_eq!(refused.retry_after(), Some(30 * SECOND));
}

/// Test 4: costs at the ends of what there is.
#[test]
fn costs_have_ends() {
    let time = Time::new();
    let year = Duration::from_secs(365 * 24 * 3600);
    let limiter = time.limiter([Quota::per(u32::MAX, year)]);
    assert_eq!(remaining(&now(&limiter, &paul(), 0)), [u32::MAX]);
    assert_eq!(remaining(&now(&limiter, &paul(), u32::MAX)), [0]);
    assert!(!now(&limiter, &paul(), u32::MAX).is_allowed());
    time.pass(year);
    assert!(now(&limiter, &paul(), u32::MAX - 1_000).is_allowed());

    let small = time.limiter([Quota::per_second(5).named("small"), Quota::per_second(9)]);
    let error = small
        .check_now(&paul(), 6)
        .expect("in process")
        .expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::CostTooLarge);
    assert!(error.to_string().contains("\"small\""), "{error}");
    assert_eq!(remaining(&now(&small, &paul(), 0)), [5, 9]);
}

#[test]
fn what_only_counts_is_charged_apart() {
    let time = Time::new();
    let quotas = [
        Quota::per_second(3).named("real"),
        Quota::per_second(2).named("tried").shadow(),
    ];
    let limiter = time.limiter(quotas);
    for tried in [1, 0] {
        let decision = now(&limiter, &paul(), 1);
        assert_eq!(remaining(&decision)[1], tried);
        assert_eq!(decision.shadowed().count(), 0);
    }
    let decision = now(&limiter, &paul(), 1);
    assert!(decision.is_allowed() && decision.retry_after().is_none());
    assert_eq!(decision.shadowed().count(), 1);
    assert_eq!(remaining(&decision), [0, 0]);
    let refused = now(&limiter, &paul(), 1);
    assert!(!refused.is_allowed());
    assert_eq!(refused.violated().count(), 1);
}

#[test]
fn what_is_paid_at_once_is_paid_once() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(4), Quota::per_minute(9)]);
    assert!(!limiter.pays_now(&paul(), 0) && !limiter.pays_now(&paul(), 5));
    assert_eq!(remaining(&now(&limiter, &paul(), 0)), [4, 9]);
    assert!(limiter.pays_now(&paul(), 3));
    assert!(!limiter.pays_now(&paul(), 2));
    assert_eq!(remaining(&now(&limiter, &paul(), 0)), [1, 6]);
    limiter
        .replace([Quota::per_second(2).named("4-per-1s")], Inherit::Spent)
        .expect("quotas");
    assert!(!limiter.pays_now(&paul(), 1));
    // What only counts is asked for by name.
    let tried = time.limiter([Quota::per_second(4), Quota::per_minute(9).shadow()]);
    assert!(!tried.pays_now(&paul(), 1));
    assert_eq!(remaining(&now(&tried, &paul(), 0)), [4, 9]);
}

#[tokio::test]
async fn tokens_are_put_back_taken_and_set() {
    let time = Time::new();
    let limiter = time.limiter([
        Quota::per_second(10),
        Quota::per_second(5).named("b").debt(20),
    ]);
    let left = async || remaining(&limiter.peek(&paul()).await.expect("in process"));
    let _ = now(&limiter, &paul(), 4);
    limiter.refund(&paul(), 3).await.expect("in process");
    assert_eq!(left().await, [9, 4]);
    limiter.refund(&paul(), 100).await.expect("in process");
    assert_eq!(left().await, [10, 5]);
    limiter.penalize(&paul(), 9).await.expect("in process");
    assert_eq!(left().await, [1, 0]);
    // The first has no more than its tokens to lose, the second one goes into debt.
    limiter.penalize(&paul(), 100).await.expect("in process");
    let waits: Vec<_> = now(&limiter, &paul(), 1)
        .violated()
        .map(|state| state.retry_after)
        .collect();
    assert_eq!(waits, [Some(SECOND / 10), Some(SECOND / 5 * 21)]);
    limiter.set(&paul(), 7).await.expect("in process");
    assert_eq!(left().await, [7, 5]);
    limiter.reset(&paul()).await.expect("in process");
    assert_eq!(left().await, [10, 5]);
}

/// Test 9: a clock that is set back or far ahead.
#[test]
fn a_clock_that_jumps_locks_nobody_out_and_gives_nothing_away() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_second(10)]);
    while now(&limiter, &paul(), 1).is_allowed() {}
    time.go_back(Duration::from_secs(600));
    let refused = now(&limiter, &paul(), 1);
    assert_eq!(refused.retry_after(), Some(SECOND / 10));
    time.pass(SECOND);
    assert_eq!(remaining(&now(&limiter, &paul(), 10)), [0]);
    time.pass(Duration::from_secs(24 * 3600));
    assert_eq!(remaining(&now(&limiter, &paul(), 10)), [0]);
    assert!(!now(&limiter, &paul(), 1).is_allowed());
}
