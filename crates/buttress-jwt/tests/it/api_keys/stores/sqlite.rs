use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKeyStore, ApiKeys, Clock, Environment, NewApiKey, SqliteApiKeyStore, WhichKeys,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};
use buttress_testkit::SqliteFile;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

struct Sqlite {
    file: SqliteFile,
    clock: Clock,
    time: Arc<Mutex<Duration>>,
}

impl Sqlite {
    fn new() -> Self {
        let time = Arc::new(Mutex::new(Duration::from_secs(1_700_000_000)));
        let shown = Arc::clone(&time);
        let clock = Clock::new(move || SystemTime::UNIX_EPOCH + *shown.lock().expect("a time"));
        let file = SqliteFile::new();
        Self { file, clock, time }
    }

    async fn pool(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(self.file.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // No test outlives the machine.
            .synchronous(SqliteSynchronous::Off);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options);
        pool.await.expect("a database")
    }

    async fn open(&self) -> SqliteApiKeyStore {
        let store = SqliteApiKeyStore::new(self.pool().await).with_clock(self.clock.clone());
        store.migrate().await.expect("tables");
        store
    }
}

#[async_trait]
impl ApiKeyStoreHarness for Sqlite {
    async fn store(&self) -> Arc<dyn ApiKeyStore> {
        Arc::new(self.open().await)
    }

    async fn advance(&self, by: Duration) {
        *self.time.lock().expect("a time") += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_api_key_store(Sqlite::new()).await;
}

#[tokio::test]
async fn a_key_is_forgotten_a_month_after_it_has_expired() {
    let sqlite = Sqlite::new();
    let store = sqlite.open().await;
    let keys = ApiKeys::new("shop", Environment::Live, store.clone()).unwrap();
    let short = NewApiKey::new("user-1").with_lifetime(Duration::from_secs(1));
    let id = keys.issue(short).await.unwrap().key.id;
    let day = Duration::from_secs(24 * 60 * 60);
    for (days, kept) in [(30, 1), (1, 0)] {
        sqlite.advance(days * day).await;
        keys.issue("user-2").await.unwrap();
        let found = store.find(&WhichKeys::One(id)).await.unwrap();
        assert_eq!(found.len(), kept);
    }
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let sqlite = Sqlite::new();
    let store = sqlite.open().await;
    sqlx::query("INSERT INTO buttress_api_keys_version VALUES (99)")
        .execute(&sqlite.pool().await)
        .await
        .expect("a version");
    let error = store.migrate().await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}
