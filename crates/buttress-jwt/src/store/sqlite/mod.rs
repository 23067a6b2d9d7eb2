mod retry;
mod row;
pub(crate) mod tables;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

pub(crate) use self::retry::{Failure, retry};
use super::{RefreshStore, ended_lately, last_used_first, millis};
use crate::{
    Beginning, Begun, Clock, EndReason, Ending, Endings, Error, Family, Judged, Proposal, Session,
    SessionId, Which,
};

/// Sessions in a SQLite database, which several processes of one machine may use.
///
/// Every change is a transaction that takes the write lock before it reads, so that none fails half way; one
/// that finds the database busy is repeated. Time is the machine's, of which there is one. The tables carry
/// their own version: they have nothing to do with the migrations of the application.
#[derive(Clone, Debug)]
pub struct SqliteRefreshStore {
    pool: SqlitePool,
    clock: Clock,
}

/// Append only: a database knows how many it has seen.
const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("index.sql")];

/// How many sessions that are past their end make room for a new one: more than one, so that none stays.
const FORGET: i64 = 16;

impl SqliteRefreshStore {
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

    /// Makes the tables, or brings them up to date. To be called when the application starts, by any number
    /// of its processes at once.
    ///
    /// # Errors
    ///
    /// When the database fails or is busy for a minute, or its tables are of a newer version.
    pub async fn migrate(&self) -> Result<(), Error> {
        tables::migrate(&self.pool, "buttress_refresh_version", STEPS).await
    }

    /// The time, as exact as it is kept.
    fn now(&self) -> DateTime<Utc> {
        millis::to_time(self.clock.now().timestamp_millis())
    }
}

#[async_trait]
impl RefreshStore for SqliteRefreshStore {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let now = self.now();
            sqlx::query(
                "DELETE FROM buttress_refresh_families WHERE id IN \
                 (SELECT id FROM buttress_refresh_families WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)",
            )
            .bind(now.timestamp_millis())
            .bind(FORGET)
            .execute(&mut *transaction)
            .await?;

            let others = unended(&mut transaction, &beginning.subject).await?;
            let (mut stay, mut over): (Vec<Family>, Vec<Family>) = others
                .into_iter()
                .partition(|family| family.session.is_live(now));
            let room = usize::try_from(beginning.limit.get() - 1).unwrap_or(usize::MAX);
            over.extend(stay.drain(room.min(stay.len())..));
            for family in &mut over {
                family.end(EndReason::Evicted, now);
                row::update(&mut transaction, family).await?;
            }
            let family = beginning.family(now);
            row::insert(&mut transaction, &family).await?;
            transaction.commit().await?;
            Ok(Begun {
                session: row::kept(family.session),
                ended: sessions(over),
            })
        })
        .await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let Some(before) = find(&mut transaction, proposal.session).await? else {
                transaction.rollback().await?;
                return Ok(None);
            };
            let mut family = before.clone();
            let verdict = family.rotate(proposal, self.now());
            if family != before {
                row::update(&mut transaction, &family).await?;
            }
            transaction.commit().await?;
            Ok(Some(Judged {
                verdict,
                session: family.session,
            }))
        })
        .await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        retry(|| async {
            let mut transaction = tables::write(&self.pool).await?;
            let now = self.now();
            let mut families = match &ending.which {
                Which::One(id) | Which::OneOf { id, .. } => {
                    find(&mut transaction, *id).await?.into_iter().collect()
                }
                Which::AllOf { subject, .. } => {
                    let mut families = unended(&mut transaction, subject).await?;
                    let since = now.timestamp_millis() - millis::from_duration(ending.again);
                    families.extend(ended_since(&mut transaction, subject, since).await?);
                    families
                }
            };
            families.retain(|family| ending.which.includes(&family.session));
            let mut endings = Endings::default();
            for mut family in families {
                if family.end(ending.reason, now) {
                    row::update(&mut transaction, &family).await?;
                    endings.ended.push(family.session);
                } else if ended_lately(&family.session, now, ending.again) {
                    endings.earlier.push(family.session);
                }
            }
            transaction.commit().await?;
            last_used_first(&mut endings.ended);
            last_used_first(&mut endings.earlier);
            Ok(endings)
        })
        .await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        retry(|| async {
            let mut connection = self.pool.acquire().await?;
            let mut families = unended(&mut connection, subject).await?;
            let now = self.now();
            families.retain(|family| family.session.is_live(now));
            Ok(sessions(families))
        })
        .await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        retry(|| async {
            let mut connection = self.pool.acquire().await?;
            let family = find(&mut connection, id).await?;
            Ok(family.map(|family| family.session.as_of(self.now())))
        })
        .await
    }
}

async fn find(
    connection: &mut sqlx::SqliteConnection,
    id: SessionId,
) -> Result<Option<Family>, Failure> {
    let row = sqlx::query(FIND)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(row::read).transpose()?)
}

/// Last used first.
async fn unended(
    connection: &mut sqlx::SqliteConnection,
    subject: &str,
) -> Result<Vec<Family>, Failure> {
    let rows = sqlx::query(UNENDED)
        .bind(subject)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(row::read).collect::<Result<_, _>>()?)
}

async fn ended_since(
    connection: &mut sqlx::SqliteConnection,
    subject: &str,
    since: i64,
) -> Result<Vec<Family>, Failure> {
    let rows = sqlx::query(ENDED_SINCE)
        .bind(subject)
        .bind(since)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(row::read).collect::<Result<_, _>>()?)
}

const FIND: &str = "SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
    ended_at, end_reason, generation, current, previous, salt, rotated_at, attempt, reissues \
    FROM buttress_refresh_families WHERE id = ?";

const UNENDED: &str = "SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
    ended_at, end_reason, generation, current, previous, salt, rotated_at, attempt, reissues \
    FROM buttress_refresh_families WHERE subject = ? AND ended_at IS NULL \
    ORDER BY last_used_at DESC, id DESC";

const ENDED_SINCE: &str = "SELECT id, subject, label, context, started_at, last_used_at, idle_ms, ends_at, \
    ended_at, end_reason, generation, current, previous, salt, rotated_at, attempt, reissues \
    FROM buttress_refresh_families WHERE subject = ? AND ended_at >= ?";

fn sessions(families: Vec<Family>) -> Vec<Session> {
    let mut sessions: Vec<Session> = families.into_iter().map(|family| family.session).collect();
    last_used_first(&mut sessions);
    sessions
}
