//! Sessions on a real server that is reached through a proxy, and a way around the proxy.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use buttress_jwt::{
    PostgresRefreshStore, RedisRefreshStore, RefreshStore, SessionEvent, SessionId, Sessions,
    testing::StoreHarness,
};
use buttress_testkit::{Direction, Passage, PostgresServer, Proxy};
use redis::AsyncCommands;
use sqlx::{Connection, PgConnection, postgres::PgPoolOptions};

use super::{postgres::Postgres, redis::Redis, sessions};
use crate::sessions::summary;

pub(super) struct Through {
    pub(super) proxy: Proxy,
    pub(super) sessions: Sessions,
    told: Arc<Mutex<Vec<String>>>,
    server: Server,
}

enum Server {
    Postgres(Postgres),
    Redis(Redis),
}

/// What is lost between the client and the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Request,
    Answer,
}

impl Through {
    /// With one connection, which is asked whether it is there before it is used, as sqlx does.
    pub(super) async fn to_postgres() -> Self {
        let postgres = Postgres::new("read committed").await;
        postgres.store().await;
        let proxy = Proxy::to(PostgresServer::shared().await.address()).await;
        let url = postgres.database.url_through(proxy.address());
        let pool = PgPoolOptions::new().max_connections(1).connect(&url).await;
        let store = PostgresRefreshStore::new(pool.expect("a database"));
        Self::new(proxy, store, Server::Postgres(postgres))
    }

    pub(super) async fn to_redis() -> Self {
        let redis = Redis::new().await;
        let proxy = Proxy::to(redis.server.address()).await;
        let url = format!("redis://{}/", proxy.address());
        let client = redis::Client::open(url).expect("a client");
        let store = RedisRefreshStore::new(client)
            .with_prefix(&redis.prefix)
            .expect("a prefix")
            // Nothing here is to be late, however slow the machine is.
            .with_timeout(Duration::from_secs(60))
            .expect("a timeout");
        let through = Self::new(proxy, store, Server::Redis(redis));
        // From now on the server knows the scripts: it would answer first that it does not.
        let pair = through.sessions.start("nobody").await.expect("a session");
        let pair = through.sessions.refresh(&pair.refresh_token).await;
        pair.expect("a pair");
        through
    }

    fn new(proxy: Proxy, store: impl RefreshStore, server: Server) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let sessions = sessions(Arc::new(store)).with_events(move |event: &SessionEvent<'_>| {
            listener.lock().unwrap().push(summary(event));
        });
        Self {
            proxy,
            sessions,
            told,
            server,
        }
    }

    /// What the proxy does, once, with the next request that names the session, or with the first bytes of the
    /// answer to it. The number is how often it has.
    ///
    /// A server answers when it is done: by then a rotation is committed.
    pub(super) fn once(
        &self,
        session: SessionId,
        part: Part,
        passage: Passage,
    ) -> Arc<AtomicUsize> {
        let name = session.to_string().into_bytes();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let mut asked = false;
        self.proxy.inspect(move |direction, bytes| {
            if direction == Direction::ToServer {
                asked |= bytes.windows(name.len()).any(|window| window == name);
            }
            let is_it = match part {
                Part::Request => asked,
                Part::Answer => asked && direction == Direction::ToClient,
            };
            if !is_it || count.load(Ordering::SeqCst) > 0 {
                return Passage::Pass;
            }
            count.fetch_add(1, Ordering::SeqCst);
            passage
        });
        done
    }

    /// The first words of what was told since the last time.
    pub(super) fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        let word = |event: String| event.split([' ', ':']).next().map(str::to_owned);
        told.into_iter().filter_map(word).collect()
    }

    /// How often the session has been rotated, as the server has it.
    pub(super) async fn generation(&self, session: SessionId) -> i64 {
        match &self.server {
            Server::Postgres(postgres) => {
                let mut connection = PgConnection::connect(&postgres.database.url())
                    .await
                    .expect("a connection");
                let generation = "SELECT generation FROM buttress_refresh_families WHERE id = $1";
                sqlx::query_scalar(generation)
                    .bind(session.to_string())
                    .fetch_one(&mut connection)
                    .await
                    .expect("a session")
            }
            Server::Redis(redis) => {
                let mut connection = redis
                    .client()
                    .get_multiplexed_async_connection()
                    .await
                    .expect("a connection");
                let keys: Vec<String> = connection
                    .keys(format!("{}*:{session}", redis.prefix))
                    .await
                    .expect("keys");
                let generation = connection.hget(&keys[0], "generation").await;
                generation.expect("a session")
            }
        }
    }

    pub(super) async fn advance(&self, by: Duration) {
        match &self.server {
            Server::Postgres(postgres) => postgres.advance(by).await,
            Server::Redis(redis) => redis.advance(by).await,
        }
    }
}
