mod row;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgPool, postgres::PgRow};

use super::{ApiKeyStore, RETAINED, grants, newest_first, taken};
use crate::{
    ApiKey, ApiKeyId, Error, KeptKey, KeyIssuance, KeyRotated, KeyRotation, WhichKeys,
    store::{
        millis,
        postgres::{Failure, retry, tables},
    },
};

/// API keys in a PostgreSQL database, from version 12 on.
///
/// Every call is one statement, under whatever isolation the database has, but for the cleaning when a key is issued;
/// what the server cannot serialize is repeated. Time is the server's. The tables carry their own version: they have
/// nothing to do with the migrations of the application.
#[derive(Clone, Debug)]
pub struct PostgresApiKeyStore {
    pool: PgPool,
}

/// Append only: a database knows how many it has seen.
const STEPS: &[&str] = &[include_str!("schema.sql")];

/// How many keys that have expired long ago make room for a new one: more than one, so that none stays.
const FORGET: i64 = 16;

/// What keeps this store's advisory lock apart from those of others.
const LOCK: i64 = 0x6275_7474_6170_696b;

impl PostgresApiKeyStore {
    /// In the database of this pool, whose tables [`migrate`](Self::migrate) makes.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the tables, or brings them up to date. To be called when the application starts, by any number of its
    /// processes at once.
    ///
    /// # Errors
    ///
    /// When the database fails or conflicts with others for a minute, or its tables are of a newer version.
    pub async fn migrate(&self) -> Result<(), Error> {
        tables::migrate(&self.pool, "buttress_api_keys_version", LOCK, STEPS).await
    }

    /// Why a rotation was not done, by what is there a moment later.
    async fn why_not(&self, rotation: &KeyRotation) -> Result<KeyRotated, Failure> {
        let row = sqlx::query(
            "SELECT id, subject, environment, label, scopes, roles, created_at, expires_at, \
             last_used_at, rotated_at, overlaps_until, current, previous, \
             buttress_api_keys_now() AS read_at FROM buttress_api_keys WHERE id = $1",
        )
        .bind(rotation.id.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(KeyRotated::Unknown);
        };
        let mut kept = row::read(&row)?;
        let now = kept.read_at;
        match kept.rotate(rotation, now) {
            // What was in its way is gone by now.
            KeyRotated::Done(_) => Err(Failure::Conflict),
            other => Ok(other),
        }
    }
}

