//! An API key as a row.

use chrono::{DateTime, Utc};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::super::grants;
use crate::{
    ApiKey, Digest, Environment, KeptKey,
    store::{millis, sqlite::Failure},
};

/// A key as it comes back from the table, where times are whole milliseconds.
pub(super) fn kept(kept: KeptKey) -> KeptKey {
    let whole =
        |time: Option<DateTime<Utc>>| time.map(|time| millis::to_time(time.timestamp_millis()));
    KeptKey {
        key: ApiKey {
            expires_at: whole(kept.key.expires_at),
            overlaps_until: whole(kept.key.overlaps_until),
            ..kept.key
        },
        ..kept
    }
}

pub(super) fn read(row: &SqliteRow, read_at: DateTime<Utc>) -> Result<KeptKey, Failure> {
    let id: &str = row.try_get("id")?;
    let environment: &str = row.try_get("environment")?;
    let previous: Option<&[u8]> = row.try_get("previous")?;
    Ok(KeptKey {
        key: ApiKey {
            id: id.parse()?,
            subject: row.try_get("subject")?,
            environment: Environment::from_name(environment).ok_or_else(grants::nonsense)?,
            label: row.try_get("label")?,
            scopes: grants::read(row.try_get("scopes")?)?,
            roles: grants::read(row.try_get("roles")?)?,
            created_at: millis::to_time(row.try_get("created_at")?),
            expires_at: time(row, "expires_at")?,
            last_used_at: time(row, "last_used_at")?,
            rotated_at: time(row, "rotated_at")?,
            overlaps_until: time(row, "overlaps_until")?,
        },
        current: digest(row.try_get("current")?)?,
        previous: previous.map(digest).transpose()?,
        read_at,
    })
}

/// Whether there was none of that id.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    kept: &KeptKey,
) -> Result<bool, sqlx::Error> {
    let key = &kept.key;
    let done = sqlx::query(
        "INSERT INTO buttress_api_keys \
         (id, subject, environment, label, scopes, roles, created_at, expires_at, current) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(key.id.as_str())
    .bind(&key.subject)
    .bind(key.environment.as_str())
    .bind(&key.label)
    .bind(grants::write(&key.scopes))
    .bind(grants::write(&key.roles))
    .bind(key.created_at.timestamp_millis())
    .bind(key.expires_at.map(|time| time.timestamp_millis()))
    .bind(&kept.current.as_bytes()[..])
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes what a rotation changes.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    kept: &KeptKey,
) -> Result<(), sqlx::Error> {
    let key = &kept.key;
    sqlx::query(
        "UPDATE buttress_api_keys SET rotated_at = ?, overlaps_until = ?, current = ?, previous = ? WHERE id = ?",
    )
    .bind(key.rotated_at.map(|time| time.timestamp_millis()))
    .bind(key.overlaps_until.map(|time| time.timestamp_millis()))
    .bind(&kept.current.as_bytes()[..])
    .bind(kept.previous.as_ref().map(|digest| &digest.as_bytes()[..]))
    .bind(key.id.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

fn time(row: &SqliteRow, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let time: Option<i64> = row.try_get(column)?;
    Ok(time.map(millis::to_time))
}

fn digest(value: &[u8]) -> Result<Digest, Failure> {
    let bytes: [u8; 32] = value.try_into().map_err(|_| grants::nonsense())?;
    Ok(bytes.into())
}
