mod retry;
mod row;
pub(crate) mod tables;

use async_trait::async_trait;
use sqlx::{PgPool, Row, postgres::PgRow};

pub(crate) use self::retry::{Failure, retry};
use super::{RefreshStore, last_used_first, millis};
use crate::{
    Beginning, Begun, EndReason, Ending, Endings, Error, Judged, Proposal, Session, SessionId,
    Which,
};

/// Sessions in a PostgreSQL database, from version 12 on.
///
/// A pool of sqlx asks each connection that it lends whether it is still there, which costs as much as the
/// rotation; `PgPoolOptions::test_before_acquire(false)` spares that.
///
/// A rotation is one statement, under whatever isolation the database has; what the server cannot serialize,
/// and what would deadlock, is repeated. Time is the server's. The tables carry their own version: they have
/// nothing to do with the migrations of the application.
#[derive(Clone, Debug)]
pub struct PostgresRefreshStore {
    pool: PgPool,
}

/// Append only: a database knows how many it has seen.
const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("index.sql")];

const EVICT: &str = include_str!("evict.sql");
const ROTATE: &str = include_str!("rotate.sql");
const END_ONE: &str = include_str!("end_one.sql");
const END_ALL: &str = include_str!("end_all.sql");

/// How many sessions that are past their end make room for a new one: more than one, so that none stays.
const FORGET: i64 = 16;

/// What keeps this store's advisory locks apart from those of others.
const LOCKS: i64 = 0x6275_7474_7265_7373;

impl PostgresRefreshStore {
    /// In the database of this pool, whose tables [`migrate`](Self::migrate) makes.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the tables, or brings them up to date. To be called when the application starts, by any number
    /// of its processes at once.
    ///
    /// It is one transaction. While an index is built in it nobody writes to the table: a version that is
    /// running waits, and fails where it waits too long.
    ///
    /// # Errors
    ///
    /// When the database fails or conflicts with others for a minute, or its tables are of a newer version.
    pub async fn migrate(&self) -> Result<(), Error> {
        tables::migrate(&self.pool, "buttress_refresh_version", LOCKS, STEPS).await
    }
}

/// Each statement sees what was committed before it, also while the first waited for a lock.
pub(crate) const READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

#[async_trait]
impl RefreshStore for PostgresRefreshStore {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        retry(|| async {
            let mut transaction = self.pool.begin_with(READ_COMMITTED).await?;
            // Those of one subject begin one after the other, or two would not see each other.
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))")
                .bind(&beginning.subject)
                .bind(LOCKS)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "DELETE FROM buttress_refresh_families WHERE id IN \
                 (SELECT id FROM buttress_refresh_families WHERE ends_at <= buttress_refresh_now() \
                  ORDER BY ends_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
            )
            .bind(FORGET)
            .execute(&mut *transaction)
            .await?;
            let row = sqlx::query(
                "INSERT INTO buttress_refresh_families \
                 (id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
                  generation, current, reissues) \
                 SELECT $1, $2, $3, $4, at, at, $5, least(at + $6, $7), 0, $8, 0 \
                 FROM (SELECT buttress_refresh_now() AS at OFFSET 0) AS clock \
                 RETURNING id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
                 ended_at, end_reason",
            )
            .bind(beginning.id.to_string())
            .bind(&beginning.subject)
            .bind(&beginning.label)
            .bind(&beginning.context)
            .bind(millis::from_duration(beginning.idle_timeout))
            .bind(millis::from_duration(beginning.lifetime))
            .bind(millis::LAST)
            .bind(&beginning.current.as_bytes()[..])
            .fetch_one(&mut *transaction)
            .await?;
            let session = row::session(&row)?;
            let ended = sqlx::query(EVICT)
                .bind(&beginning.subject)
                .bind(beginning.id.to_string())
                .bind(i64::from(beginning.limit.get() - 1))
                .bind(EndReason::Evicted.as_str())
                .fetch_all(&mut *transaction)
                .await?;
            let ended = sessions(&ended)?;
            transaction.commit().await?;
            Ok(Begun { session, ended })
        })
        .await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        retry(|| async {
            let row = sqlx::query(ROTATE)
                .bind(proposal.session.to_string())
                .bind(i64::from(proposal.generation))
                .bind(&proposal.presented.as_bytes()[..])
                .bind(&proposal.successor.as_bytes()[..])
                .bind(&proposal.salt[..])
                .bind(
                    proposal
                        .attempt
                        .as_ref()
                        .map(|attempt| &attempt.as_bytes()[..]),
                )
                .bind(millis::from_duration(proposal.grace))
                .bind(i64::from(proposal.reissue_limit))
                .bind(millis::from_duration(proposal.min_age))
                .bind(proposal.accept_ahead)
                .fetch_optional(&self.pool)
                .await?;
            match row {
                Some(row) => Ok(Some(row::judged(&row, proposal)?)),
                None => Ok(None),
            }
        })
        .await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        let (subject, id, except) = match &ending.which {
            Which::One(id) => (None, Some(id), None),
            Which::OneOf { subject, id } => (Some(subject), Some(id), None),
            Which::AllOf { subject, except } => (Some(subject), None, except.as_ref()),
        };
        let [id, except] = [id, except].map(|id| id.map(ToString::to_string));
        retry(|| async {
            // One of the two is not null, and has an index.
            let rows = sqlx::query(if id.is_some() { END_ONE } else { END_ALL })
                .bind(subject)
                .bind(id.as_ref().or(except.as_ref()))
                .bind(ending.reason.as_str())
                .bind(millis::from_duration(ending.again))
                .fetch_all(&self.pool)
                .await?;
            row::endings(&rows)
        })
        .await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        retry(|| async {
            let rows = sqlx::query(
                "SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
                 ended_at, end_reason FROM buttress_refresh_families \
                 WHERE subject = $1 AND ended_at IS NULL \
                 AND buttress_refresh_now() < least(last_used_at + idle_ms, ends_at)",
            )
            .bind(subject)
            .fetch_all(&self.pool)
            .await?;
            sessions(&rows)
        })
        .await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        retry(|| async {
            let row = sqlx::query(
                "SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
                 ended_at, end_reason, buttress_refresh_now() AS at \
                 FROM buttress_refresh_families WHERE id = $1",
            )
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            let now = millis::to_time(row.try_get("at")?);
            Ok(Some(row::session(&row)?.as_of(now)))
        })
        .await
    }
}

/// Last used first.
fn sessions(rows: &[PgRow]) -> Result<Vec<Session>, Failure> {
    let mut sessions = rows
        .iter()
        .map(row::session)
        .collect::<Result<Vec<_>, _>>()?;
    last_used_first(&mut sessions);
    Ok(sessions)
}
