//! Stores that fail.

use std::time::Duration;

use async_trait::async_trait;
use buttress_ratelimit::{
    Basis, Error, ErrorKind, Key, Levels, OnStoreError, Quota, Quotas, RateLimitStore, RateLimiter,
    SharedStore,
};
use tokio::time::{Instant, advance, sleep};

use crate::fake_store::{FakeStore, Mode};

const MILLISECOND: Duration = Duration::from_millis(1);
const TIMEOUT: Duration = Duration::from_millis(50);

/// As many calls may fail before the store is left alone.
const FAILURES: usize = 5;

const OUTAGES: [Mode; 7] = [
    Mode::Hangs,
    Mode::Takes(Duration::from_secs(2)),
    Mode::Fails("connection refused"),
    Mode::Fails("OOM command not allowed when used memory > 'maxmemory'"),
    Mode::Fails("READONLY You can't write against a read only replica"),
    Mode::Fails("LOADING Redis is loading the dataset in memory"),
    Mode::Fails("CLUSTERDOWN the cluster is down"),
];

const LOCAL: OnStoreError = OnStoreError::Local { share: 0.5 };

fn paul() -> Key {
    "paul".into()
}

/// What is decided, without what is left.
async fn basis(limiter: &RateLimiter) -> Result<(Basis, bool), ErrorKind> {
    match limiter.check(&paul(), 1).await {
        Ok(decision) => Ok((decision.basis(), decision.is_allowed())),
        Err(error) => Err(error.kind()),
    }
}

fn limiter(store: &FakeStore, on_error: OnStoreError) -> RateLimiter {
    let quota = Quota::per_hour(10_000);
    store.limiter(|shared| shared.with_on_store_error(on_error), [quota])
}

