//! A process that is gone in the middle of a rotation on SQLite: each test runs its own binary again, and that one
//! ends itself at the point that is meant.

use std::{
    env,
    io::Write,
    process::{self, Command},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, Clock, Ending, Endings, Error, Judged, Proposal, RefreshStore, Session,
    SessionEvent, SessionId, SqliteRefreshStore,
};
use buttress_testkit::SqliteFile;
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

use super::sessions;
use crate::sessions::summary;

/// Where a process that is to end finds what to do.
const PLACE: &str = "BUTTRESS_JWT_TEST_CRASH_PLACE";
const TOKEN: &str = "BUTTRESS_JWT_TEST_CRASH_TOKEN";

/// What it says last.
const LAST_WORDS: &str = "GONE";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    /// The family is read and locked, and nothing is written.
    Written,
    /// Everything is written, and not committed.
    Committed,
    /// It is committed, and nobody knows.
    Answered,
}

#[tokio::test]
async fn before_anything_is_written_is_mended_by_a_retry() {
    is_mended_by_a_retry(Point::Written, "before_anything_is_written").await;
}

#[tokio::test]
async fn before_the_commit_is_mended_by_a_retry() {
    is_mended_by_a_retry(Point::Committed, "before_the_commit").await;
}

#[tokio::test]
async fn before_the_answer_is_mended_by_a_retry() {
    is_mended_by_a_retry(Point::Answered, "before_the_answer").await;
}

async fn is_mended_by_a_retry(point: Point, test: &str) {
    if let (Ok(url), Ok(token)) = (env::var(PLACE), env::var(TOKEN)) {
        return refresh_and_be_gone(&url, &token, point).await;
    }
    let file = SqliteFile::new();
    let pool = SqlitePool::connect(&file.url()).await.expect("a database");
    let store = SqliteRefreshStore::new(pool.clone());
    store.migrate().await.expect("tables");
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let sessions = sessions(Arc::new(store)).with_events(move |event: &SessionEvent<'_>| {
        listener.lock().unwrap().push(summary(event));
    });
    let first = sessions.start("user-1").await.expect("a session");
    let name = format!("stores::crashes::{test}_is_mended_by_a_retry");
    let other = Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", "--nocapture", &name])
        .env(PLACE, file.url())
        .env(TOKEN, &first.refresh_token)
        .output()
        .expect("another process");
    let output = String::from_utf8_lossy(&other.stdout);
    assert!(!other.status.success(), "{output}");
    assert!(output.lines().any(|line| line == LAST_WORDS), "{output}");
    let generation = async || -> i64 {
        let generation = "SELECT generation FROM buttress_refresh_families";
        let generation = sqlx::query_scalar(generation).fetch_one(&pool).await;
        generation.expect("a session")
    };
    let is_committed = point == Point::Answered;
    assert_eq!(generation().await, i64::from(is_committed));

    told.lock().unwrap().clear();
    let retry = sessions.refresh(&first.refresh_token).await;
    let retry = retry.expect("a pair");
    let tab = sessions.refresh(&first.refresh_token).await;
    assert_eq!(tab.expect("a pair").refresh_token, retry.refresh_token);
    assert_eq!(generation().await, 1);
    let next = sessions.refresh(&retry.refresh_token).await;
    let next = next.expect("a pair");
    let list = sessions.list("user-1").await.expect("a list");
    assert_eq!(list, [next.session]);
    let told = told.lock().unwrap();
    let words: Vec<&str> = told
        .iter()
        .filter_map(|told| told.split([' ', ':']).next())
        .collect();
    let first = if is_committed { "reissued" } else { "rotated" };
    assert_eq!(words, [first, "reissued", "rotated"]);
}

async fn refresh_and_be_gone(url: &str, token: &str, point: Point) {
    let pool = SqlitePoolOptions::new()
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if point == Point::Committed {
                    let mut handle = connection.lock_handle().await?;
                    handle.set_commit_hook(|| be_gone());
                }
                Ok(())
            })
        })
        .connect(url)
        .await
        .expect("a database");
    let mut store = SqliteRefreshStore::new(pool);
    if point == Point::Written {
        // The time is read right after the family.
        store = store.with_clock(Clock::new(|| -> SystemTime { be_gone() }));
    }
    let answer = sessions(Arc::new(Last(store))).refresh(token).await;
    panic!("it went on: {answer:?}");
}

/// As by a signal: nothing is cleared up.
fn be_gone() -> ! {
    println!("\n{LAST_WORDS}");
    let _flushed = std::io::stdout().flush();
    process::abort()
}

/// A store whose answer to a rotation is the last thing that happens.
#[derive(Debug)]
struct Last(SqliteRefreshStore);

#[async_trait]
impl RefreshStore for Last {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.0.begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        let _lost = self.0.rotate(proposal).await?;
        be_gone()
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.0.end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.0.list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.0.find(id).await
    }
}
