//! New secrets, and how long the old ones last.

use std::{sync::Arc, time::Duration};

use super::{
    ApiKeyStoreHarness,
    client::{
        LIFE, OVERLAP, SECOND, assert_digests, issuance, issue, kept, rotate, rotation, subject,
    },
};
use crate::{ApiKeyId, Environment, KeyIssuance, KeyRotated, KeyRotation};

pub(super) async fn both_keys_are_there_during_the_overlap(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let issuance = issuance(&subject("rotated"));
    let key = issue(&*store, &issuance).await;
    harness.advance(SECOND).await;
    let rotation = rotation(&key, OVERLAP);
    let rotated = rotate(&*store, &rotation).await;
    let at = rotated.rotated_at.expect("it was rotated");
    assert_eq!(rotated.id, key.id);
    assert!(at - rotated.created_at >= chrono::TimeDelta::seconds(1));
    let until = rotated.overlaps_until.expect("an overlap");
    assert_eq!((until - at).to_std(), Ok(OVERLAP));

    let kept = kept(&*harness.store().await, key.id).await;
    assert_eq!(kept.key, rotated);
    assert_digests(&kept, rotation.digest, Some(issuance.digest));
}

pub(super) async fn an_overlap_is_not_cut_short_but_by_none(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let first = issuance(&subject("overlap"));
    let key = issue(&*store, &first).await;
    let second = rotation(&key, OVERLAP);
    rotate(&*store, &second).await;
    harness.advance(OVERLAP / 2).await;
    let before = kept(&*store, key.id).await;
    let third = rotation(&key, OVERLAP);
    let verdict = store.rotate(&third).await.expect("a verdict");
    assert_eq!(verdict, KeyRotated::Overlapping(before.key.clone()));
    let after = kept(&*store, key.id).await;
    assert_eq!(after.key, before.key);
    assert_digests(&after, second.digest, Some(first.digest));

    // Once it is over, there is another.
    harness.advance(OVERLAP / 2 + SECOND).await;
    rotate(&*store, &third).await;
    let after = kept(&*store, key.id).await;
    assert_digests(&after, third.digest, Some(second.digest));

    let at_once = rotation(&key, Duration::ZERO);
    let rotated = rotate(&*store, &at_once).await;
    assert_eq!(rotated.overlaps_until, None);
    let after = kept(&*store, key.id).await;
    assert_eq!(after.key, rotated);
    assert_digests(&after, at_once.digest, None);
}

pub(super) async fn an_overlap_ends_with_the_key(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let issuance = KeyIssuance {
        lifetime: Some(LIFE),
        ..issuance(&subject("short"))
    };
    let key = issue(&*store, &issuance).await;
    let rotated = rotate(&*store, &rotation(&key, 2 * LIFE)).await;
    assert!(rotated.overlaps_until.is_some());
    assert_eq!(rotated.overlaps_until, rotated.expires_at);
    harness.advance(LIFE).await;
    for overlap in [Duration::ZERO, OVERLAP] {
        let verdict = store.rotate(&rotation(&key, overlap)).await;
        assert_eq!(verdict.expect("a verdict"), KeyRotated::Unknown);
    }
}

pub(super) async fn only_the_owner_rotates(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let issuance = issuance(&subject("owner"));
    let key = issue(&*store, &issuance).await;
    let unknown = ApiKeyId::new(&key.subject).expect("random bytes");
    let rotation = rotation(&key, Duration::ZERO);
    for other in [
        KeyRotation {
            subject: subject("stranger"),
            ..rotation.clone()
        },
        KeyRotation {
            subject: String::new(),
            ..rotation.clone()
        },
        KeyRotation {
            environment: Environment::Test,
            ..rotation.clone()
        },
        KeyRotation {
            id: unknown,
            ..rotation.clone()
        },
    ] {
        let verdict = store.rotate(&other).await.expect("a verdict");
        assert_eq!(verdict, KeyRotated::Unknown);
    }
    let found = kept(&*store, key.id).await;
    assert_digests(&found, issuance.digest, None);
}

/// Whatever comes before, a rotation does what [`KeptKey::rotate`](crate::KeptKey::rotate) says.
pub(super) async fn verdicts_are_those_of_the_rules(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let issuance = KeyIssuance {
        lifetime: Some(LIFE),
        ..issuance(&subject("rules"))
    };
    let key = issue(&*store, &issuance).await;
    for step in 0..48_usize {
        let overlap = [OVERLAP, Duration::ZERO, OVERLAP / 4, LIFE][step * 7 % 4];
        let rotation = rotation(&key, overlap);
        let before = kept(&*store, key.id).await;
        let mut expected = before.clone();
        let verdict = expected.rotate(&rotation, before.read_at);
        let actual = store.rotate(&rotation).await.expect("a verdict");
        let names = [&verdict, &actual].map(std::mem::discriminant);
        assert_eq!(names[0], names[1], "{before:?} {rotation:?}");
        let after = kept(&*store, key.id).await;
        assert_digests(&after, expected.current, expected.previous);
        let [left, right] = [&expected.key, &after.key].map(|key| {
            key.overlaps_until
                .map(|until| (until - key.created_at).num_seconds() / 60)
        });
        // A minute more or less, for the time that this takes.
        let apart = left
            .zip(right)
            .map_or(0, |(left, right)| left.abs_diff(right));
        assert!(
            left.is_some() == right.is_some() && apart <= 1,
            "{expected:?} {after:?}"
        );
        // Never closer before an end than a minute, however long all of this takes.
        harness.advance(130 * SECOND).await;
    }
    let last = kept(&*store, key.id).await;
    assert!(!last.key.is_live(last.read_at), "it came to its end");
}
