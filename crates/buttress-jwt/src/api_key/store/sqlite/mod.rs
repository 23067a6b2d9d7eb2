mod row;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{SqliteConnection, SqlitePool};

use super::{ApiKeyStore, RETAINED, newest_first, taken};
use crate::{
    ApiKey, ApiKeyId, Clock, Error, KeptKey, KeyIssuance, KeyRotated, KeyRotation, WhichKeys,
    store::{
        millis,
        sqlite::{Failure, retry, tables},
    },
};

/// API keys in a SQLite database, which several processes of one machine may use.
///
/// Every change is a transaction that takes the write lock before it reads, so that none fails half way; one that finds
/// the database busy is repeated. Time is the machine's, of which there is one. The tables carry their own version:
/// they have nothing to do with the migrations of the application.
#[derive(Clone, Debug)]
pub struct SqliteApiKeyStore {
    pool: SqlitePool,
    clock: Clock,
}

/// Append only: a database knows how many it has seen.
const STEPS: &[&str] = &[include_str!("schema.sql")];

/// How many keys that have expired long ago make room for a new one: more than one, so that none stays.
const FORGET: i64 = 16;

impl SqliteApiKeyStore {
    /// In the database of this pool, whose tables [`migrate`](Self::migrate) makes.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            clock: Clock::system(),
        }
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the tables, or brings them up to date. To be called when the application starts, by any number of its
    /// processes at once.
    ///
    /// # Errors
    ///
    /// When the database fails or is busy for a minute, or its tables are of a newer version.
    pub async fn migrate(&self) -> Result<(), Error> {
        tables::migrate(&self.pool, "buttress_api_keys_version", STEPS).await
    }

    /// The time, as exact as it is kept.
    fn now(&self) -> DateTime<Utc> {
        millis::to_time(self.clock.now().timestamp_millis())
    }
}

#[async_trait]
impl ApiKeyStore for SqliteApiKeyStore {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let now = self.now();
            sqlx::query(
                "DELETE FROM buttress_api_keys WHERE id IN \
                 (SELECT id FROM buttress_api_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
            )
            .bind(now.timestamp_millis() - millis::from_duration(RETAINED))
            .bind(FORGET)
            .execute(&mut *transaction)
            .await?;
            let kept = row::kept(issuance.kept(now));
            if !row::insert(&mut transaction, &kept).await? {
                return Err(taken().into());
            }
            transaction.commit().await?;
            Ok(kept.key)
        })
        .await
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        retry(|| async {
            let mut connection = self.pool.acquire().await?;
            find(&mut connection, which, self.now()).await
        })
        .await
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let now = self.now();
            let found = find(&mut transaction, &WhichKeys::One(rotation.id), now).await?;
            let Some(mut kept) = found.into_iter().next() else {
                return Ok(KeyRotated::Unknown);
            };
            let rotated = kept.rotate(rotation, now);
            if let KeyRotated::Done(_) = rotated {
                kept = row::kept(kept);
                row::update(&mut transaction, &kept).await?;
                transaction.commit().await?;
                return Ok(KeyRotated::Done(kept.key));
            }
            Ok(rotated)
        })
        .await
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let found = find(&mut transaction, which, self.now()).await?;
            for kept in &found {
                sqlx::query("DELETE FROM buttress_api_keys WHERE id = ?")
                    .bind(kept.key.id.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(found.into_iter().map(|kept| kept.key).collect())
        })
        .await
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let now = self.now().timestamp_millis();
            sqlx::query(
                "UPDATE buttress_api_keys SET last_used_at = ?1 \
                 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?1 - ?3)",
            )
            .bind(now)
            .bind(id.as_str())
            .bind(millis::from_duration(apart))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

const FIND_ONE: &str = "SELECT id, subject, environment, label, scopes, roles, created_at, expires_at, \
    last_used_at, rotated_at, overlaps_until, current, previous \
    FROM buttress_api_keys WHERE id = ?";

const FIND_ALL: &str = "SELECT id, subject, environment, label, scopes, roles, created_at, expires_at, \
    last_used_at, rotated_at, overlaps_until, current, previous \
    FROM buttress_api_keys WHERE subject = ?";

async fn find(
    connection: &mut SqliteConnection,
    which: &WhichKeys,
    read_at: DateTime<Utc>,
) -> Result<Vec<KeptKey>, Failure> {
    let (query, key) = match which {
        WhichKeys::One(id) | WhichKeys::OneOf { id, .. } => (FIND_ONE, id.as_str()),
        WhichKeys::AllOf { subject, .. } => (FIND_ALL, &**subject),
    };
    let rows = sqlx::query(query).bind(key).fetch_all(connection).await?;
    let found = rows.iter().map(|row| row::read(row, read_at));
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    found.retain(|kept| which.includes(&kept.key));
    newest_first(&mut found);
    Ok(found)
}