/// Test 23 of the specification: whatever the outage is, it costs the timeout a few times, and the store decides again
/// when it is over.
#[tokio::test(start_paused = true)]
async fn an_outage_costs_the_timeout_only_a_few_times() {
    for mode in OUTAGES {
        for on_error in [OnStoreError::Allow, OnStoreError::Deny, LOCAL] {
            let expected = match on_error {
                OnStoreError::Allow => Ok((Basis::Nothing, true)),
                OnStoreError::Deny => Err(ErrorKind::Store),
                _ => Ok((Basis::Local, true)),
            };
            let store = FakeStore::new();
            let limiter = limiter(&store, on_error);
            for _ in 0..100 {
                assert_eq!(basis(&limiter).await, Ok((Basis::Store, true)));
            }
            assert_eq!(store.calls(), 100);

            store.is_now(mode);
            for number in 0..500 {
                let asked = Instant::now();
                assert_eq!(basis(&limiter).await, expected, "{mode:?} {on_error:?}");
                let at_most = if number < FAILURES {
                    TIMEOUT
                } else {
                    Duration::ZERO
                };
                assert!(asked.elapsed() <= at_most, "{mode:?} {on_error:?} {number}");
            }
            assert_eq!(store.calls(), FAILURES, "{mode:?} {on_error:?}");

            // While it lasts, one caller in a second at most tries it.
            let mut waited = 0;
            for _ in 0..1_000 {
                advance(10 * MILLISECOND).await;
                let asked = Instant::now();
                assert_eq!(basis(&limiter).await, expected, "{mode:?} {on_error:?}");
                waited += usize::from(asked.elapsed() > Duration::ZERO);
            }
            assert!(waited <= 13, "{mode:?} {on_error:?} {waited}");
            assert!((9..=13).contains(&store.calls()), "{mode:?} {on_error:?}");

            store.is_now(Mode::Answers);
            advance(Duration::from_secs(1)).await;
            for _ in 0..100 {
                assert_eq!(basis(&limiter).await, Ok((Basis::Store, true)));
            }
            assert_eq!(store.calls(), 100, "{mode:?} {on_error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_operation_ends() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Deny);
    store.is_now(Mode::Hangs);
    let asked = Instant::now();
    let failed = |result: Result<(), Error>| {
        assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::Store));
    };
    failed(limiter.refund(&paul(), 1).await);
    failed(limiter.penalize(&paul(), 1).await);
    failed(limiter.set(&paul(), 1).await);
    failed(limiter.reset(&paul()).await);
    failed(limiter.peek(&paul()).await.map(drop));
    assert_eq!(asked.elapsed(), 5 * TIMEOUT);
    failed(limiter.peek(&paul()).await.map(drop));
    assert_eq!(asked.elapsed(), 5 * TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn only_one_caller_tries_again() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Deny);
    store.is_now(Mode::Hangs);
    let together = async || {
        let checks: Vec<_> = (0..100)
            .map(|_| {
                tokio::spawn({
                    let limiter = limiter.clone();
                    async move { limiter.check(&paul(), 1).await.is_err() }
                })
            })
            .collect();
        for check in checks {
            assert!(check.await.unwrap());
        }
    };
    // All calls that fail together are one.
    for _ in 0..FAILURES {
        together().await;
        assert_eq!(store.calls(), 100);
    }
    together().await;
    assert_eq!(store.calls(), 0);
    sleep(100 * MILLISECOND).await;
    together().await;
    assert_eq!(store.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_trying_again_leaves_it_to_the_next_one() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Deny);
    store.is_now(Mode::Hangs);
    for _ in 0..FAILURES {
        assert!(limiter.check(&paul(), 1).await.is_err());
    }
    sleep(100 * MILLISECOND).await;
    let key = paul();
    let given_up = tokio::time::timeout(MILLISECOND, limiter.check(&key, 1));
    assert!(given_up.await.is_err());
    store.is_now(Mode::Answers);
    assert_eq!(basis(&limiter).await, Ok((Basis::Store, true)));
}

/// A server may give up a request before the store is given up.
#[tokio::test(start_paused = true)]
async fn callers_with_less_patience_than_the_store_is_given_learn_of_an_outage() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Deny);
    store.is_now(Mode::Hangs);
    let key = paul();
    for number in 0..100 {
        let check = limiter.check(&key, 1);
        let ended = tokio::time::timeout(40 * MILLISECOND, check).await;
        assert_eq!(ended.is_err(), number < FAILURES, "{number}");
    }
    assert_eq!(store.calls(), FAILURES);
    // As does the one that tries it again.
    for _ in 0..2 {
        sleep(200 * MILLISECOND).await;
        let probe = tokio::time::timeout(40 * MILLISECOND, limiter.check(&key, 1));
        assert!(probe.await.is_err());
        assert_eq!(basis(&limiter).await, Err(ErrorKind::Store));
        assert_eq!(store.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_early_says_nothing_of_the_store() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Deny);
    store.is_now(Mode::Hangs);
    let key = paul();
    for _ in 0..100 {
        let check = limiter.check(&key, 1);
        let given_up = tokio::time::timeout(20 * MILLISECOND, check);
        assert!(given_up.await.is_err());
    }
    assert_eq!(store.calls(), 100);
    store.is_now(Mode::Answers);
    assert_eq!(basis(&limiter).await, Ok((Basis::Store, true)));
}

/// Answers of this many buckets.
struct Answers(usize);

