//! What is repeated, and what is not.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, ErrorKind};

/// Why a transaction did not come to its end.
pub(crate) enum Failure {
    Database(sqlx::Error),
    Other(Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Repeats what finds the database busy, for as long as the caller has patience.
pub(crate) async fn retry<T, F>(work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    retry_for(Duration::MAX, work).await
}

/// The same for this long.
pub(super) async fn retry_for<T, F>(patience: Duration, work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let busy = match work().await {
            Ok(done) => return Ok(done),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Database(error)) if is_busy(&error) => error,
            Err(Failure::Database(error)) if is_taken(&error) => {
                return Err(Error::new(
                    ErrorKind::InvalidSession,
                    "a session of that id is kept already",
                )
                .with_source(error));
            }
            Err(Failure::Database(error)) => return Err(Error::store(error)),
        };
        if begun.elapsed() >= patience {
            return Err(Error::store(busy));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// SQLITE_BUSY and SQLITE_LOCKED, whose extended codes have the primary one in the low byte.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error as _,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use buttress_testkit::SqliteFile;
    use sqlx::{Connection, Executor, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions};

    use super::{super::tables, *};

    #[tokio::test]
    async fn what_stays_busy_is_given_up() {
        let file = SqliteFile::new();
        let options = SqliteConnectOptions::new()
            .filename(file.path())
            .create_if_missing(true)
            .busy_timeout(Duration::ZERO);
        let mut holder = SqliteConnection::connect_with(&options)
            .await
            .expect("a database");
        holder
            .execute("BEGIN IMMEDIATE")
            .await
            .expect("the write lock");
        let pool = SqlitePool::connect_with(options).await.expect("a database");
        let tries = AtomicUsize::new(0);
        let write = || async {
            tries.fetch_add(1, Ordering::SeqCst);
            tables::write(&pool).await.map(drop)
        };
        let error = retry_for(Duration::from_millis(20), write)
            .await
            .expect_err("it is busy");
        assert_eq!(error.kind(), ErrorKind::Store);
        let reason = error.source().expect("a reason").to_string();
        assert!(reason.contains("locked"), "{reason}");
        assert!(tries.load(Ordering::SeqCst) > 1);
        holder.execute("ROLLBACK").await.expect("no lock");
        retry(write).await.expect("it is free");
    }
}
