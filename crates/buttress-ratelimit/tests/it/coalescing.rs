//! One call at a time for each key.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use buttress_ratelimit::{
    Basis, Decision, Inherit, Key, OnStoreError, Quota, RateLimiter, SharedStore,
};
use tokio::{
    runtime,
    task::{JoinHandle, yield_now},
    time::{Instant, advance, sleep},
};

use crate::fake_store::{FakeStore, Mode};

const MILLISECOND: Duration = Duration::from_millis(1);

fn paul() -> Key {
    "paul".into()
}

fn limiter(store: &FakeStore, quotas: impl IntoIterator<Item = Quota>) -> RateLimiter {
    store.limiter(|shared| shared.with_coalescing(), quotas)
}

/// For as long as a busy machine takes.
fn racing(store: &FakeStore, quota: Quota) -> RateLimiter {
    let patient = |shared: SharedStore| {
        shared
            .with_store_timeout(Duration::from_secs(600))
            .with_on_store_error(OnStoreError::Deny)
    };
    store.limiter(|shared| patient(shared).with_coalescing(), [quota])
}

/// Asks in a task of its own, which has come as far as it gets.
async fn ask(limiter: &RateLimiter, cost: u32) -> JoinHandle<Decision> {
    let limiter = limiter.clone();
    let asked =
        tokio::spawn(async move { limiter.check(&paul(), cost).await.expect("a decision") });
    yield_now().await;
    asked
}

/// Polls it once.
fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

fn remaining(decision: &Decision) -> (bool, u32) {
    let state = decision.states().next().expect("a quota");
    (decision.is_allowed(), state.remaining)
}

/// Asks this often at once, of several threads, and answers how many were allowed.
async fn race(limiters: &[RateLimiter], callers: usize, each: usize, cost: u32) -> usize {
    let callers: Vec<_> = (0..callers)
        .map(|number| {
            let limiter = limiters[number % limiters.len()].clone();
            tokio::spawn(async move {
                let mut allowed = 0;
                for _ in 0..each {
                    let decision = limiter.check(&paul(), cost).await.expect("a decision");
                    allowed += usize::from(decision.is_allowed());
                }
                allowed
            })
        })
        .collect();
    let mut allowed = 0;
    for caller in callers {
        allowed += caller.await.expect("it does not panic");
    }
    allowed
}

