//! A family as a row.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::super::millis;
use crate::{Digest, EndReason, Ended, Error, ErrorKind, Family, Session};

/// A session as it comes back from the table, where durations are whole milliseconds.
pub(super) fn kept(session: Session) -> Session {
    Session {
        idle_timeout: millis::to_duration(millis::from_duration(session.idle_timeout)),
        ends_at: millis::to_time(session.ends_at.timestamp_millis()),
        ..session
    }
}

pub(super) fn read(row: &SqliteRow) -> Result<Family, Error> {
    columns(row).map_err(|error| match error {
        Unreadable::Database(error) => Error::store(error),
        Unreadable::Nonsense => Error::new(
            ErrorKind::Store,
            "a row of a session has something else than what is written there",
        ),
    })
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    family: &Family,
) -> Result<(), sqlx::Error> {
    let session = &family.session;
    sqlx::query(
        "INSERT INTO buttress_refresh_families \
         (id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
          generation, current, reissues) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0)",
    )
    .bind(session.id.to_string())
    .bind(&session.subject)
    .bind(&session.label)
    .bind(&session.context)
    .bind(session.started_at.timestamp_millis())
    .bind(session.last_used_at.timestamp_millis())
    .bind(millis::from_duration(session.idle_timeout))
    .bind(session.ends_at.timestamp_millis())
    .bind(&family.current.as_bytes()[..])
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what a rotation or an end can change.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    family: &Family,
) -> Result<(), sqlx::Error> {
    let session = &family.session;
    sqlx::query(
        "UPDATE buttress_refresh_families SET last_used_at = ?, ended_at = ?, end_reason = ?, \
         generation = ?, current = ?, previous = ?, salt = ?, rotated_at = ?, attempt = ?, \
         reissues = ? WHERE id = ?",
    )
    .bind(session.last_used_at.timestamp_millis())
    .bind(session.ended.map(|ended| ended.at.timestamp_millis()))
    .bind(session.ended.map(|ended| ended.reason.as_str()))
    .bind(i64::from(family.generation))
    .bind(&family.current.as_bytes()[..])
    .bind(
        family
            .previous
            .as_ref()
            .map(|digest| &digest.as_bytes()[..]),
    )
    .bind(family.salt.as_ref().map(|salt| &salt[..]))
    .bind(family.rotated_at.map(|at| at.timestamp_millis()))
    .bind(family.attempt.as_ref().map(|digest| &digest.as_bytes()[..]))
    .bind(i64::from(family.reissues))
    .bind(session.id.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

enum Unreadable {
    Database(sqlx::Error),
    Nonsense,
}

impl From<sqlx::Error> for Unreadable {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

fn columns(row: &SqliteRow) -> Result<Family, Unreadable> {
    let id: &str = row.try_get("id")?;
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    let reason: Option<&str> = row.try_get("end_reason")?;
    let rotated_at: Option<i64> = row.try_get("rotated_at")?;
    Ok(Family {
        session: Session {
            id: id.parse().map_err(|_| Unreadable::Nonsense)?,
            subject: row.try_get("subject")?,
            label: row.try_get("label")?,
            context: row.try_get("context")?,
            started_at: millis::to_time(row.try_get("started_at")?),
            last_used_at: millis::to_time(row.try_get("last_used_at")?),
            idle_timeout: millis::to_duration(row.try_get("idle_ms")?),
            ends_at: millis::to_time(row.try_get("ends_at")?),
            ended: ended_at.map(|at| Ended {
                reason: EndReason::from_name(reason.unwrap_or_default()),
                at: millis::to_time(at),
            }),
        },
        generation: count(row, "generation")?,
        current: bytes(row.try_get("current")?)?.into(),
        previous: optional(row, "previous")?.map(Digest::from),
        salt: optional(row, "salt")?,
        rotated_at: rotated_at.map(millis::to_time),
        attempt: optional(row, "attempt")?.map(Digest::from),
        reissues: count(row, "reissues")?,
    })
}

fn count(row: &SqliteRow, column: &str) -> Result<u32, Unreadable> {
    let count: i64 = row.try_get(column)?;
    u32::try_from(count).map_err(|_| Unreadable::Nonsense)
}

fn optional(row: &SqliteRow, column: &str) -> Result<Option<[u8; 32]>, Unreadable> {
    let value: Option<&[u8]> = row.try_get(column)?;
    value.map(bytes).transpose()
}

fn bytes(value: &[u8]) -> Result<[u8; 32], Unreadable> {
    value.try_into().map_err(|_| Unreadable::Nonsense)
}
