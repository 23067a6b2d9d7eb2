//! Waiting for tokens.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use buttress_ratelimit::{
    Clock, ErrorKind, Key, MemoryStore, OnStoreError, Quota, RateLimiter, Rejection,
};
use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep},
};

use crate::fake_store::{FakeStore, Mode};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn paul() -> Key {
    "paul".into()
}

/// Ten per second, in this process and elsewhere.
fn limiters() -> [RateLimiter; 2] {
    let began = Instant::now();
    let memory = MemoryStore::new().with_clock(Clock::new(move || began.elapsed()));
    [
        RateLimiter::with_memory(&memory, [Quota::per_second(10)]).unwrap(),
        FakeStore::new().limiter(|shared| shared, [Quota::per_second(10)]),
    ]
}

async fn take_all(limiter: &RateLimiter) {
    assert!(limiter.check(&paul(), 10).await.unwrap().is_allowed());
}

/// Waits in a task of its own, which has come as far as it gets.
async fn wait(limiter: &RateLimiter, cost: u32, at_most: Duration) -> JoinHandle<bool> {
    let limiter = limiter.clone();
    let waiting = tokio::spawn(async move {
        let decision = limiter.wait(&paul(), cost, at_most).await;
        decision.unwrap().is_allowed()
    });
    for _ in 0..5 {
        yield_now().await;
    }
    waiting
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_paid_as_soon_as_there_are_tokens() {
    for limiter in limiters() {
        let began = Instant::now();
        let at_once = limiter.wait(&paul(), 10, Duration::ZERO).await.unwrap();
        assert!(at_once.is_allowed());
        assert_eq!(began.elapsed(), Duration::ZERO);
        let decision = limiter.wait(&paul(), 3, SECOND).await.unwrap();
        assert!(decision.is_allowed());
        assert_eq!(decision.states().next().unwrap().remaining, 0);
        assert_eq!(began.elapsed(), 300 * MILLISECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_refused_at_once() {
    for limiter in limiters() {
        take_all(&limiter).await;
        let began = Instant::now();
        let refused = limiter.wait(&paul(), 3, 299 * MILLISECOND).await.unwrap();
        assert_eq!(refused.retry_after(), Some(300 * MILLISECOND));
        assert!(!refused.is_allowed());
        assert_eq!(began.elapsed(), Duration::ZERO);
        let error = limiter
            .wait(&paul(), 11, SECOND)
            .await
            .expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::CostTooLarge);
    }
}

#[tokio::test(start_paused = true)]
async fn those_before_it_count() {
    for limiter in limiters() {
        take_all(&limiter).await;
        let first = wait(&limiter, 4, SECOND).await;
        let second = wait(&limiter, 4, SECOND).await;
        let began = Instant::now();
        let refused = limiter.wait(&paul(), 4, SECOND).await.unwrap();
        assert!(!refused.is_allowed() && refused.violated().count() == 1);
        // Twelve tokens.
        assert_eq!(refused.retry_after(), Some(1_200 * MILLISECOND));
        assert_eq!(began.elapsed(), Duration::ZERO);
        let third = wait(&limiter, 2, SECOND).await;
        for waiting in [first, second, third] {
            assert!(waiting.await.unwrap());
        }
        assert_eq!(began.elapsed(), SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn they_are_paid_in_the_order_in_which_they_came() {
    for limiter in limiters() {
        take_all(&limiter).await;
        let paid = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..20_u32 {
            let (limiter, paid) = (limiter.clone(), Arc::clone(&paid));
            waiting.push(tokio::spawn(async move {
                let cost = 1 + number % 3;
                let decision = limiter.wait(&paul(), cost, Duration::MAX).await.unwrap();
                assert!(decision.is_allowed());
                paid.lock().unwrap().push(number);
            }));
            yield_now().await;
        }
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*paid.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }
}

/// Test 21 of the specification.
#[tokio::test(start_paused = true)]
async fn who_gives_up_pays_nothing_and_holds_up_nobody() {
    for limiter in limiters() {
        take_all(&limiter).await;
        let began = Instant::now();
        let mut given_up = Vec::new();
        // The one whose turn it is, and some in the line.
        for _ in 0..4 {
            given_up.push(wait(&limiter, 2, SECOND).await);
        }
        let last = wait(&limiter, 2, SECOND).await;
        sleep(100 * MILLISECOND).await;
        for waiting in given_up {
            waiting.abort();
        }
        assert!(last.await.unwrap());
        assert_eq!(began.elapsed(), 200 * MILLISECOND);
        assert!(!limiter.check(&paul(), 1).await.unwrap().is_allowed());
        sleep(SECOND).await;
        assert!(limiter.check(&paul(), 10).await.unwrap().is_allowed());
    }
}

/// Those who do not wait do not know of those who do.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_allowed() {
    for limiter in limiters() {
        take_all(&limiter).await;
        let began = Instant::now();
        let waiting = [
            wait(&limiter, 5, SECOND).await,
            wait(&limiter, 1, SECOND).await,
        ];
        while began.elapsed() < 2 * SECOND {
            let _ = limiter.check(&paul(), 1).await.unwrap();
            sleep(50 * MILLISECOND).await;
        }
        for waiting in waiting {
            assert!(waiting.is_finished());
            assert!(!waiting.await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_store_that_is_away() {
    for on_error in [OnStoreError::Allow, OnStoreError::Deny] {
        let store = FakeStore::new();
        let limiter = store.limiter(
            |shared| shared.with_on_store_error(on_error),
            [Quota::per_second(10)],
        );
        take_all(&limiter).await;
        store.is_now(Mode::Fails("away"));
        let began = Instant::now();
        for _ in 0..10 {
            let decision = limiter.wait(&paul(), 5, 10 * SECOND).await;
            let expected = match on_error {
                OnStoreError::Allow => Ok(true),
                _ => Err(ErrorKind::Store),
            };
            let decided = decision.map(|decision| decision.is_allowed());
            assert_eq!(decided.map_err(|error| error.kind()), expected);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

/// There are tokens for all of them, only the store is slow: nobody stands in line.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_others_while_there_is_enough() {
    let store = FakeStore::new();
    let limiter = store.limiter(|shared| shared, [Quota::per_hour(1_000)]);
    store.is_now(Mode::Takes(Duration::from_millis(20)));
    let began = Instant::now();
    let waits = (0..10).map(|_| {
        let limiter = limiter.clone();
        let wait = async move {
            limiter
                .wait(&"paul".into(), 1, Duration::from_millis(30))
                .await
        };
        tokio::spawn(wait)
    });
    for wait in waits.collect::<Vec<_>>() {
        assert!(
            wait.await
                .expect("no panic")
                .expect("a decision")
                .is_allowed()
        );
    }
    assert_eq!(store.taken(), 10);
    assert_eq!(began.elapsed(), Duration::from_millis(20));
}

/// Whoever is refused behind one who is slow is refused by a quota, or paid.
#[tokio::test]
async fn a_refusal_behind_others_has_its_reason() {
    let limiter = RateLimiter::in_process([Quota::per_second(10)]).expect("a quota");
    let paul = Key::from("paul");
    assert!(
        limiter
            .check(&paul, 10)
            .await
            .expect("a decision")
            .is_allowed()
    );
    // Somebody waits, and is not polled after that.
    let mut first = Box::pin(limiter.wait(&paul, 1, Duration::from_secs(10)));
    tokio::select! {
        biased;
        _ = &mut first => unreachable!("there are no tokens yet"),
        () = yield_now() => {}
    }
    let second = limiter.wait(&paul, 1, Duration::from_millis(900)).await;
    let second = second.expect("a decision");
    assert!(second.is_allowed());
    limiter.reset(&paul).await.expect("in process");
    let third = limiter
        .wait(&paul, 10, Duration::ZERO)
        .await
        .expect("a decision");
    let rejection = Rejection::of(&third).expect("the first one comes before");
    assert_eq!(rejection.violated().count(), 1);
    assert!(!third.is_allowed() && third.retry_after().is_some());
}
