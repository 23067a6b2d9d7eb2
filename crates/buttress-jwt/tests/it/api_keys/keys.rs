//! `ApiKeys`, without a layer.

use std::{collections::HashSet, time::Duration};

use buttress_jwt::{
    ApiKeyError, ApiKeyId, ApiKeyRefusal, ApiKeys, Environment, ErrorKind, MemoryApiKeyStore,
    NewApiKey,
};

use super::{Counting, guess, issue, keys, on, sealed};
use crate::support::{Hands, NOW};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn refusal(keys: &ApiKeys, text: &str) -> ApiKeyRefusal {
    keys.authenticate(text)
        .await
        .unwrap_err()
        .refusal()
        .unwrap()
}

#[test]
fn no_time_at_all_is_no_timeout() {
    let (keys, ..) = keys();
    let error = keys.with_store_timeout(Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
}

#[tokio::test]
async fn a_key_speaks_for_its_subject() {
    let (keys, ..) = keys();
    let new = NewApiKey::new("user-1")
        .with_label("nightly export")
        .with_scopes(["orders:read", "orders:write"])
        .with_roles(["machine"])
        .with_lifetime(HOUR);
    let issued = keys.issue(new).await.unwrap();
    let text = issued.secret.reveal();
    assert_eq!(sealed(text.rsplit_once('_').unwrap().0), text);
    assert!(
        text.starts_with(&format!("shop_live_{}_", issued.key.id)),
        "{text}"
    );

    let key = keys.authenticate(&text).await.unwrap();
    assert_eq!(*key, issued.key);
    assert_eq!(
        (&*key.subject, key.label.as_deref()),
        ("user-1", Some("nightly export"))
    );
    assert_eq!(key.scopes, ["orders:read", "orders:write"]);
    assert_eq!(key.roles, ["machine"]);
    assert_eq!(key.environment, Environment::Live);
    assert_eq!(key.created_at.timestamp(), NOW);
    assert_eq!(key.expires_at.unwrap().timestamp(), NOW + 3600);
    assert_eq!(keys.list("user-1").await.unwrap()[0].id, key.id);
    assert_eq!(keys.list("user-2").await.unwrap(), []);
}

#[tokio::test]
async fn the_key_is_not_shown() {
    let (keys, ..) = keys();
    let issued = keys.issue("user-1").await.unwrap();
    let shown = format!("{issued:?} {keys:?} {:?}", issued.secret);
    let text = issued.secret.reveal();
    let secret = text.split('_').nth(3).unwrap();
    assert_eq!(secret.len(), 43);
    assert!(!shown.contains(secret), "{shown}");
    let json = serde_json::to_string(&keys.list("user-1").await.unwrap()).unwrap();
    assert!(!json.contains(secret), "{json}");
}

/// Some have cloned the generator of random numbers, and issued the same key again and again.
#[tokio::test]
async fn every_key_is_another_one() {
    let (keys, ..) = keys();
    let (mut texts, mut secrets, mut ids) = (HashSet::new(), HashSet::new(), HashSet::new());
    for _ in 0..200 {
        let issued = keys.clone().issue("user-1").await.unwrap();
        let text = issued.secret.reveal();
        let parts: Vec<_> = text.split('_').collect();
        // The id is shown, and tells nothing of the secret.
        assert!(!parts[3].contains(&parts[2][..8]) && !parts[2].contains(&parts[3][..8]));
        secrets.insert(parts[3].to_owned());
        ids.insert(issued.key.id);
        texts.insert(text);
        let rotated = keys
            .clone()
            .rotate("user-1", issued.key.id, Duration::ZERO)
            .await;
        let text = rotated.unwrap().unwrap().secret.reveal();
        secrets.insert(text.split('_').nth(3).unwrap().to_owned());
        texts.insert(text);
    }
    assert_eq!((texts.len(), secrets.len(), ids.len()), (400, 400, 200));
}

#[tokio::test]
async fn junk_never_reaches_the_store() {
    let (keys, store, _) = keys();
    let (_, text) = issue(&keys).await;
    let mut junk: Vec<String> = (0..text.len())
        .map(|at| {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    junk.extend((0..text.len()).map(|end| text[..end].to_owned()));
    junk.extend([
        format!("{text} "),
        format!("{text}_"),
        format!("{text}a"),
        text.to_uppercase(),
        text.replace("shop", "shop2"),
        sealed("shop_live"),
        sealed("shop_live__"),
        sealed(&format!("shop_live_{}_{}", "a".repeat(21), "a".repeat(43))),
        sealed(&format!("shop_live_{}_{}", "a".repeat(22), "a".repeat(42))),
        sealed(&format!("shop_live_{}_{}", "a".repeat(22), "-".repeat(43))),
        sealed(&format!("shop_prod_{}_{}", "a".repeat(22), "a".repeat(43))),
        sealed(&format!(
            "shop_live_{}_{}_x",
            "a".repeat(22),
            "a".repeat(43)
        )),
        sealed(&format!("other_live_{}_{}", "a".repeat(22), "a".repeat(43))),
        "ü".repeat(83),
        "shop_live_".repeat(10_000),
    ]);
    for text in &junk {
        assert_eq!(
            refusal(&keys, text).await,
            ApiKeyRefusal::Malformed,
            "{text:.90}"
        );
    }
    assert_eq!(store.finds(), 0);
    keys.authenticate(&text).await.unwrap();
    assert_eq!(store.finds(), 1);
}

#[tokio::test]
async fn an_unknown_id_and_a_wrong_secret_take_the_same_path() {
    let (keys, store, _) = keys();
    let (_, text) = issue(&keys).await;
    assert_eq!(
        refusal(&keys, &guess(&text)).await,
        ApiKeyRefusal::WrongSecret
    );
    assert_eq!(store.finds(), 1);
    let unknown = sealed(&format!("shop_live_{}_{}", "a".repeat(22), "a".repeat(43)));
    assert_eq!(refusal(&keys, &unknown).await, ApiKeyRefusal::Unknown);
    assert_eq!(store.finds(), 2);
    let [wrong, unknown] = [guess(&text), unknown].map(|text| {
        let keys = keys.clone();
        async move { keys.authenticate(&text).await.unwrap_err().to_string() }
    });
    assert_eq!(wrong.await, unknown.await);
    // What is refused is not remembered.
    assert_eq!(store.finds(), 4);
    assert_eq!(store.uses(), 0);
}

#[tokio::test]
async fn a_key_of_another_environment_is_refused_on_the_same_store() {
    let hands = Hands::at(NOW);
    let store = Counting::new(&hands);
    let live = on(&store, &hands);
    let test = ApiKeys::new("shop", Environment::Test, store.clone()).unwrap();
    let (id, text) = issue(&test).await;
    assert!(text.starts_with("shop_test_"), "{text}");
    assert_eq!(refusal(&live, &text).await, ApiKeyRefusal::WrongEnvironment);
    assert_eq!(store.finds(), 0);

    // Nor if it says otherwise, with a checksum that is right.
    let (beginning, _) = text.rsplit_once('_').unwrap();
    let disguised = sealed(&beginning.replace("_test_", "_live_"));
    assert_eq!(refusal(&live, &disguised).await, ApiKeyRefusal::WrongSecret);

    // And nobody there can do anything to it.
    assert_eq!(live.list("user-1").await.unwrap(), []);
    assert!(
        live.rotate("user-1", id, Duration::ZERO)
            .await
            .unwrap()
            .is_none()
    );
    assert!(!live.revoke("user-1", id).await.unwrap());
    assert_eq!(live.revoke_all("user-1").await.unwrap(), []);
    test.authenticate(&text).await.unwrap();
}

#[tokio::test]
async fn a_key_expires() {
    let (keys, store, hands) = keys();
    let issued = keys
        .issue(NewApiKey::new("user-1").with_lifetime(HOUR))
        .await
        .unwrap();
    let text = issued.secret.reveal();
    hands.set(NOW + 3599);
    keys.authenticate(&text).await.unwrap();
    // It is remembered, and not beyond its end.
    hands.set_millis((NOW + 3600) * 1000);
    assert_eq!(refusal(&keys, &text).await, ApiKeyRefusal::Expired);
    assert_eq!(store.finds(), 2);
    assert!(
        keys.rotate("user-1", issued.key.id, Duration::ZERO)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(keys.list("user-1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn both_keys_work_during_the_overlap() {
    let (keys, _, hands) = keys();
    let (id, old) = issue(&keys).await;
    let rotated = keys.rotate("user-1", id, HOUR).await.unwrap().unwrap();
    assert_eq!(rotated.key.id, id);
    let new = rotated.secret.reveal();
    assert_ne!(old, new);
    hands.set(NOW + 3599);
    assert_eq!(keys.authenticate(&old).await.unwrap().id, id);
    assert_eq!(keys.authenticate(&new).await.unwrap().id, id);

    let error = keys.rotate("user-1", id, HOUR).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnfinishedRotation);

    hands.set(NOW + 3600);
    assert_eq!(refusal(&keys, &old).await, ApiKeyRefusal::WrongSecret);
    keys.authenticate(&new).await.unwrap();
}

#[tokio::test]
async fn an_overlap_is_whole_milliseconds_and_at_least_one() {
    let (keys, ..) = keys();
    for (nanos, millis) in [(1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2)] {
        let (id, _) = issue(&keys).await;
        let overlap = Duration::from_nanos(nanos);
        let rotated = keys.rotate("user-1", id, overlap).await.unwrap().unwrap();
        let until = rotated.key.overlaps_until.unwrap();
        assert_eq!(
            until.timestamp_nanos_opt().unwrap(),
            NOW * 1_000_000_000 + millis * 1_000_000,
            "{nanos}"
        );
    }
}

#[tokio::test]
async fn without_overlap_everything_from_before_is_dead() {
    let (keys, ..) = keys();
    let (id, first) = issue(&keys).await;
    let rotated = keys.rotate("user-1", id, HOUR).await.unwrap().unwrap();
    let second = rotated.secret.reveal();
    for text in [&first, &second] {
        keys.authenticate(text).await.unwrap();
    }
    let rotated = keys
        .rotate("user-1", id, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    for text in [&first, &second] {
        assert_eq!(refusal(&keys, text).await, ApiKeyRefusal::WrongSecret);
    }
    keys.authenticate(&rotated.secret.reveal()).await.unwrap();
}

#[tokio::test]
async fn only_the_owner_rotates_and_revokes() {
    let (keys, ..) = keys();
    let (id, text) = issue(&keys).await;
    assert!(keys.rotate("user-2", id, HOUR).await.unwrap().is_none());
    assert!(!keys.revoke("user-2", id).await.unwrap());
    assert_eq!(keys.revoke_all("user-2").await.unwrap(), []);
    let unknown = ApiKeyId::new("user-1").unwrap();
    assert!(
        keys.rotate("user-1", unknown, HOUR)
            .await
            .unwrap()
            .is_none()
    );
    keys.authenticate(&text).await.unwrap();
    assert!(keys.revoke("user-1", id).await.unwrap());
    assert!(!keys.revoke("user-1", id).await.unwrap());
    assert_eq!(refusal(&keys, &text).await, ApiKeyRefusal::Unknown);
}

#[tokio::test]
async fn a_key_that_was_found_is_revoked_by_itself() {
    let (keys, ..) = keys();
    let (id, text) = issue(&keys).await;
    let (_, other) = issue(&keys).await;
    let error = keys.revoke_leaked(&guess(&text)).await.unwrap_err();
    assert!(matches!(error, ApiKeyError::Refused(_)), "{error:?}");
    keys.authenticate(&text).await.unwrap();
    assert_eq!(keys.revoke_leaked(&text).await.unwrap().unwrap().id, id);
    assert_eq!(refusal(&keys, &text).await, ApiKeyRefusal::Unknown);
    keys.authenticate(&other).await.unwrap();
}

#[tokio::test]
async fn all_of_a_subject_are_revoked() {
    let (keys, ..) = keys();
    let texts = [issue(&keys).await.1, issue(&keys).await.1];
    let other = keys.issue("user-2").await.unwrap().secret.reveal();
    assert_eq!(keys.revoke_all("user-1").await.unwrap().len(), 2);
    for text in texts {
        assert_eq!(refusal(&keys, &text).await, ApiKeyRefusal::Unknown);
    }
    keys.authenticate(&other).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_kept_is_an_error() {
    let (keys, ..) = keys();
    let new = || NewApiKey::new("user-1");
    for new in [
        NewApiKey::new(""),
        NewApiKey::new("x".repeat(256)),
        NewApiKey::new("a\0b"),
        new().with_label("x".repeat(257)),
        new().with_label("\0"),
        new().with_scopes([""]),
        new().with_scopes(["a b"]),
        new().with_scopes(["ü"]),
        new().with_roles([""]),
        new().with_roles(["a\0"]),
        new().with_roles(["x".repeat(8193)]),
        new().with_lifetime(Duration::ZERO),
    ] {
        let error = keys.issue(new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidApiKey);
    }
    let (id, _) = issue(&keys).await;
    let error = keys.rotate("user-1", id, 91 * 24 * HOUR).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidApiKey);
    for prefix in ["", "my_shop", "Shop", "eyshop"] {
        let error = ApiKeys::new(prefix, Environment::Live, MemoryApiKeyStore::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{prefix}");
    }
    let error = keys.with_memory(10, Duration::from_secs(61)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
}
