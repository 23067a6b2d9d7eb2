//! The tables of a store, made and brought up to date.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction};

use super::{Failure, retry::retry_for};
use crate::{Error, store::schema};

/// For how long a start is tried again before somebody is told why there is none.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes the steps that the database has not seen, all or none. `versions` is the table that counts them.
pub(crate) async fn migrate(
    pool: &SqlitePool,
    versions: &'static str,
    steps: &[&'static str],
) -> Result<(), Error> {
    retry_for(PATIENCE, || async {
        let mut transaction = write(pool).await?;
        let table =
            format!("CREATE TABLE IF NOT EXISTS {versions} (version INTEGER NOT NULL) STRICT");
        sqlx::raw_sql(AssertSqlSafe(table))
            .execute(&mut *transaction)
            .await?;
        let newest = format!("SELECT coalesce(max(version), 0) FROM {versions}");
        let version: i64 = sqlx::query_scalar(AssertSqlSafe(newest))
            .fetch_one(&mut *transaction)
            .await?;
        let pending = schema::pending(steps, version)?;
        for (step, version) in pending.into_iter().zip(version + 1..) {
            sqlx::raw_sql(step).execute(&mut *transaction).await?;
            let seen = format!("INSERT INTO {versions} (version) VALUES (?)");
            sqlx::query(AssertSqlSafe(seen))
                .bind(version)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    })
    .await
}

/// Begins a transaction with the write lock. One that took it later would fail there, without waiting, when another
/// had written since it began to read.
pub(crate) async fn write(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, Failure> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}
