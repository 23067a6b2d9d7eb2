//! An end at every point where a refresh waits for something: the end wins.
//!
//! A refresh stops at each of its points, and at one of them the session is ended, by another process, before it
//! goes on. What may happen within a call of the store is for its own races.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use buttress_jwt::{
    BearerLayer, Claims, EndReason, MemoryRefreshStore, RefreshStore, Refusal, SessionEvent,
    SessionId, Sessions, TokenPair, Verifier,
};
use buttress_testkit::http;
use bytes::Bytes;
use http_body_util::Full;
use tokio::task::yield_now;
use tower::{Layer, service_fn};

use super::{
    sessions,
    steps::{Action, POINTS, Steps, stepping},
};
use crate::sessions::summary;

#[tokio::test]
async fn in_memory_the_end_wins_at_every_point() {
    let store = MemoryRefreshStore::new();
    the_end_wins_at_every_point(|| Arc::new(store.clone())).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn on_sqlite_the_end_wins_at_every_point() {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

    let file = buttress_testkit::SqliteFile::new();
    let options = SqliteConnectOptions::new()
        .filename(file.path())
        .create_if_missing(true)
        // No test outlives the machine.
        .synchronous(SqliteSynchronous::Off);
    let pool = sqlx::SqlitePool::connect_with(options).await;
    let pool = pool.expect("a database");
    let store = buttress_jwt::SqliteRefreshStore::new(pool);
    store.migrate().await.expect("tables");
    the_end_wins_at_every_point(|| Arc::new(store.clone())).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres_the_end_wins_at_every_point() {
    let server = buttress_testkit::PostgresServer::shared().await;
    let database = server.database().await;
    let pool = sqlx::PgPool::connect(&database.url()).await.unwrap();
    let store = buttress_jwt::PostgresRefreshStore::new(pool);
    store.migrate().await.expect("tables");
    the_end_wins_at_every_point(|| Arc::new(store.clone())).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn on_redis_the_end_wins_at_every_point() {
    let server = buttress_testkit::RedisServer::shared().await;
    let prefix = server.key_prefix();
    the_end_wins_at_every_point(|| {
        let client = redis::Client::open(server.url()).expect("a client");
        let store = buttress_jwt::RedisRefreshStore::new(client).with_prefix(&prefix);
        Arc::new(store.expect("a prefix"))
    })
    .await;
}

/// By a clock of its own: the end comes after so many turns of the scheduler, wherever the refresh is then.
#[tokio::test]
async fn the_end_wins_after_every_turn() {
    let store = MemoryRefreshStore::new();
    let ender = sessions(Arc::new(store.clone()));
    for turns in 0.. {
        let (sessions, verifier) = stepping(Arc::new(store.clone()), &Steps::new(None));
        let first = ender.start("user-1").await.expect("a session");
        let (refreshing, token) = (sessions.clone(), first.refresh_token.clone());
        let refresh = tokio::spawn(async move { refreshing.refresh(&token).await });
        for _ in 0..turns {
            yield_now().await;
        }
        let is_over = refresh.is_finished();
        ender.end("user-1", first.session.id).await.expect("an end");
        let pair = refresh.await.expect("no panic").ok();
        assert_over(
            &sessions,
            verifier,
            &first,
            pair.as_ref(),
            &turns.to_string(),
        )
        .await;
        if is_over {
            // A refresh has more points than that, and a turn for each.
            assert!(turns > POINTS.len(), "{turns}");
            return;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The newest token, and a new one for it.
    Rotated,
    /// Its parent, and the same one for it.
    Reissued,
    /// One that is too young to be replaced.
    Kept,
}

const KINDS: [Kind; 3] = [Kind::Rotated, Kind::Reissued, Kind::Kept];

#[derive(Clone, Copy, Debug)]
enum Way {
    One,
    ByToken,
    All,
    AllButAnother,
}

const WAYS: [Way; 4] = [Way::One, Way::ByToken, Way::All, Way::AllButAnother];

async fn the_end_wins_at_every_point(open: impl Fn() -> Arc<dyn RefreshStore>) {
    let ender = sessions(open());
    for way in WAYS {
        for kind in KINDS {
            for point in POINTS {
                let case = format!("{way:?}, {kind:?}, {point}");
                let first = ender.start("user-1").await.expect("a session");
                if let Kind::Reissued = kind {
                    let token = &first.refresh_token;
                    ender.refresh(token).await.expect("a rotation");
                }
                let steps = Steps::new(Some((point, end(&ender, way, &first))));
                let (mut sessions, verifier) = stepping(open(), &steps);
                if let Kind::Kept = kind {
                    let age = Duration::from_secs(300);
                    sessions = sessions.with_min_rotation_age(age).expect("an age");
                }
                let told = Arc::new(Mutex::new(Vec::new()));
                let listener = Arc::clone(&told);
                let sessions = sessions.with_events(move |event: &SessionEvent<'_>| {
                    listener.lock().unwrap().push(summary(event));
                });
                let answer = sessions.refresh(&first.refresh_token).await;
                let pair = match answer {
                    // What was judged before has its answer, for what that is worth.
                    Ok(pair) => Some(pair),
                    Err(error) => {
                        let ended = Refusal::Ended(EndReason::SignedOut);
                        assert_eq!(error.refusal(), Some(ended), "{case}");
                        None
                    }
                };
                assert_eq!(pair.is_none(), point == POINTS[0], "{case}");
                let passed = steps.passed();
                match pair {
                    Some(_) => assert_eq!(passed, POINTS, "{case}"),
                    None => assert_eq!(passed, POINTS[..2], "{case}"),
                }
                let told = std::mem::take(&mut *told.lock().unwrap());
                let expected = match kind {
                    _ if pair.is_none() => "refused user-1: ended (signed-out)",
                    Kind::Rotated => "rotated",
                    Kind::Reissued => "reissued",
                    Kind::Kept => "kept",
                };
                assert!(told[0].starts_with(expected), "{case}: {told:?}");
                assert_over(&sessions, verifier, &first, pair.as_ref(), &case).await;
            }
        }
    }
}

/// Whatever there is of the session opens nothing any more.
async fn assert_over(
    sessions: &Sessions,
    verifier: Verifier,
    first: &TokenPair,
    last: Option<&TokenPair>,
    case: &str,
) {
    let id = first.session.id;
    let found = sessions.find(id).await.expect("an answer");
    let ended = found.expect(case).ended.expect(case);
    assert_eq!(ended.reason, EndReason::SignedOut, "{case}");
    let list = sessions.list("user-1").await.expect("a list");
    assert!(list.iter().all(|session| session.id != id), "{case}");
    for pair in [Some(first), last].into_iter().flatten() {
        let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
        let ended = Some(Refusal::Ended(EndReason::SignedOut));
        assert_eq!(error.refusal(), ended, "{case}");
    }
    let Some(last) = last else { return };
    let token = &last.access_token.token;
    let claims: Claims = verifier.verify(token).expect(case);
    assert_eq!(claims.session_id, Some(id.to_string()), "{case}");
    let layer = BearerLayer::<()>::new(verifier)
        .with_revocation(sessions.revocation().with_max_age(Duration::ZERO));
    let app = layer.layer(service_fn(async |_| {
        Ok::<_, io::Error>(::http::Response::new(Full::<Bytes>::default()))
    }));
    let answer = http::get("/")
        .header("authorization", format!("Bearer {token}").as_str())
        .call(app)
        .await;
    assert_eq!(answer.status(), 401, "{case}");
}

/// Ends the session of the pair, which is the only one, in this way.
fn end(ender: &Sessions, way: Way, pair: &TokenPair) -> Action {
    let (ender, pair) = (ender.clone(), pair.clone());
    Box::new(move || {
        Box::pin(async move {
            let ended = match way {
                Way::One => ender.end("user-1", pair.session.id).await.map(usize::from),
                Way::ByToken => {
                    let ended = ender.end_by_token(&pair.refresh_token).await;
                    ended.map(|session| usize::from(session.is_some()))
                }
                Way::All => ender.end_all("user-1").await.map(|ended| ended.len()),
                Way::AllButAnother => {
                    let another = SessionId::new("user-1").expect("an id");
                    let ended = ender.end_all_but("user-1", another).await;
                    ended.map(|ended| ended.len())
                }
            };
            assert_eq!(ended.expect("an end"), 1);
        })
    })
}
