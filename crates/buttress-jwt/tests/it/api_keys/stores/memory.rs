use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKey, ApiKeyId, ApiKeyStore, ApiKeys, Clock, Environment, KeptKey, MemoryApiKeyStore,
    NewApiKey, WhichKeys,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};

struct Memory {
    store: MemoryApiKeyStore,
    time: Arc<Mutex<SystemTime>>,
}

impl Memory {
    fn new() -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let time = Arc::new(Mutex::new(start));
        let shown = Arc::clone(&time);
        let clock = Clock::new(move || *shown.lock().expect("a time"));
        Self {
            store: MemoryApiKeyStore::new().with_clock(clock),
            time,
        }
    }
}

#[async_trait]
impl ApiKeyStoreHarness for Memory {
    async fn store(&self) -> Arc<dyn ApiKeyStore> {
        Arc::new(self.store.clone())
    }

    async fn advance(&self, by: Duration) {
        *self.time.lock().expect("a time") += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_api_key_store(Memory::new()).await;
}

#[tokio::test]
async fn a_key_is_forgotten_a_month_after_it_has_expired() {
    let memory = Memory::new();
    let keys = ApiKeys::new("shop", Environment::Live, memory.store.clone()).unwrap();
    let short = NewApiKey::new("user-1").with_lifetime(Duration::from_secs(1));
    let id: ApiKeyId = keys.issue(short).await.unwrap().key.id;
    let day = Duration::from_secs(24 * 60 * 60);
    for (days, kept) in [(30, 1), (1, 0)] {
        memory.advance(days * day).await;
        keys.issue("user-2").await.unwrap();
        let found = memory.store.find(&WhichKeys::One(id)).await.unwrap();
        assert_eq!(found.len(), kept);
    }
}

#[tokio::test]
async fn a_store_of_others_makes_keys_of_its_columns() {
    let memory = Memory::new();
    let keys = ApiKeys::new("shop", Environment::Live, memory.store.clone()).unwrap();
    let new = NewApiKey::new("user-1")
        .with_label("nightly export")
        .with_scopes(["orders:read"])
        .with_roles(["machine"])
        .with_lifetime(Duration::from_secs(3600));
    let id = keys.issue(new).await.unwrap().key.id;
    memory.advance(Duration::from_secs(1)).await;
    let overlap = Duration::from_secs(60);
    keys.rotate("user-1", id, overlap).await.unwrap();
    memory.store.note_use(id, Duration::ZERO).await.unwrap();
    let kept = memory
        .store
        .find(&WhichKeys::One(id))
        .await
        .unwrap()
        .remove(0);

    let mut key = ApiKey::new(
        kept.key.id,
        "user-1",
        kept.key.environment,
        kept.key.created_at,
    );
    key.label.clone_from(&kept.key.label);
    key.scopes.clone_from(&kept.key.scopes);
    key.roles.clone_from(&kept.key.roles);
    key.expires_at = kept.key.expires_at;
    key.last_used_at = kept.key.last_used_at;
    key.rotated_at = kept.key.rotated_at;
    key.overlaps_until = kept.key.overlaps_until;
    let mut read = KeptKey::new(key, kept.current, kept.read_at);
    assert!(read != kept);
    read.previous = kept.previous;
    assert!(read == kept);
}
