//! Columns as what they stand for. What breaks a rule was not written by us, and is an error, not a
//! panic.

use std::error::Error;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{Row, sqlite::SqliteRow};

use crate::domain::BrokenRule;

/// Now, as exactly as it is kept.
pub(super) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

pub(super) fn decoded<T>(column: &str, value: Result<T, BrokenRule>) -> Result<T, sqlx::Error> {
    value.map_err(|rule| column_error(column, rule))
}

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    let millis = row.try_get(column)?;
    DateTime::from_timestamp_millis(millis)
        .ok_or_else(|| column_error(column, "it is no time that there is"))
}

pub(super) fn column_error(
    column: &str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: source.into(),
    }
}