#[async_trait]
impl ApiKeyStore for PostgresApiKeyStore {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        retry(|| async {
            sqlx::query(
                "DELETE FROM buttress_api_keys WHERE id IN \
                 (SELECT id FROM buttress_api_keys WHERE expires_at <= buttress_api_keys_now() - $1 \
                  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            )
            .bind(millis::from_duration(RETAINED))
            .bind(FORGET)
            .execute(&self.pool)
            .await?;
            let row = sqlx::query(
                "INSERT INTO buttress_api_keys \
                 (id, subject, environment, label, scopes, roles, created_at, expires_at, current) \
                 SELECT $1, $2, $3, $4, $5, $6, at, least(at + $7, $8), $9 \
                 FROM (SELECT buttress_api_keys_now() AS at OFFSET 0) AS clock \
                 ON CONFLICT DO NOTHING \
                 RETURNING id, subject, environment, label, scopes, roles, created_at, expires_at, \
                 last_used_at, rotated_at, overlaps_until, current, previous, \
                 created_at AS read_at",
            )
            .bind(issuance.id.as_str())
            .bind(&issuance.subject)
            .bind(issuance.environment.as_str())
            .bind(&issuance.label)
            .bind(grants::write(&issuance.scopes))
            .bind(grants::write(&issuance.roles))
            .bind(issuance.lifetime.map(millis::from_duration))
            // The least of a time and nothing is the time.
            .bind(issuance.lifetime.map(|_| millis::LAST))
            .bind(&issuance.digest.as_bytes()[..])
            .fetch_optional(&self.pool)
            .await?;
            match row {
                Some(row) => Ok(row::read(&row)?.key),
                None => Err(taken().into()),
            }
        })
        .await
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        retry(|| async {
            let rows = match which {
                WhichKeys::One(id) | WhichKeys::OneOf { id, .. } => {
                    sqlx::query(
                        "SELECT id, subject, environment, label, scopes, roles, created_at, expires_at, \
                         last_used_at, rotated_at, overlaps_until, current, previous, \
                         buttress_api_keys_now() AS read_at FROM buttress_api_keys \
                         WHERE id = $1",
                    )
                    .bind(id.as_str())
                    .fetch_all(&self.pool)
                    .await?
                }
                WhichKeys::AllOf { subject, .. } => {
                    sqlx::query(
                        "SELECT id, subject, environment, label, scopes, roles, created_at, expires_at, \
                         last_used_at, rotated_at, overlaps_until, current, previous, \
                         buttress_api_keys_now() AS read_at FROM buttress_api_keys \
                         WHERE subject = $1",
                    )
                    .bind(subject)
                    .fetch_all(&self.pool)
                    .await?
                }
            };
            let mut found = read(&rows)?;
            found.retain(|kept| which.includes(&kept.key));
            Ok(found)
        })
        .await
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        let overlap = millis::from_duration(rotation.overlap);
        retry(|| async {
            let row = sqlx::query(ROTATE)
                .bind(rotation.id.as_str())
                .bind(&rotation.subject)
                .bind(rotation.environment.as_str())
                .bind(&rotation.digest.as_bytes()[..])
                .bind((overlap > 0).then_some(overlap))
                .fetch_optional(&self.pool)
                .await?;
            match row {
                Some(row) => Ok(KeyRotated::Done(row::read(&row)?.key)),
                None => self.why_not(rotation).await,
            }
        })
        .await
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        let (id, subject, environment) = match which {
            WhichKeys::One(id) => (Some(id), None, None),
            WhichKeys::OneOf {
                subject,
                environment,
                id,
            } => (Some(id), Some(subject), Some(environment)),
            WhichKeys::AllOf {
                subject,
                environment,
            } => (None, Some(subject), Some(environment)),
        };
        retry(|| async {
            // One of the two is not null, and has an index.
            let rows = sqlx::query(if id.is_some() { REVOKE_ONE } else { REVOKE_ALL })
                .bind(id.map(ApiKeyId::as_str))
                .bind(subject)
                .bind(environment.map(|environment| environment.as_str()))
                .fetch_all(&self.pool)
                .await?;
            let revoked = read(&rows)?;
            Ok(revoked.into_iter().map(|kept| kept.key).collect())
        })
        .await
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        retry(|| async {
            sqlx::query(
                "UPDATE buttress_api_keys SET last_used_at = buttress_api_keys_now() \
                 WHERE id = $1 \
                 AND (last_used_at IS NULL OR last_used_at <= buttress_api_keys_now() - $2)",
            )
            .bind(id.as_str())
            .bind(millis::from_duration(apart))
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }
}

/// $1 id, $2 subject, $3 environment, $4 digest, $5 overlap in milliseconds or null. The rules are those of
/// `KeptKey::rotate`: whoever waited for another rotation is judged by what that has left.
const ROTATE: &str = "UPDATE buttress_api_keys SET \
    previous = CASE WHEN $5::bigint IS NOT NULL THEN current END, \
    overlaps_until = CASE WHEN $5 IS NOT NULL \
        THEN least(buttress_api_keys_now() + $5, expires_at) END, \
    rotated_at = buttress_api_keys_now(), current = $4 \
    WHERE id = $1 AND subject = $2 AND environment = $3 \
    AND (expires_at IS NULL OR buttress_api_keys_now() < expires_at) \
    AND ($5 IS NULL OR overlaps_until IS NULL OR overlaps_until <= buttress_api_keys_now()) \
    RETURNING id, subject, environment, label, scopes, roles, created_at, expires_at, \
    last_used_at, rotated_at, overlaps_until, current, previous, \
    rotated_at AS read_at";

const REVOKE_ONE: &str = "DELETE FROM buttress_api_keys \
    WHERE id = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR environment = $3) \
    RETURNING id, subject, environment, label, scopes, roles, created_at, expires_at, \
    last_used_at, rotated_at, overlaps_until, current, previous, \
    buttress_api_keys_now() AS read_at";

const REVOKE_ALL: &str = "DELETE FROM buttress_api_keys \
    WHERE $1::text IS NULL AND subject = $2 AND environment = $3 \
    RETURNING id, subject, environment, label, scopes, roles, created_at, expires_at, \
    last_used_at, rotated_at, overlaps_until, current, previous, \
    buttress_api_keys_now() AS read_at";

fn read(rows: &[PgRow]) -> Result<Vec<KeptKey>, Failure> {
    let mut keys = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
    newest_first(&mut keys);
    Ok(keys)
}
