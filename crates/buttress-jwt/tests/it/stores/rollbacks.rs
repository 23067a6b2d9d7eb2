//! Stores that are what they were before: after a failover to a replica that had not got everything, or with a backup
//! in their place. Clients have tokens then that the store does not know yet.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use buttress_jwt::{
    OnRollback, PostgresRefreshStore, RedisRefreshStore, RefreshStore, Refusal, SessionEvent,
    Sessions, SqliteRefreshStore,
};
use buttress_testkit::{PostgresServer, Proxy, RedisServer, SqliteFile, TestDatabase};
use redis::AsyncCommands;
use sqlx::{Executor, PgPool, SqlitePool};

use super::sessions;
use crate::sessions::summary;

#[tokio::test]
async fn on_redis_are_seen_after_a_failover() {
    are_seen(async || FailedOver::new().await).await;
}

#[tokio::test]
async fn on_postgres_are_seen_after_a_restore() {
    are_seen(async || {
        let database = PostgresServer::shared().await.database().await;
        let pool = PgPool::connect(&database.url()).await.expect("a database");
        let place = RestoredRow { pool, database };
        let store = PostgresRefreshStore::new(place.pool.clone());
        store.migrate().await.expect("tables");
        place
    })
    .await;
}

#[tokio::test]
async fn on_sqlite_are_seen_after_a_restore() {
    are_seen(async || RestoredFile {
        file: SqliteFile::new(),
        pool: None,
    })
    .await;
}

/// Where sessions are kept.
#[async_trait]
trait Place {
    /// As by another process.
    async fn open(&mut self) -> Arc<dyn RefreshStore>;

    /// What is done from now on will be lost.
    async fn save(&mut self);

    async fn go_back(&mut self);
}

async fn are_seen<P: Place>(place: impl AsyncFn() -> P) {
    for (rollback, lost) in [
        (OnRollback::Deny, 1),
        (OnRollback::Deny, 2),
        (OnRollback::AcceptOneAhead, 1),
        (OnRollback::AcceptOneAhead, 2),
    ] {
        let case = format!("{rollback:?}, {lost} lost");
        let mut place = place().await;
        let (before, _) = watched(place.open().await, rollback);
        let first = before.start("user-1").await.expect(&case);
        place.save().await;
        let mut newest = first.clone();
        for _ in 0..lost {
            newest = before.refresh(&newest.refresh_token).await.expect(&case);
        }
        place.go_back().await;

        let (sessions, told) = watched(place.open().await, rollback);
        if rollback == OnRollback::AcceptOneAhead && lost == 1 {
            let next = sessions.refresh(&newest.refresh_token).await.expect(&case);
            assert_eq!(take(&told), ["caught up"], "{case}");
            let racer = sessions.refresh(&newest.refresh_token).await.expect(&case);
            assert_eq!(racer.refresh_token, next.refresh_token, "{case}");
            let last = sessions.refresh(&next.refresh_token).await.expect(&case);
            let list = sessions.list("user-1").await.expect(&case);
            assert_eq!(list, [last.session], "{case}");
            continue;
        }
        // However often it comes, it ends nothing.
        for _ in 0..2 {
            let error = sessions.refresh(&newest.refresh_token).await.unwrap_err();
            let ahead = Refusal::Ahead { generations: lost };
            assert_eq!(error.refusal(), Some(ahead), "{case}");
            let event = format!("refused user-1: store-rollback ({lost} generations lost)");
            assert_eq!(take(&told), [event], "{case}");
            let list = sessions.list("user-1").await.expect(&case);
            assert_eq!(list, std::slice::from_ref(&first.session), "{case}");
        }

        // Who has what the store knows goes on from there, and then there are two tokens of one generation.
        let mut next = first;
        for _ in 0..lost {
            next = sessions.refresh(&next.refresh_token).await.expect(&case);
        }
        take(&told);
        let error = sessions.refresh(&newest.refresh_token).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Forged), "{case}");
        let expected = ["refused user-1: forged", "ended user-1: forged"];
        assert_eq!(take(&told), expected, "{case}");
        assert_eq!(sessions.list("user-1").await.expect(&case), []);
        assert!(sessions.refresh(&next.refresh_token).await.is_err());
    }
}

type Told = Arc<Mutex<Vec<String>>>;