#[async_trait]
impl RateLimitStore for Answers {
    fn check_quotas(&self, _: &Quotas, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn charge(&self, _: &Key, _: &Quotas, _: u32, _: u32) -> Result<Levels, Error> {
        Ok(Levels::full(self.0))
    }

    async fn adjust(&self, _: &Key, _: &Quotas, _: i64) -> Result<Levels, Error> {
        Ok(Levels::full(self.0))
    }

    async fn set(&self, _: &Key, _: &Quotas, _: &[u64]) -> Result<(), Error> {
        Ok(())
    }
}

/// Whatever is not said to be missing would be let pass.
#[tokio::test]
async fn an_answer_that_is_not_of_all_quotas_is_a_failure() {
    for buckets in [0, 1, 3] {
        for coalescing in [false, true] {
            let store = SharedStore::new(Answers(buckets)).with_on_store_error(OnStoreError::Deny);
            let store = match coalescing {
                true => store.with_coalescing(),
                false => store,
            };
            let quotas = [Quota::per_hour(1).named("a"), Quota::per_hour(1).named("b")];
            let limiter = RateLimiter::with_store(store, quotas).unwrap();
            let checked = limiter.check(&paul(), 1).await.map(drop);
            let peeked = limiter.peek(&paul()).await.map(drop);
            let refunded = limiter.refund(&paul(), 1).await;
            for outcome in [checked, peeked, refunded] {
                let error = outcome.expect_err("no decision");
                assert_eq!(error.kind(), ErrorKind::Store);
                assert!(
                    error.to_string().contains(&format!("of {buckets} bucket")),
                    "{error}"
                );
            }
        }
    }
}

/// What a store cannot do is no outage, and nothing else decides it.
#[tokio::test(start_paused = true)]
async fn what_a_store_cannot_do_is_told() {
    for on_error in [OnStoreError::Allow, OnStoreError::Deny, LOCAL] {
        let store = FakeStore::new();
        let limiter = limiter(&store, on_error);
        store.is_now(Mode::CannotDoThis);
        for _ in 0..3 * FAILURES {
            let error = limiter.refund(&paul(), 1).await.expect_err("it cannot");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        store.is_now(Mode::Answers);
        assert_eq!(basis(&limiter).await, Ok((Basis::Store, true)));
    }
}

#[tokio::test(start_paused = true)]
async fn when_everything_is_allowed_nothing_is_known() {
    let store = FakeStore::new();
    let limiter = limiter(&store, OnStoreError::Allow);
    store.is_now(Mode::Fails("away"));
    let decision = limiter.check(&paul(), 1).await.unwrap();
    assert!(decision.is_allowed() && decision.retry_after().is_none());
    assert_eq!((decision.states().count(), decision.cost()), (0, 1));
    limiter.refund(&paul(), 1).await.unwrap();
    limiter.reset(&paul()).await.unwrap();
    let error = limiter.check(&paul(), 10_001).await.expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::CostTooLarge);
}

/// Buckets in this process at their share of each quota.
#[tokio::test(start_paused = true)]
async fn the_share_of_this_process_holds() {
    let store = FakeStore::new();
    let quotas = [
        Quota::per_second(10).burst(8).named("a"),
        Quota::per_hour(400).named("b"),
    ];
    let on_error = OnStoreError::Local { share: 0.25 };
    let limiter = store.limiter(|shared| shared.with_on_store_error(on_error), quotas);
    store.is_now(Mode::Fails("away"));
    let check = async |cost| limiter.check(&paul(), cost).await.unwrap();
    for left in [1, 0] {
        let decision = check(1).await;
        let states: Vec<_> = decision
            .states()
            .map(|state| {
                (
                    state.quota.name().to_owned(),
                    state.quota.limit(),
                    state.remaining,
                )
            })
            .collect();
        assert_eq!(
            states,
            [("a".to_owned(), 2, left), ("b".to_owned(), 100, 98 + left)]
        );
    }
    let refused = check(1).await;
    assert_eq!(refused.retry_after(), Some(500 * MILLISECOND));
    assert_eq!(refused.basis(), Basis::Local);
    sleep(500 * MILLISECOND).await;
    assert!(check(1).await.is_allowed());
    // What is changed meanwhile is changed here.
    limiter.reset(&paul()).await.unwrap();
    assert!(check(2).await.is_allowed());
    limiter.refund(&paul(), 1).await.unwrap();
    assert!(check(1).await.is_allowed() && !check(1).await.is_allowed());
}

/// A cost that the quota can pay, and its share cannot at once.
#[tokio::test(start_paused = true)]
async fn more_than_the_share_holds_waits_for_a_full_bucket_and_is_paid_off() {
    let store = FakeStore::new();
    let on_error = OnStoreError::Local { share: 0.2 };
    let limiter = store.limiter(
        |shared| shared.with_on_store_error(on_error),
        [Quota::per_second(10)],
    );
    store.is_now(Mode::Fails("away"));
    let began = Instant::now();
    let mut paid = 0;
    while began.elapsed() < Duration::from_secs(60) {
        let decision = limiter.check(&paul(), 8).await.unwrap();
        match decision.retry_after() {
            None => paid += 8,
            Some(wait) => {
                assert!(decision.states().next().unwrap().remaining < 2);
                sleep(wait).await;
            }
        }
    }
    // A fifth of ten per second, and once what a full bucket of the whole quota holds.
    assert!((112..=128).contains(&paid), "{paid}");
    let error = limiter.check(&paul(), 11).await.expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::CostTooLarge);
}

