//! How keys go.

use std::{sync::Arc, time::Duration};

use super::{
    ApiKeyStoreHarness,
    client::{OVERLAP, all_of, find, issuance, issue, list, rotate, rotation, subject},
};
use crate::{ApiKeyId, Environment, KeyIssuance, KeyRotated, WhichKeys};

pub(super) async fn what_is_revoked_is_gone(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let subject = subject("revoked");
    let key = issue(&*store, &issuance(&subject)).await;
    let other = issue(&*store, &issuance(&subject)).await;
    let key = rotate(&*store, &rotation(&key, OVERLAP)).await;
    let revoked = store.revoke(&WhichKeys::One(key.id)).await;
    assert_eq!(revoked.expect("a revocation"), std::slice::from_ref(&key));

    let store = harness.store().await;
    for overlap in [Duration::ZERO, OVERLAP] {
        let verdict = store.rotate(&rotation(&key, overlap)).await;
        assert_eq!(verdict.expect("a verdict"), KeyRotated::Unknown);
    }
    store
        .note_use(key.id, Duration::ZERO)
        .await
        .expect("nothing");
    assert_eq!(find(&*store, key.id).await, None);
    assert_eq!(list(&*store, &all_of(&subject)).await, [other]);
    let again = store.revoke(&WhichKeys::One(key.id)).await;
    assert_eq!(again.expect("an answer"), []);
}

pub(super) async fn only_the_owner_revokes(harness: Arc<dyn ApiKeyStoreHarness>) {
    let store = harness.store().await;
    let owner = subject("owner");
    let key = issue(&*store, &issuance(&owner)).await;
    let by = |subject: &str, environment, id| WhichKeys::OneOf {
        subject: subject.to_owned(),
        environment,
        id,
    };
    for stranger in [&*subject("stranger"), "", "%", "+"] {
        let revoked = store.revoke(&by(stranger, Environment::Live, key.id)).await;
        assert_eq!(revoked.expect("an answer"), []);
    }
    let unknown = ApiKeyId::new(&owner).expect("random bytes");
    for which in [
        by(&owner, Environment::Test, key.id),
        by(&owner, Environment::Live, unknown),
    ] {
        assert_eq!(store.revoke(&which).await.expect("an answer"), []);
    }
    let revoked = store.revoke(&by(&owner, Environment::Live, key.id)).await;
    assert_eq!(revoked.expect("a revocation"), [key]);
    assert_eq!(list(&*store, &all_of(&owner)).await, []);
}

pub(super) async fn all_of_the_subject_are_revoked_there_alone(
    harness: Arc<dyn ApiKeyStoreHarness>,
) {
    let store = harness.store().await;
    let subject = subject("all");
    let test = KeyIssuance {
        environment: Environment::Test,
        ..issuance(&subject)
    };
    let test = issue(&*store, &test).await;
    let other = issue(&*store, &issuance(&format!("{subject}2"))).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(issue(&*store, &issuance(&subject)).await.id);
    }
    let revoked = store.revoke(&all_of(&subject)).await.expect("a revocation");
    let mut ids: Vec<_> = revoked.iter().map(|key| key.id).collect();
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(list(&*store, &all_of(&subject)).await, []);
    assert_eq!(
        store.revoke(&all_of(&subject)).await.expect("an answer"),
        []
    );
    for key in [test, other] {
        assert!(find(&*store, key.id).await.is_some(), "{key:?}");
    }
    // There may be others again.
    let key = issue(&*store, &issuance(&subject)).await;
    assert_eq!(list(&*store, &all_of(&subject)).await, [key]);
}
