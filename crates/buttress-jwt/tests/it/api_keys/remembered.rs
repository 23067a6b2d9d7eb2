//! What is remembered, what is written beside, and what happens when the store does not answer.

use std::time::Duration;

use buttress_jwt::{ApiKeyError, ApiKeyId, ApiKeyRefusal, ErrorKind};
use tokio::time::timeout;

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

#[tokio::test]
async fn a_revoked_key_stops_here_at_once_whichever_clone_has_the_memory() {
    let (keys, ..) = keys();
    let minute = Duration::from_secs(60);
    let long = keys.clone().with_memory(10_000, minute).unwrap();
    let none = keys.clone().with_memory(0, minute).unwrap();
    for revoking in [&keys, &long, &none] {
        let (id, text) = issue(&keys).await;
        for keys in [&keys, &long] {
            keys.authenticate(&text).await.unwrap();
        }
        assert!(revoking.revoke("user-1", id).await.unwrap());
        for keys in [&keys, &long] {
            let error = keys.authenticate(&text).await.unwrap_err();
            assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
        }
    }
    let (id, text) = issue(&keys).await;
    long.authenticate(&text).await.unwrap();
    let rotated = keys.rotate("user-1", id, Duration::ZERO).await.unwrap();
    assert!(rotated.is_some());
    let error = long.authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::WrongSecret));
}

#[tokio::test]
async fn an_answer_from_before_the_revocation_is_not_remembered() {
    for revokes_elsewhere in [false, true] {
        let (keys, store, hands) = keys();
        let (id, text) = issue(&keys).await;
        let store = store.in_trouble(Trouble::AnswersLate);
        let keys = on(&store, &hands);
        let asking = tokio::spawn({
            let (keys, text) = (keys.clone(), text.clone());
            async move { keys.authenticate(&text).await }
        });
        settle().await;
        assert_eq!(store.finds(), 1);
        let revoking = if revokes_elsewhere {
            keys.clone().with_memory(0, Duration::ZERO).unwrap()
        } else {
            keys.clone()
        };
        assert!(revoking.revoke("user-1", id).await.unwrap());
        store.go_on();
        // It was accepted when the store looked, and is not any more.
        asking.await.unwrap().unwrap();
        let error = keys.authenticate(&text).await.unwrap_err();
        assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
    }
}

#[tokio::test]
async fn other_keys_stay_remembered() {
    let (keys, store, _) = keys();
    let (_, other) = issue(&keys).await;
    let (id, text) = issue(&keys).await;
    for text in [&other, &text] {
        keys.authenticate(text).await.unwrap();
    }
    let unknown = ApiKeyId::new("user-1").unwrap();
    assert!(!keys.revoke("user-1", unknown).await.unwrap());
    assert!(!keys.revoke("user-2", id).await.unwrap());
    let rotated = keys.rotate("user-2", id, Duration::ZERO).await.unwrap();
    assert!(rotated.is_none());
    for text in [&other, &text] {
        keys.authenticate(text).await.unwrap();
    }
    let rotated = keys.rotate("user-1", id, Duration::ZERO).await.unwrap();
    assert!(rotated.is_some());
    assert!(keys.revoke("user-1", id).await.unwrap());
    assert_eq!(keys.revoke_all("user-2").await.unwrap(), []);
    keys.authenticate(&other).await.unwrap();
    assert_eq!(store.finds(), 2);
}

#[tokio::test]
async fn a_key_that_was_gone_already_stops_here_too() {
    let (here, store, hands) = keys();
    let elsewhere = on(&store, &hands);
    let (id, text) = issue(&here).await;
    here.authenticate(&text).await.unwrap();
    assert!(elsewhere.revoke("user-1", id).await.unwrap());
    here.authenticate(&text).await.unwrap();
    assert!(!here.revoke("user-1", id).await.unwrap());
    let error = here.authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
}

/// Until the tasks beside have run, which takes no time here.
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
        let keys = keys.with_store_timeout(Duration::from_millis(5)).unwrap();
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

#[tokio::test]
async fn what_was_begun_is_done_when_the_caller_is_gone() {
    let (keys, store, hands) = keys();
    let (id, text) = issue(&keys).await;
    let (rotated_id, rotated) = issue(&keys).await;
    let store = store.in_trouble(Trouble::ChangesLate);
    let keys = on(&store, &hands);
    let begun = [
        tokio::spawn({
            let keys = keys.clone();
            async move { keys.revoke("user-1", id).await.is_ok() }
        }),
        tokio::spawn({
            let keys = keys.clone();
            async move {
                let rotated = keys.rotate("user-1", rotated_id, Duration::ZERO).await;
                rotated.is_ok()
            }
        }),
    ];
    settle().await;
    for begun in begun {
        begun.abort();
        assert!(begun.await.unwrap_err().is_cancelled());
    }
    for text in [&text, &rotated] {
        keys.authenticate(text).await.unwrap();
    }
    settle().await;
    assert!(timeout(Duration::ZERO, keys.idle()).await.is_err());
    store.go_on();
    keys.idle().await;
    for (text, refusal) in [
        (&text, ApiKeyRefusal::Unknown),
        (&rotated, ApiKeyRefusal::WrongSecret),
    ] {
        let error = keys.authenticate(text).await.unwrap_err();
        assert_eq!(error.refusal(), Some(refusal));
    }
}

#[tokio::test]
async fn a_key_stops_when_it_is_revoked_too_late_for_the_caller() {
    let (keys, store, hands) = keys();
    let (id, text) = issue(&keys).await;
    let store = store.in_trouble(Trouble::ChangesLate);
    let keys = on(&store, &hands)
        .with_store_timeout(Duration::from_millis(5))
        .unwrap();
    let error = keys.revoke("user-1", id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    keys.authenticate(&text).await.unwrap();
    store.go_on();
    settle().await;
    let error = keys.authenticate(&text).await.unwrap_err();
    assert_eq!(error.refusal(), Some(ApiKeyRefusal::Unknown));
}
