//! Several processes on one store: each test runs its own binary again, as the others.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use buttress_jwt::{
    PostgresRefreshStore, RedisRefreshStore, RefreshStore, SessionEvent, SqliteRefreshStore,
};
use buttress_testkit::{PostgresServer, RedisServer, SqliteFile};
use sqlx::{PgPool, SqlitePool};

use super::sessions;

const PROCESSES: usize = 4;
const SESSIONS: usize = 12;
/// For each session, in each process.
const CALLERS: usize = 4;

/// Where a process that is one of the others finds what to do.
const PLACE: &str = "BUTTRESS_JWT_TEST_PLACE";
const TOKENS: &str = "BUTTRESS_JWT_TEST_TOKENS";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_agree() {
    let open = async |url: String| {
        let store = PostgresRefreshStore::new(PgPool::connect(&url).await.expect("a database"));
        store.migrate().await.expect("tables");
        Arc::new(store) as Arc<dyn RefreshStore>
    };
    if let Ok(url) = env::var(PLACE) {
        return be_one_of_them(open(url).await).await;
    }
    let database = PostgresServer::shared().await.database().await;
    agree(
        "on_postgres_agree",
        &database.url(),
        open(database.url()).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_agree() {
    let open = async |url: String| {
        let store = SqliteRefreshStore::new(SqlitePool::connect(&url).await.expect("a database"));
        store.migrate().await.expect("tables");
        Arc::new(store) as Arc<dyn RefreshStore>
    };
    if let Ok(url) = env::var(PLACE) {
        return be_one_of_them(open(url).await).await;
    }
    let file = SqliteFile::new();
    agree("on_sqlite_agree", &file.url(), open(file.url()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_redis_agree() {
    let open = |url: &str| {
        let client = redis::Client::open(url).expect("a client");
        let store = RedisRefreshStore::new(client).with_prefix("processes:");
        Arc::new(store.expect("a prefix")) as Arc<dyn RefreshStore>
    };
    if let Ok(url) = env::var(PLACE) {
        return be_one_of_them(open(&url)).await;
    }
    let url = RedisServer::shared().await.url();
    agree("on_redis_agree", &url, open(&url)).await;
}

/// Begins sessions and lets all processes refresh all of them at once.
async fn agree(test: &str, place: &str, store: Arc<dyn RefreshStore>) {
    let sessions = sessions(store);
    let mut first = Vec::new();
    for _ in 0..SESSIONS {
        let pair = sessions.start("user-1").await.expect("a session");
        first.push(pair.refresh_token);
    }
    let mut others: Vec<Child> = (0..PROCESSES)
        .map(|_| {
            Command::new(env::current_exe().expect("this binary"))
                .args([
                    "--exact",
                    "--nocapture",
                    &format!("stores::processes::{test}"),
                ])
                .env(PLACE, place)
                .env(TOKENS, first.join(" "))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("another process")
        })
        .collect();
    let mut outputs: Vec<_> = others
        .iter_mut()
        .map(|other| BufReader::new(other.stdout.take().expect("its output")).lines())
        .collect();
    for output in &mut outputs {
        let ready = output.find(|line| matches!(line.as_deref(), Ok("READY")));
        assert!(ready.is_some(), "a process did not start");
    }
    for other in &mut others {
        let input = other.stdin.as_mut().expect("its input");
        input.write_all(b"go\n").expect("it listens");
    }

    let mut tokens = vec![Vec::new(); SESSIONS];
    let mut rotations = 0;
    for line in outputs.into_iter().flatten().map_while(Result::ok) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["TOKEN", session, token] => {
                let session: usize = session.parse().expect("a number");
                tokens[session].push(token.to_owned());
            }
            ["ROTATIONS", count] => rotations += count.parse::<usize>().expect("a number"),
            _ => {}
        }
    }
    for mut other in others {
        assert!(other.wait().expect("its end").success());
    }
    for mut tokens in tokens {
        assert_eq!(tokens.len(), PROCESSES * CALLERS);
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "all have the same token");
        sessions.refresh(&tokens[0]).await.expect("it works");
    }
    assert_eq!(rotations, SESSIONS);
}

async fn be_one_of_them(store: Arc<dyn RefreshStore>) {
    let tokens = env::var(TOKENS).expect("tokens");
    let rotations = Arc::new(Mutex::new(0));
    let sessions = sessions(store).with_events({
        let rotations = Arc::clone(&rotations);
        move |event: &SessionEvent<'_>| {
            if matches!(event, SessionEvent::Rotated { .. }) {
                *rotations.lock().expect("a count") += 1;
            }
        }
    });
    println!("\nREADY");
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("the start");
    let mut callers = Vec::new();
    for (session, token) in tokens.split(' ').enumerate() {
        for _ in 0..CALLERS {
            let (sessions, token) = (sessions.clone(), token.to_owned());
            let caller = tokio::spawn(async move { sessions.refresh(&token).await });
            callers.push((session, caller));
        }
    }
    for (session, caller) in callers {
        let pair = caller.await.expect("no panic").expect("a pair");
        println!("\nTOKEN {session} {}", pair.refresh_token);
    }
    println!("\nROTATIONS {}", rotations.lock().expect("a count"));
}
