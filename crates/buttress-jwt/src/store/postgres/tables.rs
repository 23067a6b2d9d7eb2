//! The tables of a store, made and brought up to date.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};

use super::{READ_COMMITTED, retry::retry_for};
use crate::{Error, store::schema};

/// For how long a start is tried again before somebody is told why there is none.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes the steps that the database has not seen, all or none. `versions` is the table that counts them, and `lock`
/// what keeps processes that start at once apart.
pub(crate) async fn migrate(
    pool: &PgPool,
    versions: &'static str,
    lock: i64,
    steps: &[&'static str],
) -> Result<(), Error> {
    retry_for(PATIENCE, || async {
        let mut transaction = pool.begin_with(READ_COMMITTED).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(lock)
            .execute(&mut *transaction)
            .await?;
        let table = format!("CREATE TABLE IF NOT EXISTS {versions} (version bigint NOT NULL)");
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
            let seen = format!("INSERT INTO {versions} (version) VALUES ($1)");
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