/// Tests 7 and 24 of the specification: exactly the burst is admitted, with no more than one call at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racers_get_exactly_the_burst() {
    for yields in [0, 1, 7] {
        let store = FakeStore::new();
        store.is_now(Mode::Yields(yields));
        let limiter = racing(&store, Quota::per_day(3_001));
        let allowed = race(&[limiter], 128, 50, 1).await;
        assert_eq!((allowed, store.taken()), (3_001, 3_001), "{yields}");
        assert_eq!(store.most_in_flight(), 1, "{yields}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_race_get_exactly_the_burst_together() {
    let store = FakeStore::new();
    store.is_now(Mode::Yields(3));
    let limiters: Vec<_> = (0..8)
        .map(|_| racing(&store, Quota::per_day(1_000)))
        .collect();
    assert_eq!(race(&limiters, 128, 20, 3).await, 333);
    assert_eq!(store.taken(), 999);
    assert!(store.most_in_flight() <= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racers_who_pay_differently_get_exactly_the_burst() {
    let store = FakeStore::new();
    store.is_now(Mode::Yields(3));
    let limiter = racing(&store, Quota::per_day(2_000));
    let costs = [1, 2, 5];
    let racers = costs.map(|cost| {
        let limiter = limiter.clone();
        tokio::spawn(async move { race(&[limiter], 40, 60, cost).await * cost as usize })
    });
    let mut taken = 0;
    for racer in racers {
        taken += racer.await.unwrap();
    }
    assert_eq!((taken, store.taken()), (2_000, 2_000));
    assert_eq!(store.most_in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_is_told_what_is_left_after_its_own() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(10 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(5)]);
    let mut asked = Vec::new();
    for _ in 0..8 {
        asked.push(ask(&limiter, 1).await);
    }
    let mut told = Vec::new();
    for asked in asked {
        told.push(remaining(&asked.await.unwrap()));
    }
    let (yes, no) = (true, false);
    let expected = [
        (yes, 4),
        (yes, 3),
        (yes, 2),
        (yes, 1),
        (yes, 0),
        (no, 0),
        (no, 0),
        (no, 0),
    ];
    assert_eq!(told, expected);
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_who_pay_the_same_share_a_call_in_the_order_in_which_they_came() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(10 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let mut asked = Vec::new();
    for cost in [1, 3, 2, 3, 2, 3] {
        asked.push(ask(&limiter, cost).await);
    }
    let began = Instant::now();
    let mut told = Vec::new();
    for asked in asked {
        told.push(remaining(&asked.await.unwrap()));
    }
    // One, then three times three, then twice two.
    let expected = [
        (true, 9),
        (true, 6),
        (false, 0),
        (true, 3),
        (false, 0),
        (true, 0),
    ];
    assert_eq!(told, expected);
    assert_eq!(store.calls(), 3);
    assert_eq!(began.elapsed(), 30 * MILLISECOND);
}

#[tokio::test(start_paused = true)]
async fn who_makes_the_call_and_gives_up_takes_nobody_along() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(40 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let first = ask(&limiter, 1).await;
    let others = [ask(&limiter, 1).await, ask(&limiter, 1).await];
    // Before the store has looked at the buckets.
    sleep(5 * MILLISECOND).await;
    let began = Instant::now();
    first.abort();
    let [one, two] = others;
    assert_eq!(remaining(&one.await.unwrap()), (true, 9));
    assert_eq!(remaining(&two.await.unwrap()), (true, 8));
    assert_eq!(began.elapsed(), 40 * MILLISECOND);
    assert_eq!(store.taken(), 2);
    // And the next one begins anew.
    assert_eq!(remaining(&ask(&limiter, 1).await.await.unwrap()), (true, 7));
}

/// Test 21: who gives up while it waits has paid nothing.
#[tokio::test(start_paused = true)]
async fn who_waits_and_gives_up_pays_nothing() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(10 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(3)]);
    let first = ask(&limiter, 1).await;
    let given_up = [
        ask(&limiter, 1).await,
        ask(&limiter, 1).await,
        ask(&limiter, 1).await,
    ];
    let last = ask(&limiter, 1).await;
    for waiter in given_up {
        waiter.abort();
    }
    assert_eq!(remaining(&first.await.unwrap()), (true, 2));
    assert_eq!(remaining(&last.await.unwrap()), (true, 1));
    assert_eq!((store.taken(), store.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_has_failed_for_all_who_wait() {
    let store = FakeStore::new();
    store.is_now(Mode::Hangs);
    let local = OnStoreError::Local { share: 0.5 };
    let limiter = store.limiter(
        |shared| shared.with_coalescing().with_on_store_error(local),
        [Quota::per_hour(10)],
    );
    let began = Instant::now();
    let mut asked = Vec::new();
    for _ in 0..10 {
        asked.push(ask(&limiter, 1).await);
    }
    let mut allowed = 0;
    for asked in asked {
        let decision = asked.await.unwrap();
        assert_eq!(decision.basis(), Basis::Local);
        allowed += usize::from(decision.is_allowed());
    }
    assert_eq!((allowed, store.calls()), (5, 1));
    assert_eq!(began.elapsed(), 50 * MILLISECOND);
}

/// The runtime of who makes the call, or of those who make the next ones, may end before that of the others.
#[test]
fn those_of_another_runtime_are_not_left_alone() {
    let store = FakeStore::new();
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let build = || {
        runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    let (one, other) = (build(), build());
    store.is_now(Mode::Hangs);
    let first = one.block_on(ask(&limiter, 1));
    let waiter = other.block_on(ask(&limiter, 1));
    store.is_now(Mode::Answers);
    drop(one);
    assert_eq!(remaining(&other.block_on(waiter).unwrap()), (true, 9));
    drop(first);
    assert_eq!(store.taken(), 1);
}

/// As a branch of a `select!` that has lost, and is not dropped yet.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_who_is_not_polled() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(2 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let key = paul();
    let mut first = Box::pin(limiter.check(&key, 1));
    assert!(poll(&mut first).is_pending());
    let began = Instant::now();
    let others = [ask(&limiter, 1).await, ask(&limiter, 1).await];
    for other in others {
        let decision = other.await.unwrap();
        assert_eq!(
            (decision.basis(), decision.is_allowed()),
            (Basis::Store, true)
        );
    }
    assert!(began.elapsed() <= 150 * MILLISECOND);
    // The flight has ended with it, and the next one waits for nobody.
    let began = Instant::now();
    assert_eq!(remaining(&ask(&limiter, 1).await.await.unwrap()), (true, 7));
    assert_eq!(began.elapsed(), 2 * MILLISECOND);
    drop(first);
    assert_eq!((store.taken(), store.calls()), (3, 4));
}

/// Who makes the first call makes no other in a flight that goes on without it.
#[tokio::test(start_paused = true)]
async fn who_is_polled_again_leaves_the_next_flight_alone() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(40 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let key = paul();
    let mut first = Box::pin(limiter.check(&key, 1));
    assert!(poll(&mut first).is_pending());
    let second = ask(&limiter, 1).await;
    sleep(105 * MILLISECOND).await;
    let third = ask(&limiter, 1).await;
    let fourth = ask(&limiter, 1).await;
    // Too late for what the store has answered.
    assert_eq!(first.await.unwrap().basis(), Basis::Local);
    for other in [second, third, fourth] {
        assert_eq!(other.await.unwrap().basis(), Basis::Store);
    }
    assert_eq!(store.calls(), 3);
}

/// As of threads that take jobs from a queue, and run each with `block_on`.
#[test]
fn nobody_waits_for_ever_for_a_runtime_that_nobody_drives() {
    let store = FakeStore::new();
    let limiter = limiter(&store, [Quota::per_hour(10)]);
    let build = || {
        runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    let (one, other) = (build(), build());
    store.is_now(Mode::Takes(MILLISECOND));
    let first = one.block_on(ask(&limiter, 1));
    let waiter = other.block_on(ask(&limiter, 1));
    assert!(one.block_on(first).unwrap().is_allowed());
    // Nobody drives the first one from here on.
    assert_eq!(remaining(&other.block_on(waiter).unwrap()), (true, 8));
    let next = other.block_on(async { ask(&limiter, 1).await.await });
    assert_eq!(remaining(&next.unwrap()), (true, 7));
    drop(one);
}

#[tokio::test(start_paused = true)]
async fn those_of_other_quotas_have_a_call_of_their_own() {
    let store = FakeStore::new();
    store.is_now(Mode::Takes(10 * MILLISECOND));
    let limiter = limiter(&store, [Quota::per_hour(10).named("q")]);
    let before = [ask(&limiter, 1).await, ask(&limiter, 1).await];
    limiter
        .replace([Quota::per_hour(100).named("q")], Inherit::Spent)
        .unwrap();
    let after = [ask(&limiter, 1).await, ask(&limiter, 1).await];
    let [one, two] = before;
    assert_eq!(remaining(&one.await.unwrap()), (true, 9));
    assert_eq!(remaining(&two.await.unwrap()), (true, 8));
    let [one, two] = after;
    assert_eq!(remaining(&one.await.unwrap()), (true, 97));
    assert_eq!(remaining(&two.await.unwrap()), (true, 96));
    assert_eq!(store.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_remembered_for_those_who_wait_too() {
    let store = FakeStore::new();
    let limiter = store.limiter(
        |shared| shared.with_coalescing().with_refusal_memory(10),
        [Quota::per_second(2)],
    );
    store.is_now(Mode::Takes(10 * MILLISECOND));
    assert!(limiter.check(&paul(), 2).await.unwrap().is_allowed());
    let mut asked = Vec::new();
    for _ in 0..10 {
        asked.push(ask(&limiter, 1).await);
    }
    for asked in asked {
        assert!(!asked.await.unwrap().is_allowed());
    }
    // One for the two tokens, and one that was refused.
    assert_eq!(store.calls(), 2);
    let refused = limiter.check(&paul(), 1).await.unwrap();
    assert_eq!(store.calls(), 0);
    advance(refused.retry_after().unwrap()).await;
    assert!(limiter.check(&paul(), 1).await.unwrap().is_allowed());
    limiter.reset(&paul()).await.unwrap();
    assert!(limiter.check(&paul(), 2).await.unwrap().is_allowed());
}
