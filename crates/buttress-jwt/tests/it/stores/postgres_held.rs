//! A statement that holds the row of a session, and others that wait for it.

use buttress_jwt::{EndReason, RefreshError, Refusal, Sessions, TokenPair, testing::StoreHarness};
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::{JoinHandle, yield_now};

use super::{postgres::Postgres, sessions};

const ISOLATIONS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

#[derive(Clone, Copy, Debug)]
enum Way {
    One,
    All,
}

/// The rotation is committed, and the end after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_waits_for_a_rotation_that_holds_the_row_and_wins() {
    for isolation in ISOLATIONS {
        for way in [Way::One, Way::All] {
            let case = format!("{isolation}, {way:?}");
            let (mut gate, sessions, first) = Gate::new(isolation).await;
            gate.shut().await;
            let rotation = refresh(&sessions, &first);
            gate.wait_for(1).await;
            let ending = end(&sessions, &first, way);
            gate.wait_for(2).await;
            gate.open().await;

            let pair = rotation.await.expect("no panic").expect(&case);
            assert!(ending.await.expect("no panic"), "{case}");
            assert_over(&sessions, &[&first, &pair], &case).await;
        }
    }
}

/// The end is committed, and the rotation finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_waits_for_an_end_that_holds_the_row_and_loses() {
    for isolation in ISOLATIONS {
        for way in [Way::One, Way::All] {
            let case = format!("{isolation}, {way:?}");
            let (mut gate, sessions, first) = Gate::new(isolation).await;
            gate.shut().await;
            let ending = end(&sessions, &first, way);
            gate.wait_for(1).await;
            let rotation = refresh(&sessions, &first);
            gate.wait_for(2).await;
            gate.open().await;

            assert!(ending.await.expect("no panic"), "{case}");
            let error = rotation.await.expect("no panic").unwrap_err();
            let ended = Refusal::Ended(EndReason::SignedOut);
            assert_eq!(error.refusal(), Some(ended), "{case}");
            assert_over(&sessions, &[&first], &case).await;
        }
    }
}

fn refresh(sessions: &Sessions, pair: &TokenPair) -> JoinHandle<Result<TokenPair, RefreshError>> {
    let (sessions, token) = (sessions.clone(), pair.refresh_token.clone());
    tokio::spawn(async move { sessions.refresh(&token).await })
}

/// Whether it ended the session.
fn end(sessions: &Sessions, pair: &TokenPair, way: Way) -> JoinHandle<bool> {
    let (sessions, id) = (sessions.clone(), pair.session.id);
    tokio::spawn(async move {
        let ended = match way {
            Way::One => sessions.end("user-1", id).await,
            Way::All => {
                let ended = sessions.end_all("user-1").await;
                ended.map(|ended| ended.len() == 1)
            }
        };
        ended.expect("an end")
    })
}

async fn assert_over(sessions: &Sessions, pairs: &[&TokenPair], case: &str) {
    for pair in pairs {
        let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
        let ended = Some(Refusal::Ended(EndReason::SignedOut));
        assert_eq!(error.refusal(), ended, "{case}");
    }
    let list = sessions.list("user-1").await.expect("a list");
    assert_eq!(list, [], "{case}");
}

/// Where those who change a row wait, with the row locked, while it is shut.
struct Gate {
    holder: PgConnection,
    watcher: PgConnection,
    _postgres: Postgres,
}

impl Gate {
    async fn new(isolation: &'static str) -> (Self, Sessions, TokenPair) {
        let postgres = Postgres::new(isolation).await;
        let sessions = sessions(postgres.store().await);
        let first = sessions.start("user-1").await.expect("a session");
        let url = postgres.database.url();
        let holder = PgConnection::connect(&url).await.expect("a connection");
        let mut watcher = PgConnection::connect(&url).await.expect("a connection");
        // A trigger runs when the row is locked.
        let trigger = "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS \
                       'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END'; \
                       CREATE TRIGGER gate BEFORE UPDATE ON buttress_refresh_families \
                       FOR EACH ROW EXECUTE FUNCTION pass()";
        watcher.execute(trigger).await.expect("a trigger");
        let gate = Self {
            holder,
            watcher,
            _postgres: postgres,
        };
        (gate, sessions, first)
    }

    async fn shut(&mut self) {
        let shut = "SELECT pg_advisory_lock(1)";
        self.holder.execute(shut).await.expect("a lock");
    }

    async fn open(&mut self) {
        let open = "SELECT pg_advisory_unlock(1)";
        self.holder.execute(open).await.expect("the lock is free");
    }

    /// Until so many wait: the first at the gate, the others for its row.
    async fn wait_for(&mut self, count: i64) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let now: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&mut self.watcher)
                .await
                .expect("a count");
            if now == count {
                return;
            }
            yield_now().await;
        }
    }
}
