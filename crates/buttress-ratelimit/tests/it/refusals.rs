//! Refusals that are remembered.

use std::time::Duration;

use buttress_ratelimit::{Basis, Decision, Inherit, Key, Quota, RateLimiter};
use tokio::time::{advance, sleep};

use crate::fake_store::{FakeStore, Mode};

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn paul() -> Key {
    "paul".into()
}

fn limiter(store: &FakeStore) -> RateLimiter {
    let quotas = [
        Quota::per_second(10).named("a"),
        Quota::per_hour(100).named("b"),
    ];
    store.limiter(|shared| shared.with_refusal_memory(100), quotas)
}

async fn check(limiter: &RateLimiter, cost: u32) -> Decision {
    limiter.check(&paul(), cost).await.expect("a decision")
}

fn states(decision: &Decision) -> Vec<(u32, Duration, Option<Duration>)> {
    let states = decision.states();
    states
        .map(|state| (state.remaining, state.reset, state.retry_after))
        .collect()
}

/// Every decision is that of a limiter without the memory.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_remembered_until_it_may_pass() {
    let (store, other) = (FakeStore::new(), FakeStore::new());
    let remembers = limiter(&store);
    let asks = other.limiter(
        |shared| shared,
        [
            Quota::per_second(10).named("a"),
            Quota::per_hour(100).named("b"),
        ],
    );
    let mut refused = 0;
    for number in 0_u32..2_000 {
        let cost = [1, 1, 3, 0, 5][number as usize % 5];
        let (one, two) = (check(&remembers, cost).await, check(&asks, cost).await);
        assert_eq!(states(&one), states(&two), "{number}");
        assert_eq!(one.is_allowed(), two.is_allowed());
        assert_eq!(one.basis(), Basis::Store);
        refused += usize::from(!one.is_allowed());
        advance(7 * MILLISECOND).await;
    }
    let (calls, all) = (store.calls(), other.calls());
    assert_eq!(all, 2_000);
    // Those that were refused by memory have asked nobody.
    assert!(
        refused > 1_000 && calls < all - refused + refused / 4,
        "{calls} {refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_asks_the_store_once() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    assert!(check(&limiter, 10).await.is_allowed());
    assert_eq!(store.calls(), 1);
    for _ in 0..1_000 {
        assert_eq!(
            check(&limiter, 1).await.retry_after(),
            Some(100 * MILLISECOND)
        );
    }
    assert_eq!(store.calls(), 1);
    advance(100 * MILLISECOND - NANOSECOND).await;
    assert_eq!(check(&limiter, 1).await.retry_after(), Some(NANOSECOND));
    assert_eq!(store.calls(), 0);
    advance(NANOSECOND).await;
    assert!(check(&limiter, 1).await.is_allowed());
    assert_eq!(store.calls(), 1);
}

/// When the store is far away, nobody is kept out for longer than by the store, and who waits as is said is let in.
#[tokio::test(start_paused = true)]
async fn what_the_way_to_the_store_takes_harms_nobody() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    store.is_now(Mode::Takes(20 * MILLISECOND));
    assert!(check(&limiter, 10).await.is_allowed());
    // It is looked at 20 ms after the charge, and told 10 ms later.
    assert_eq!(
        check(&limiter, 1).await.retry_after(),
        Some(80 * MILLISECOND)
    );
    // Remembered from then on.
    assert_eq!(
        check(&limiter, 1).await.retry_after(),
        Some(80 * MILLISECOND)
    );
    store.calls();
    // Of the 80 ms, 10 had passed already, and the way back takes 10 again.
    sleep(60 * MILLISECOND).await;
    assert!(check(&limiter, 1).await.is_allowed());
    assert_eq!(store.calls(), 1);
    let refused = check(&limiter, 1).await;
    sleep(refused.retry_after().expect("it is refused")).await;
    assert!(check(&limiter, 1).await.is_allowed());
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_here_is_seen_at_once() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    assert!(check(&limiter, 10).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    limiter.refund(&paul(), 1).await.unwrap();
    assert!(check(&limiter, 1).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    limiter.reset(&paul()).await.unwrap();
    assert!(check(&limiter, 10).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    limiter.set(&paul(), 2).await.unwrap();
    assert!(check(&limiter, 2).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    let wider = [Quota::per_second(1_000).named("a")];
    limiter.replace(wider, Inherit::Nothing).unwrap();
    assert!(check(&limiter, 1_000).await.is_allowed());
}

/// A refusal that was on its way when tokens were put back is old news.
#[tokio::test(start_paused = true)]
async fn what_is_put_back_meanwhile_is_not_forgotten() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    assert!(check(&limiter, 10).await.is_allowed());
    store.is_now(Mode::Takes(20 * MILLISECOND));
    let refused = tokio::spawn({
        let limiter = limiter.clone();
        async move { check(&limiter, 5).await.is_allowed() }
    });
    // The store has refused it, and its answer is under way.
    sleep(15 * MILLISECOND).await;
    store.is_now(Mode::Answers);
    limiter.reset(&paul()).await.unwrap();
    assert!(!refused.await.unwrap());
    assert!(check(&limiter, 5).await.is_allowed());
}

/// So it is when the one who puts them back does not wait for the answer.
#[tokio::test(start_paused = true)]
async fn what_may_have_been_put_back_is_forgotten() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    assert!(check(&limiter, 10).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    store.is_now(Mode::Takes(20 * MILLISECOND));
    let key = paul();
    let given_up = tokio::time::timeout(15 * MILLISECOND, limiter.reset(&key));
    assert!(given_up.await.is_err());
    store.is_now(Mode::Answers);
    assert!(check(&limiter, 5).await.is_allowed());
}

#[tokio::test(start_paused = true)]
async fn refusals_hold_while_the_store_is_away() {
    let store = FakeStore::new();
    let limiter = limiter(&store);
    assert!(check(&limiter, 10).await.is_allowed());
    assert!(!check(&limiter, 1).await.is_allowed());
    store.is_now(Mode::Hangs);
    let refused = check(&limiter, 1).await;
    assert_eq!(
        (refused.is_allowed(), refused.basis()),
        (false, Basis::Store)
    );
    advance(100 * MILLISECOND).await;
    assert_eq!(check(&limiter, 1).await.basis(), Basis::Local);
}
