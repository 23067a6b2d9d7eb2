//! Where products are kept: SQLite through sqlx.

mod demo;
mod migrations;
mod outcome;
mod products;
mod query;

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use outcome::Outcome;
pub use query::{Direction, Filter, ListQuery, Page, Sort, SortKey};

/// The shop's database. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// How long a writer waits for the one before it, and a request for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the SQLite file at `path`, which is created when it is not there, and brings its
    /// tables up to date.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written, is no database, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            // Readers do not wait for the writer, nor it for them. An acknowledged write survives
            // a crash of the machine only with FULL; NORMAL would lose the last ones.
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await?;
        migrations::run(&pool).await?;
        Ok(Self { pool })
    }

    /// Reads from the database.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        // Of a table, since `SELECT 1` succeeds on a file that is not a database.
        sqlx::query("SELECT 1 FROM products LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(())
    }

    /// Waits for the connections in use and closes all.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that will write. A deferred one would take the write lock at its first
    /// write, and fail there at once, without waiting, when another wrote since it began to read.
    async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is busy, locked or gone; the same call may succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused the statement, or what it holds makes no sense.
    #[error("the database failed")]
    Failed(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database cannot be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let passes = match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient(&code)),
            _ => false,
        };
        if passes {
            Self::Unavailable(error)
        } else {
            Self::Failed(error)
        }
    }
}

/// SQLITE_BUSY and SQLITE_LOCKED, and their extended codes, whose low byte is the primary one.
fn is_transient(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_and_locked_pass_and_a_broken_constraint_does_not() {
        for code in ["5", "6", "261", "517", "262"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["1", "11", "19", "2067", "", "x"] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
