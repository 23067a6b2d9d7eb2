//! How keys are kept, found and used.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{
    ApiKeyStoreHarness,
    client::{LIFE, SECOND, all_of, assert_digests, find, issuance, issue, kept, list, subject},
};
use crate::{ApiKeyId, Environment, KeyIssuance, WhichKeys};

pub(super) async fn a_key_is_kept_as_it_was_issued(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("it’s a \"subject\" ☂ with\nlines {and} braces");
    let full = KeyIssuance {
        label: Some("+ nightly export ☂ on 'Linux'".to_owned()),
        scopes: vec!["orders:read".to_owned(), "[a,b]".to_owned()],
        roles: vec!["it’s a \"role\"".to_owned(), " ".to_owned()],
        lifetime: Some(LIFE),
        ..issuance(&subject)
    };
    let key = issue(&*store, &full).await;
    assert_eq!(key.subject, subject);
    assert_eq!(key.environment, Environment::Live);
    assert_eq!(key.label, full.label);
    assert_eq!(key.scopes, full.scopes);
    assert_eq!(key.roles, full.roles);
    let life = key.expires_at.expect("an end") - key.created_at;
    assert_eq!(life, delta(LIFE));
    assert_eq!(
        [key.last_used_at, key.rotated_at, key.overlaps_until],
        [None; 3]
    );

    let bare = issuance(&subject);
    let other = issue(&*store, &bare).await;
    assert_eq!((&other.label, other.expires_at), (&None, None));
    assert!(other.scopes.is_empty() && other.roles.is_empty());

    let store = harness.store().await;
    for (issuance, key) in [(&full, &key), (&bare, &other)] {
        let kept = kept(&*store, issuance.id).await;
        assert_eq!(kept.key, *key);
        assert_digests(&kept, issuance.digest, None);
        let since = kept.read_at - key.created_at;
        assert!(
            since >= TimeDelta::zero() && since < delta(90 * SECOND),
            "{since}"
        );
    }

    // Its time is the store's.
    harness.advance(100 * SECOND).await;
    let kept = kept(&*store, full.id).await;
    let since = kept.read_at - kept.key.created_at;
    assert!(
        since >= delta(100 * SECOND) && since < delta(190 * SECOND),
        "{since}"
    );
    assert_eq!(
        kept.key.expires_at.expect("an end") - kept.key.created_at,
        life
    );

    let unknown = ApiKeyId::new(&subject).expect("random bytes");
    assert_eq!(find(&*store, unknown).await, None);
}

pub(super) async fn an_id_is_given_once(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("twice");
    let first = issuance(&subject);
    let key = issue(&*store, &first).await;
    for other in [
        KeyIssuance {
            id: first.id,
            ..issuance(&subject)
        },
        KeyIssuance {
            id: first.id,
            environment: Environment::Test,
            ..issuance(&subject)
        },
    ] {
        assert!(store.insert(&other).await.is_err());
    }
    let found = kept(&*store, first.id).await;
    assert_digests(&found, first.digest, None);
    assert_eq!(list(&*store, &all_of(&subject)).await, [key]);
}

pub(super) async fn keys_are_listed_newest_first(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("listed");
    assert_eq!(list(&*store, &all_of(&subject)).await, []);
    issue(&*store, &issuance(&format!("{subject}2"))).await;
    let mut expected = Vec::new();
    for number in 0..3 {
        let lifetime = (number % 2 == 0).then_some(LIFE);
        let key = issue(
            &*store,
            &KeyIssuance {
                lifetime,
                ..issuance(&subject)
            },
        )
        .await;
        expected.insert(0, key.id);
        harness.advance(SECOND).await;
    }
    let listed = list(&*harness.store().await, &all_of(&subject)).await;
    let ids: Vec<_> = listed.iter().map(|key| key.id).collect();
    assert_eq!(ids, expected);
}

pub(super) async fn environments_are_apart(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("environments");
    let live = issue(&*store, &issuance(&subject)).await;
    let test = KeyIssuance {
        environment: Environment::Test,
        ..issuance(&subject)
    };
    let test = issue(&*store, &test).await;
    assert_eq!(test.environment, Environment::Test);
    for (environment, key) in [(Environment::Live, live), (Environment::Test, test)] {
        let all = WhichKeys::AllOf {
            subject: subject.clone(),
            environment,
        };
        assert_eq!(list(&*store, &all).await, std::slice::from_ref(&key));
        for asked in [Environment::Live, Environment::Test] {
            let one = WhichKeys::OneOf {
                subject: subject.clone(),
                environment: asked,
                id: key.id,
            };
            let expected = usize::from(asked == environment);
            assert_eq!(list(&*store, &one).await.len(), expected);
        }
    }
}

pub(super) async fn an_expired_key_is_still_there(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("expired");
    let expiring = KeyIssuance {
        lifetime: Some(LIFE),
        ..issuance(&subject)
    };
    issue(&*store, &expiring).await;
    harness.advance(LIFE + SECOND).await;
    issue(&*store, &issuance(&subject)).await;
    let expired = kept(&*store, expiring.id).await;
    assert!(!expired.key.is_live(expired.read_at), "{expired:?}");
    assert_eq!(list(&*store, &all_of(&subject)).await.len(), 2);
}

pub(super) async fn a_use_is_noted_once_in_a_while(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let key = issue(&*store, &issuance(&subject("used"))).await;
    let apart = 1000 * SECOND;
    let note = async |store: &dyn crate::ApiKeyStore| {
        store.note_use(key.id, apart).await.expect("it is noted");
        let kept = kept(store, key.id).await;
        let last = kept.key.last_used_at.expect("it was used");
        // For how long it had been there.
        last - kept.key.created_at
    };
    let first = note(&*store).await;
    assert!(
        first >= TimeDelta::zero() && first < delta(90 * SECOND),
        "{first}"
    );
    harness.advance(800 * SECOND).await;
    assert_eq!(note(&*harness.store().await).await, first);
    harness.advance(300 * SECOND).await;
    let second = note(&*store).await;
    assert!(second >= delta(1100 * SECOND), "{second}");

    // What is not there is not made by its use.
    let unknown = ApiKeyId::new(&key.subject).expect("random bytes");
    store
        .note_use(unknown, Duration::ZERO)
        .await
        .expect("nothing");
    assert_eq!(find(&*store, unknown).await, None);
    let listed = list(&*store, &all_of(&key.subject)).await;
    assert_eq!(listed.len(), 1);
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).expect("a short time")
}
