use std::{sync::Arc, time::Duration};

use super::sessions;
use async_trait::async_trait;
use buttress_jwt::{
    ErrorKind, PostgresRefreshStore, RefreshStore,
    testing::{StoreHarness, check_store},
};
use buttress_testkit::{PostgresServer, TestDatabase};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, postgres::PgPoolOptions};

pub(super) struct Postgres {
    pub(super) database: TestDatabase,
    isolation: &'static str,
}

impl Postgres {
    pub(super) async fn new(isolation: &'static str) -> Self {
        let database = PostgresServer::shared().await.database().await;
        Self {
            database,
            isolation,
        }
    }

    /// The clock of a server cannot be set: what is kept gets older instead.
    async fn age(&self, by: Duration) -> sqlx::Result<()> {
        let mut connection = PgConnection::connect(&self.database.url()).await?;
        sqlx::query(
            "UPDATE buttress_refresh_families SET started_at = started_at - $1, \
             last_used_at = last_used_at - $1, ends_at = ends_at - $1, \
             rotated_at = rotated_at - $1, ended_at = ended_at - $1",
        )
        .bind(i64::try_from(by.as_millis()).expect("a short time"))
        .execute(&mut connection)
        .await?;
        connection.close().await
    }

    async fn pool(&self) -> PgPool {
        let set = format!("SET default_transaction_isolation = '{}'", self.isolation);
        let options =
            PgPoolOptions::new()
                .max_connections(4)
                .after_connect(move |connection, _| {
                    let set = set.clone();
                    Box::pin(async move { connection.execute(AssertSqlSafe(set)).await.map(drop) })
                });
        let pool = options.connect(&self.database.url()).await;
        pool.expect("a database")
    }
}

#[async_trait]
impl StoreHarness for Postgres {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        let store = PostgresRefreshStore::new(self.pool().await);
        store.migrate().await.expect("tables");
        Arc::new(store)
    }

    async fn advance(&self, by: Duration) {
        self.age(by).await.expect("older rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_store(Postgres::new("read committed").await).await;
}

/// Where a racer does not wait and see, but is told to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise_when_transactions_are_serializable() {
    check_store(Postgres::new("serializable").await).await;
}

/// Racers that all have come as far as the row, and not further.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racers_that_wait_for_the_row_agree() {
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let postgres = Postgres::new(isolation).await;
        let store = postgres.store().await;
        let sessions = sessions(store);
        let first = sessions.start("user-1").await.expect("a session");

        let mut holder = PgConnection::connect(&postgres.database.url())
            .await
            .expect("a connection");
        let mut held = holder.begin().await.expect("a transaction");
        held.execute("SELECT 1 FROM buttress_refresh_families FOR UPDATE")
            .await
            .expect("a lock");
        let racers: Vec<_> = (0..4)
            .map(|_| {
                let (sessions, token) = (sessions.clone(), first.refresh_token.clone());
                tokio::spawn(async move { sessions.refresh(&token).await })
            })
            .collect();
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut watcher = PgConnection::connect(&postgres.database.url())
            .await
            .expect("a connection");
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&mut watcher)
            .await
            .expect("a count")
            < 4
        {
            tokio::task::yield_now().await;
        }
        held.commit().await.expect("the lock is free");

        let mut tokens = Vec::new();
        for racer in racers {
            let pair = racer.await.expect("no panic").expect("a pair");
            tokens.push(pair.refresh_token);
        }
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "{isolation}");
        sessions.refresh(&tokens[0]).await.expect("it works");
    }
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let postgres = Postgres::new("read committed").await;
    postgres.store().await;
    let pool = postgres.pool().await;
    sqlx::query("INSERT INTO buttress_refresh_version VALUES (99)")
        .execute(&pool)
        .await
        .expect("a version");
    let error = PostgresRefreshStore::new(pool).migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("newer version"), "{error}");
}
