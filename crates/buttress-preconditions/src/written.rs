use std::future::Future;

use crate::{ETag, Rejection};

/// What came of a statement that changes a row only at the version that the client named:
/// `UPDATE … SET version = version + 1 WHERE id = … AND version = …`.
///
/// Such a statement compares and changes at once, so that nothing can come between. When it finds
/// no row, two things may be the reason, and they have different answers.
///
/// ```
/// use buttress_preconditions::{ETag, Rejection, Written};
/// # async fn select_version() -> Result<Option<i64>, std::io::Error> { Ok(Some(8)) }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let rows_affected = 0;
/// let written = Written::from_rows(rows_affected, select_version()).await?;
/// assert_eq!(written, Written::Failed(Rejection::failed(ETag::from_version(8))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Written {
    /// The row was at that version and has been changed.
    Applied,
    /// There is no such row: 404, also under `If-Match: *`, since that is what the answer would be
    /// without it (RFC 9110, section 13.2.1). Only a PUT that would create it fails with
    /// [`Rejection::failed(None)`](Rejection::failed).
    Missing,
    /// The row is at another version: 412.
    Failed(Rejection),
}

impl Written {
    /// Tells them apart. `current` selects the row's version, or `None` without a row, by the same
    /// conditions as the statement, but for the version; it is polled only when `rows_affected`
    /// is 0.
    ///
    /// It may run after the statement, outside of a transaction: whatever has happened to the row
    /// in between, the statement did not find the version, and the answer is what is true by then.
    /// Within a transaction it has to see what the statement saw: PostgreSQL's `READ COMMITTED` and
    /// SQLite do, under `REPEATABLE READ` (MySQL's default) it is a locking read (`FOR SHARE`) or
    /// comes after the transaction. Versions have to rise with every change and never come back.
    ///
    /// # Errors
    ///
    /// That of `current`.
    pub async fn from_rows<E>(
        rows_affected: u64,
        current: impl Future<Output = Result<Option<i64>, E>>,
    ) -> Result<Self, E> {
        if rows_affected > 0 {
            return Ok(Self::Applied);
        }
        Ok(match current.await? {
            Some(version) => Self::Failed(Rejection::failed(ETag::from_version(version))),
            None => Self::Missing,
        })
    }

    /// Turns what is not applied into the caller's errors; `missing` makes that of a row that is
    /// not there.
    ///
    /// # Errors
    ///
    /// When the row is missing or at another version.
    pub fn or_missing<E: From<Rejection>>(self, missing: impl FnOnce() -> E) -> Result<(), E> {
        match self {
            Self::Applied => Ok(()),
            Self::Missing => Err(missing()),
            Self::Failed(rejection) => Err(rejection.into()),
        }
    }
}