#[tokio::test(start_paused = true)]
async fn quotas_are_replaced_during_an_outage_too() {
    let store = FakeStore::new();
    let on_error = OnStoreError::Local { share: 0.5 };
    let limiter = store.limiter(
        |shared| shared.with_on_store_error(on_error),
        [Quota::per_hour(20).named("q")],
    );
    store.is_now(Mode::Fails("away"));
    assert!(limiter.check(&paul(), 4).await.unwrap().is_allowed());
    let wider = [Quota::per_hour(40).named("q")];
    limiter
        .replace(wider, buttress_ratelimit::Inherit::Spent)
        .unwrap();
    let decision = limiter.check(&paul(), 1).await.unwrap();
    let state = decision.states().next().unwrap();
    assert_eq!((state.quota.limit(), state.remaining), (20, 15));
}

#[test]
fn settings_that_make_no_sense_stop_the_start() {
    let store = || FakeStore::new().shared();
    let second = Duration::from_secs(1);
    let quotas = || {
        [
            Quota::per_second(10).named("a"),
            Quota::per_hour(5).named("b"),
        ]
    };
    let local = |share| store().with_on_store_error(OnStoreError::Local { share });
    for (shared, words) in [
        (
            store().with_store_timeout(Duration::ZERO),
            ["timeout", "more than 0"],
        ),
        (
            store().with_refusal_memory(0),
            ["memory of refusals", "at least 1"],
        ),
        (store().with_leases(0, second), ["0 tokens", "1 to 5"]),
        (store().with_leases(6, second), ["6 tokens", "1 to 5"]),
        (
            store().with_leases(5, 100 * MILLISECOND),
            ["100ms", "twice the timeout"],
        ),
        (local(0.0), ["share of 0", "at most 1"]),
        (local(1.5), ["share of 1.5", "at most 1"]),
        (local(-0.5), ["share of -0.5", "more than 0"]),
        (local(f64::NAN), ["share of NaN", "at most 1"]),
        (local(1e-9), ["share of", "too small"]),
    ] {
        let error = RateLimiter::with_store(shared, quotas()).expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        for word in words {
            assert!(error.to_string().contains(word), "{error}: {word}");
        }
    }
    let all = local(0.5)
        .with_refusal_memory(1)
        .with_coalescing()
        .with_leases(5, second);
    let limiter = RateLimiter::with_store(all, quotas()).expect("all of it goes together");
    // Quotas that do not go with it do not come in later either.
    let small = [Quota::per_second(4).named("a")];
    let error = limiter
        .replace(small, buttress_ratelimit::Inherit::Spent)
        .expect_err("leases are larger");
    assert!(error.to_string().contains("1 to 4"), "{error}");
    assert_eq!(limiter.quotas().iter().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_once_when_it_begins_and_once_when_it_ends() {
    let (_, log) = crate::log::Log::of(async {
        let store = FakeStore::new();
        let limiter = limiter(&store, LOCAL);
        for _ in 0..2 {
            store.is_now(Mode::Fails("connection refused"));
            for _ in 0..500 {
                let _ = limiter.check(&"secret key".into(), 1).await.unwrap();
                advance(10 * MILLISECOND).await;
            }
            store.is_now(Mode::Answers);
            advance(Duration::from_secs(1)).await;
            for _ in 0..10 {
                let _ = limiter.check(&paul(), 1).await.unwrap();
            }
        }
    })
    .await;
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("the store of a rate limiter is away"), 2, "{log}");
    assert_eq!(count("decides again"), 2, "{log}");
    assert_eq!(count("ERROR") + count("WARN") + count("INFO"), 4, "{log}");
    assert!(log.contains("connection refused"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

/// The store would have 15 of 10 otherwise.
#[tokio::test(start_paused = true)]
async fn what_was_reserved_here_is_not_put_back_there() {
    let store = FakeStore::new();
    let limiter = store.limiter(|shared| shared, [Quota::per_hour(10)]);
    let paul = Key::from("paul");
    assert!(
        limiter
            .check(&paul, 10)
            .await
            .expect("a decision")
            .is_allowed()
    );
    store.is_now(Mode::Fails("for a moment"));
    let reservation = limiter.reserve(&paul, 5).await.expect("a decision");
    assert_eq!(reservation.decision().basis(), Basis::Local);
    store.is_now(Mode::Answers);
    reservation.settle(0).await.expect("nothing to do");
    assert!(
        !limiter
            .check(&paul, 5)
            .await
            .expect("a decision")
            .is_allowed()
    );
}
