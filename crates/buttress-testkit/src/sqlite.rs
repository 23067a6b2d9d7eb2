//! A SQLite database file of its own for each test.

use std::fmt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A place for a database file in a folder of its own, removed with the journal beside it when this
/// is dropped.
///
/// The file does not exist yet: whoever opens it creates it.
pub struct SqliteFile {
    folder: TempDir,
}

impl SqliteFile {
    /// Makes the folder.
    ///
    /// # Panics
    ///
    /// Panics when there is no place for temporary files.
    #[allow(
        clippy::new_without_default,
        reason = "a default that touches the disk would surprise"
    )]
    pub fn new() -> Self {
        match tempfile::Builder::new().prefix("sqlite-").tempdir() {
            Ok(folder) => Self { folder },
            Err(error) => panic!("no temporary folder for SQLite: {error}"),
        }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// Its URL as sqlx takes it, creating the file if need be.
    pub fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path().display())
    }

    /// The folder around it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteFile").field(&self.path()).finish()
    }
}
