//! Keys to try a store with.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    ApiKey, ApiKeyId, ApiKeyStore, Digest, Environment, KeptKey, KeyIssuance, KeyRotated,
    KeyRotation, WhichKeys, secret::random,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const OVERLAP: Duration = Duration::from_secs(1000);
pub(super) const LIFE: Duration = Duration::from_secs(5000);

/// A key of this subject that does not expire.
pub(super) fn issuance(subject: &str) -> KeyIssuance {
    KeyIssuance {
        id: ApiKeyId::new(subject).expect("random bytes"),
        subject: subject.to_owned(),
        environment: Environment::Live,
        label: None,
        scopes: Vec::new(),
        roles: Vec::new(),
        lifetime: None,
        digest: new_digest(),
    }
}

fn new_digest() -> Digest {
    let bytes: [u8; 32] = random().expect("random bytes");
    bytes.into()
}

pub(super) async fn issue(store: &dyn ApiKeyStore, issuance: &KeyIssuance) -> ApiKey {
    let key = store.insert(issuance).await.expect("a key");
    assert_eq!(key.id, issuance.id);
    key
}

/// A rotation of the key to a new secret.
pub(super) fn rotation(key: &ApiKey, overlap: Duration) -> KeyRotation {
    KeyRotation {
        id: key.id,
        subject: key.subject.clone(),
        environment: key.environment,
        digest: new_digest(),
        overlap,
    }
}

/// Rotates, which has to work.
pub(super) async fn rotate(store: &dyn ApiKeyStore, rotation: &KeyRotation) -> ApiKey {
    match store.rotate(rotation).await.expect("a verdict") {
        KeyRotated::Done(key) => key,
        other => panic!("it should have been done: {other:?}"),
    }
}

pub(super) async fn find(store: &dyn ApiKeyStore, id: ApiKeyId) -> Option<KeptKey> {
    let mut found = store.find(&WhichKeys::One(id)).await.expect("an answer");
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

/// That the store has these digests of a key: the newest, and that from before the rotation.
#[track_caller]
pub(super) fn assert_digests(kept: &KeptKey, current: Digest, previous: Option<Digest>) {
    assert!(kept.current.matches(&current), "another key is the newest");
    let is_previous = Digest::both_match(kept.previous.as_ref(), previous.as_ref());
    assert!(is_previous, "another key was before it");
}

/// The key, which has to be there.
pub(super) async fn kept(store: &dyn ApiKeyStore, id: ApiKeyId) -> KeptKey {
    find(store, id).await.expect("the key is there")
}

pub(super) fn all_of(subject: &str) -> WhichKeys {
    WhichKeys::AllOf {
        subject: subject.to_owned(),
        environment: Environment::Live,
    }
}

pub(super) async fn list(store: &dyn ApiKeyStore, which: &WhichKeys) -> Vec<ApiKey> {
    let found = store.find(which).await.expect("an answer");
    found.into_iter().map(|kept| kept.key).collect()
}

/// A subject that no other case has, in whatever process.
pub(super) fn subject(case: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{case} – {process}.{count}")
}