fn watched(store: Arc<dyn RefreshStore>, rollback: OnRollback) -> (Sessions, Told) {
    let told = Told::default();
    let listener = Arc::clone(&told);
    let sessions = sessions(store)
        .with_rollback(rollback)
        .with_events(move |event: &SessionEvent<'_>| listener.lock().unwrap().push(summary(event)));
    (sessions, told)
}

fn take(told: &Told) -> Vec<String> {
    std::mem::take(&mut *told.lock().unwrap())
}

/// A master that acknowledges what its replica does not get any more, and dies.
struct FailedOver {
    master: Option<RedisServer>,
    replica: RedisServer,
    /// Between the two.
    link: Proxy,
    /// Between the clients and the one that is the master.
    proxy: Proxy,
}

impl FailedOver {
    async fn new() -> Self {
        let (master, replica) = (RedisServer::start().await, RedisServer::start().await);
        let link = Proxy::to(master.address()).await;
        let proxy = Proxy::to(master.address()).await;
        let (ip, port) = (link.address().ip(), link.address().port());
        let mut connection = connect(&replica).await;
        let () = redis::cmd("REPLICAOF")
            .arg(ip.to_string())
            .arg(port)
            .query_async(&mut connection)
            .await
            .expect("a replica");
        Self {
            master: Some(master),
            replica,
            link,
            proxy,
        }
    }
}

#[async_trait]
impl Place for FailedOver {
    async fn open(&mut self) -> Arc<dyn RefreshStore> {
        let url = format!("redis://{}/", self.proxy.address());
        let client = redis::Client::open(url).expect("a client");
        Arc::new(RedisRefreshStore::new(client))
    }

    async fn save(&mut self) {
        let master = self.master.as_ref().expect("a master");
        let mut connection = connect(master).await;
        // Of those that have what this connection wrote, and so all that was written before.
        let () = connection.set("last", 1).await.expect("a write");
        let mut replicas = 0;
        while replicas == 0 {
            replicas = redis::cmd("WAIT")
                .arg(1)
                .arg(100)
                .query_async(&mut connection)
                .await
                .expect("a count");
        }
        self.link.stall();
    }

    async fn go_back(&mut self) {
        self.link.refuse();
        self.link.reset();
        // A server that is asked to end waits for replicas that are behind, unless it has lost them.
        let master = self.master.take().expect("a master");
        let mut connection = connect(&master).await;
        let mut replication = String::new();
        while !replication.contains("connected_slaves:0") {
            replication = redis::cmd("INFO")
                .arg("replication")
                .query_async(&mut connection)
                .await
                .expect("its replicas");
        }
        drop(master);
        self.replica.promote().await;
        self.proxy.lead_to(self.replica.address());
    }
}

async fn connect(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a client");
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("a connection")
}

struct RestoredRow {
    pool: PgPool,
    #[expect(dead_code, reason = "it is there as long as this is")]
    database: TestDatabase,
}

#[async_trait]
impl Place for RestoredRow {
    async fn open(&mut self) -> Arc<dyn RefreshStore> {
        Arc::new(PostgresRefreshStore::new(self.pool.clone()))
    }

    async fn save(&mut self) {
        let save = "CREATE TABLE saved AS SELECT * FROM buttress_refresh_families";
        self.pool.execute(save).await.expect("a copy");
    }

    async fn go_back(&mut self) {
        let restore = "DELETE FROM buttress_refresh_families; \
                       INSERT INTO buttress_refresh_families SELECT * FROM saved";
        self.pool.execute(restore).await.expect("what was saved");
    }
}

struct RestoredFile {
    file: SqliteFile,
    pool: Option<SqlitePool>,
}

impl RestoredFile {
    fn backup(&self) -> PathBuf {
        self.file.folder().join("backup.db")
    }
}

#[async_trait]
impl Place for RestoredFile {
    async fn open(&mut self) -> Arc<dyn RefreshStore> {
        let pool = SqlitePool::connect(&self.file.url()).await;
        let pool = pool.expect("a database");
        self.pool = Some(pool.clone());
        let store = SqliteRefreshStore::new(pool);
        store.migrate().await.expect("tables");
        Arc::new(store)
    }

    async fn save(&mut self) {
        let pool = self.pool.as_ref().expect("a database");
        sqlx::query("VACUUM INTO ?")
            .bind(self.backup().to_str().expect("a path in UTF-8"))
            .execute(pool)
            .await
            .expect("a backup");
    }

    async fn go_back(&mut self) {
        let pool = self.pool.take().expect("a database");
        pool.close().await;
        fs::copy(self.backup(), self.file.path()).expect("the backup");
    }
}
