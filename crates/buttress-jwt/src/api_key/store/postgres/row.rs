//! A row as an API key.

use chrono::{DateTime, Utc};
use sqlx::{Row, postgres::PgRow};

use super::super::grants;
use crate::{
    ApiKey, Digest, Environment, KeptKey,
    store::{millis, postgres::Failure},
};

pub(super) fn read(row: &PgRow) -> Result<KeptKey, Failure> {
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
        read_at: millis::to_time(row.try_get("read_at")?),
    })
}

fn time(row: &PgRow, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let time: Option<i64> = row.try_get(column)?;
    Ok(time.map(millis::to_time))
}

fn digest(value: &[u8]) -> Result<Digest, Failure> {
    let bytes: [u8; 32] = value.try_into().map_err(|_| grants::nonsense())?;
    Ok(bytes.into())
}
