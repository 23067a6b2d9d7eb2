use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    Clock, RefreshStore, SqliteRefreshStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::SqliteFile;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::start;

struct Sqlite {
    file: SqliteFile,
    clock: Clock,
    time: Arc<Mutex<Duration>>,
}

#[async_trait]
impl StoreHarness for Sqlite {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        let options = SqliteConnectOptions::new()
            .filename(self.file.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // No test outlives the machine.
            .synchronous(SqliteSynchronous::Off);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .expect("a database");
        let store = SqliteRefreshStore::new(pool).with_clock(self.clock.clone());
        store.migrate().await.expect("tables");
        Arc::new(store)
    }

    async fn advance(&self, by: Duration) {
        *self.time.lock().expect("a time") += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let time = Arc::new(Mutex::new(Duration::ZERO));
    let shown = Arc::clone(&time);
    let clock = Clock::new(move || start() + *shown.lock().expect("a time"));
    let file = SqliteFile::new();
    check_store(Sqlite { file, clock, time }).await;
}

/// As a program of the first version left them.
#[tokio::test]
async fn tables_of_the_first_version_are_brought_up_to_date() {
    let file = SqliteFile::new();
    let pool = SqlitePool::connect(&file.url()).await.expect("a database");
    sqlx::raw_sql(include_str!("../../../src/store/sqlite/schema.sql"))
        .execute(&pool)
        .await
        .expect("tables");
    let version = "CREATE TABLE buttress_refresh_version (version INTEGER NOT NULL) STRICT; \
                   INSERT INTO buttress_refresh_version (version) VALUES (1)";
    sqlx::raw_sql(version)
        .execute(&pool)
        .await
        .expect("a version");
    let store = SqliteRefreshStore::new(pool.clone());
    store.migrate().await.expect("new tables");
    store.migrate().await.expect("nothing to do");

    let plan = "EXPLAIN QUERY PLAN SELECT * FROM buttress_refresh_families \
                WHERE subject = 'user-1' AND ended_at IS NULL";
    let plan = sqlx::query(plan).fetch_one(&pool).await.expect("a plan");
    let detail: String = plan.get("detail");
    assert!(
        detail.contains("buttress_refresh_families_live"),
        "{detail}"
    );
}
