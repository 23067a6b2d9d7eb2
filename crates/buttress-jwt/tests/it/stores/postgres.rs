use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    PostgresRefreshStore, RefreshStore,
    testing::{StoreHarness, check_store},
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
