use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKeyStore, ErrorKind, PostgresApiKeyStore,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};
use buttress_testkit::{PostgresServer, TestDatabase};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, postgres::PgPoolOptions};

struct Postgres {
    database: TestDatabase,
    isolation: &'static str,
}

impl Postgres {
    async fn new(isolation: &'static str) -> Self {
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
            "UPDATE buttress_api_keys SET created_at = created_at - $1, \
             expires_at = expires_at - $1, last_used_at = last_used_at - $1, \
             rotated_at = rotated_at - $1, overlaps_until = overlaps_until - $1",
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
impl ApiKeyStoreHarness for Postgres {
    async fn store(&self) -> Arc<dyn ApiKeyStore> {
        let store = PostgresApiKeyStore::new(self.pool().await);
        store.migrate().await.expect("tables");
        Arc::new(store)
    }

    async fn advance(&self, by: Duration) {
        self.age(by).await.expect("older rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_api_key_store(Postgres::new("read committed").await).await;
}

/// Where a racer does not wait and see, but is told to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise_when_transactions_are_serializable() {
    check_api_key_store(Postgres::new("serializable").await).await;
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let postgres = Postgres::new("read committed").await;
    postgres.store().await;
    let pool = postgres.pool().await;
    sqlx::query("INSERT INTO buttress_api_keys_version VALUES (99)")
        .execute(&pool)
        .await
        .expect("a version");
    let error = PostgresApiKeyStore::new(pool).migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("newer version"), "{error}");
}
