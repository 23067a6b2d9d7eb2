//! Where products, users and sessions are kept: SQLite through sqlx.

mod decode;
mod demo;
mod list;
mod migrations;
mod outcome;
mod product_query;
mod products;
mod secrets;
mod users;

use std::{path::Path, time::Duration};

use buttress_jwt::SqliteRefreshStore;
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use list::{Direction, Page, Sort};
pub use outcome::Outcome;
pub use product_query::{ProductFilter, ProductKey, ProductQuery};
pub use users::{Credentials, UserKey, UserQuery};

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
        let store = Self { pool };
        store.sessions().migrate().await?;
        Ok(store)
    }

    /// Where the sessions are: in the same file, in tables that are buttress-jwt's own.
    pub fn sessions(&self) -> SqliteRefreshStore {
        SqliteRefreshStore::new(self.pool.clone())
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
    /// The tables of the sessions could not be brought up to date.
    #[error("the sessions in the database cannot be migrated")]
    Sessions(#[from] buttress_jwt::Error),
    /// A secret that the instances share is not usable.
    #[error("the secret that the database keeps cannot be used: {0}")]
    Secret(&'static str),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if passes(&error) {
            Self::Unavailable(error)
        } else {
            Self::Failed(error)
        }
    }
}

/// Whether what failed may succeed later.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient(&code)),
        _ => false,
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
