//! Lost updates: many clients read a number, add one, and write it back.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, routing::get};
use buttress_preconditions::{ETag, IfMatch, Preconditions, Rejection, Written};
use buttress_testkit::{PostgresServer, SqliteFile, http};
use sqlx::{
    PgPool, QueryBuilder, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{sync::Barrier, task::JoinSet};

const TABLE: &str =
    "CREATE TABLE things (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, count BIGINT NOT NULL)";
const ROW: &str = "INSERT INTO things VALUES (1, 0, 0)";
const SELECT: &str = "SELECT version, count FROM things WHERE id = 1";
const VERSION: &str = "SELECT version FROM things WHERE id = 1";

/// One row of a database, changed in the two ways that the crate is made for.
trait Thing: Clone + Send + Sync + 'static {
    fn read(&self) -> impl Future<Output = (i64, i64)> + Send;
    /// One statement that compares and changes.
    fn guarded(&self, count: i64, if_match: &IfMatch) -> impl Future<Output = Written> + Send;
    /// Read under a lock, asked, changed: one transaction.
    fn locked(
        &self,
        count: i64,
        preconditions: &Preconditions,
    ) -> impl Future<Output = Result<(), Rejection>> + Send;
}

macro_rules! thing {
    ($pool:ty, $begin:literal, $for_update:literal, $parameter:literal) => {
        impl Thing for $pool {
            async fn read(&self) -> (i64, i64) {
                sqlx::query_as(SELECT).fetch_one(self).await.unwrap()
            }

            async fn guarded(&self, count: i64, if_match: &IfMatch) -> Written {
                let mut update =
                    QueryBuilder::new("UPDATE things SET version = version + 1, count = ");
                update.push_bind(count).push(" WHERE id = 1");
                if_match.push_guard(&mut update, "version");
                let done = update.build().execute(self).await.unwrap();
                let version = sqlx::query_scalar(VERSION).fetch_optional(self);
                Written::from_rows(done.rows_affected(), version)
                    .await
                    .unwrap()
            }

            async fn locked(
                &self,
                count: i64,
                preconditions: &Preconditions,
            ) -> Result<(), Rejection> {
                let mut transaction = self.begin_with($begin).await.unwrap();
                let version: i64 = sqlx::query_scalar(concat!(
                    "SELECT version FROM things WHERE id = 1",
                    $for_update
                ))
                .fetch_one(&mut *transaction)
                .await
                .unwrap();
                preconditions.require(&ETag::from_version(version))?;
                let update = concat!(
                    "UPDATE things SET version = version + 1, count = ",
                    $parameter,
                    " WHERE id = 1"
                );
                sqlx::query(update)
                    .bind(count)
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
                Ok(())
            }
        }
    };
}

thing!(SqlitePool, "BEGIN IMMEDIATE", "", "?");
thing!(PgPool, "BEGIN", " FOR UPDATE", "$1");

fn app<T: Thing>(thing: T) -> Router {
    let read = async |State(thing): State<T>| {
        let (version, count) = thing.read().await;
        (ETag::from_version(version), Json(count))
    };
    let guarded = async |State(thing): State<T>, if_match: IfMatch, Json(count): Json<i64>| {
        let written = thing.guarded(count, &if_match).await;
        written.or_missing(|| -> Rejection { unreachable!("nothing is deleted") })
    };
    let locked = async |State(thing): State<T>, asked: Preconditions, Json(count): Json<i64>| {
        thing.locked(count, &asked).await
    };
    Router::new()
        .route("/guarded", get(read).patch(guarded))
        .route("/locked", get(read).patch(locked))
        .with_state(thing)
}

/// Counts to 1,000 with clients that take turns at nothing, and returns how many of their changes
/// were refused.
async fn count_to_a_thousand(app: Router, path: &'static str) -> usize {
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let app = app.clone();
        clients.spawn(async move {
            let (mut applied, mut refused) = (0, 0);
            while applied < 125 {
                let read = http::get(path).call(app.clone()).await.expect_status(200);
                let tag = read.header("etag").unwrap();
                let next: i64 = read.json_as::<i64>() + 1;
                let change = http::patch(path).header("if-match", tag).json(&next);
                let answer = change.call(app.clone()).await;
                match answer.status().as_u16() {
                    200 => applied += 1,
                    412 => refused += 1,
                    status => panic!("{status}: {}", answer.text()),
                }
            }
            refused
        });
    }
    clients.join_all().await.into_iter().sum()
}

/// Sends 1,000 changes of one state at once, and returns how many were applied.
async fn race_for_one_version(app: Router, path: &'static str) -> usize {
    let read = http::get(path).call(app.clone()).await;
    let tag: Arc<str> = read.header("etag").unwrap().into();
    let start = Arc::new(Barrier::new(1000));
    let mut clients = JoinSet::new();
    for number in 0..1000_i64 {
        let (app, tag, start) = (app.clone(), Arc::clone(&tag), Arc::clone(&start));
        clients.spawn(async move {
            start.wait().await;
            let change = http::patch(path).header("if-match", &*tag).json(&number);
            let status = change.call(app).await.status().as_u16();
            assert!(matches!(status, 200 | 412), "{status}");
            usize::from(status == 200)
        });
    }
    clients.join_all().await.into_iter().sum()
}

async fn no_update_is_lost<T: Thing>(thing: T) {
    let app = app(thing.clone());
    for (round, path) in [(1, "/guarded"), (2, "/locked")] {
        let refused = count_to_a_thousand(app.clone(), path).await;
        assert!(refused > 0, "the clients did not race");
        assert_eq!(thing.read().await, (round * 1000, round * 1000), "{path}");
    }
    for (round, path) in [(1, "/guarded"), (2, "/locked")] {
        assert_eq!(race_for_one_version(app.clone(), path).await, 1, "{path}");
        assert_eq!(thing.read().await.0, 2000 + round, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_on_sqlite() {
    let file = SqliteFile::new();
    let options = SqliteConnectOptions::new()
        .filename(file.path())
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .busy_timeout(Duration::from_secs(60));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(60))
        .connect_with(options)
        .await
        .unwrap();
    sqlx::query(TABLE).execute(&pool).await.unwrap();
    sqlx::query(ROW).execute(&pool).await.unwrap();
    no_update_is_lost(pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_on_postgres() {
    let database = PostgresServer::shared().await.database().await;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(60))
        .connect(&database.url())
        .await
        .unwrap();
    sqlx::query(TABLE).execute(&pool).await.unwrap();
    sqlx::query(ROW).execute(&pool).await.unwrap();
    no_update_is_lost(pool).await;
}
