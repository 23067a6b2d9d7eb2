//! What is remembered, what is written beside, and what happens when the store does not answer.

use std::time::Duration;

use buttress_jwt::{ApiKeyError, ApiKeyRefusal, ErrorKind};

use super::{Trouble, issue, keys, on};
use crate::support::NOW;

#[tokio::test]
async fn the_store_is_asked_once_a_second() {
    let (keys, store, hands) = keys();
    let (_, text) = issue(&keys).await;
    for millis in [0, 1, 500, 999] {
        hands.set_millis(NOW * 1000 + millis);
        keys.authenticate(&text).await.unwrap();
        assert_eq!(store.finds(), 1);
    }
    hands.set_millis(NOW * 1000 + 1000);
    keys.authenticate(&text).await.unwrap();
    assert_eq!(store.finds(), 2);
    // A clock that is set back does not make it longer.
    hands.set_millis(NOW * 1000);
    keys.authenticate(&text).await.unwrap();
    assert_eq!(store.finds(), 3);
}

#[tokio::test]
async fn without_a_memory_the_store_is_always_asked() {
    let (keys, store, _) = keys();
    let (_, text) = issue(&keys).await;
    let second = Duration::from_secs(1);
    for (count, age) in [(0, second), (100, Duration::ZERO)] {
        let keys = keys.clone().with_memory(count, age).unwrap();
        let before = store.finds();
        for _ in 0..3 {
            keys.authenticate(&text).await.unwrap();
        }
        assert_eq!(store.finds(), before + 3);
    }
}

#[tokio::test]
async fn a_revoked_key_stops_here_at_once_and_elsewhere_within_the_age() {
    let (here, store, hands) = keys();
    let elsewhere = on(&store, &hands);
    let (id, text) = issue(&here).await;
    for keys in [&here, &elsewhere] {
        keys.authenticate(&text).await.unwrap();
    }
    assert!(here.revoke("user-1", id).await.unwrap());
    let error = here.clone().authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
    hands.set_millis(NOW * 1000 + 999);
    elsewhere.authenticate(&text).await.unwrap();
    hands.set_millis(NOW * 1000 + 1000);
    let error = elsewhere.authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
}

#[tokio::test]
async fn a_replaced_key_stops_here_at_once() {
    let (keys, ..) = keys();
    let (id, text) = issue(&keys).await;
    keys.authenticate(&text).await.unwrap();
    keys.rotate("user-1", id, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    let error = keys.authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::WrongSecret));
}

/// Until the task that writes it has run, which takes no time here.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_use_is_written_once_a_minute() {
    let (keys, store, hands) = keys();
    let (_, text) = issue(&keys).await;
    let last_used = async || {
        let key = keys.list("user-1").await.unwrap().remove(0);
        key.last_used_at.map(|at| at.timestamp() - NOW)
    };
    assert_eq!(last_used().await, None);
    for (second, expected, writes) in [
        (0, 0, 1),
        (1, 0, 1),
        (59, 0, 1),
        (60, 60, 2),
        (100, 60, 2),
        (121, 121, 3),
    ] {
        hands.set(NOW + second);
        keys.authenticate(&text).await.unwrap();
        settle().await;
        assert_eq!(
            (last_used().await, store.uses()),
            (Some(expected), writes),
            "at {second}"
        );
    }
}

#[tokio::test]
async fn nobody_waits_for_a_use_to_be_written() {
    let (keys, store, hands) = keys();
    let (_, text) = issue(&keys).await;
    let keys = on(&store.in_trouble(Trouble::HangsOnUses), &hands);
    for second in 0..5 {
        hands.set(NOW + second);
        keys.authenticate(&text).await.unwrap();
        settle().await;
    }
    // One is being written: the others do not queue behind it.
    assert_eq!((store.finds(), store.uses()), (5, 1));
}

#[tokio::test]
async fn a_store_that_fails_says_nothing_of_the_key() {
    let (keys, store, hands) = keys();
    let (_, text) = issue(&keys).await;
    for trouble in [Trouble::Fails, Trouble::Hangs] {
        let keys = on(&store.in_trouble(trouble), &hands);
        let keys = keys.with_store_timeout(Duration::from_millis(5));
        let error = keys.authenticate(&text).await.unwrap_err();
        assert_eq!(error.refusal(), None);
        let ApiKeyError::Failed(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.kind(), ErrorKind::Store);
        // It is not remembered either.
        assert!(keys.authenticate(&text).await.is_err());
        assert!(keys.list("user-1").await.is_err());
    }
}
