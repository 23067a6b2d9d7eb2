//! The connection of the Redis store: which one is kept, and which one is replaced.

use std::{fmt::Debug, sync::Arc, time::Duration};

use buttress_jwt::{
    ApiKeyError, ApiKeys, Environment, Error, ErrorKind, RedisApiKeyStore, RedisRefreshStore,
    RefreshError, RefreshStore, Sessions,
};
use buttress_testkit::{Proxy, RedisServer};
use redis::Client;
use tokio::{net::TcpListener, time};

use super::sessions;

const TIMEOUT: Duration = Duration::from_secs(1);
/// Much less than the time-out of the store.
const IMPATIENCE: Duration = Duration::from_millis(20);
/// Longer than the impatience of callers, shorter than the time-out.
const SLOW: Duration = Duration::from_millis(100);

/// Sessions on the server that the proxy leads to.
fn sessions_through(proxy: &Proxy) -> Sessions {
    sessions(Arc::new(store_through(proxy)))
}

/// Without anything around it that would wait for the store where the caller does not.
fn store_through(proxy: &Proxy) -> RedisRefreshStore {
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    RedisRefreshStore::new(client)
        .with_timeout(TIMEOUT)
        .expect("a timeout")
}

#[tokio::test]
async fn a_server_that_was_demoted_is_left_for_the_new_master() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let sessions = sessions_through(&proxy);
    let pair = sessions.start("user-1").await.expect("a session");

    // As in a failover where nothing closes the connections: the first one lives on, and is only read from.
    second.replicate(&first).await;
    second.promote().await;
    first.replicate(&second).await;
    proxy.lead_to(second.address());
    let pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 2);
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_replica_is_no_place_for_sessions_and_asked_again_by_the_next_call_only() {
    let (first, second) = (RedisServer::start().await, RedisServer::start().await);
    let proxy = Proxy::to(first.address()).await;
    let sessions = sessions_through(&proxy);
    let pair = sessions.start("user-1").await.expect("a session");
    second.replicate(&first).await;
    second.promote().await;
    first.replicate(&second).await;

    let error = sessions.refresh(&pair.refresh_token).await.unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it was refused: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    // Both connections have led to the replica.
    assert_eq!(proxy.accepted(), 2);
    first.promote().await;
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(proxy.accepted(), 3);
}

/// A master that has become the replica of one that does not answer, so that it goes on telling what was true then.
struct Former {
    server: RedisServer,
    new_master: RedisServer,
    /// Leads to the former master, over connections that live on.
    proxy: Proxy,
    _nobody: TcpListener,
}

impl Former {
    /// Everybody who has to be connected before is so when `connect` is done.
    async fn after(connect: impl AsyncFnOnce(&Proxy)) -> Self {
        let (server, new_master) = (RedisServer::start().await, RedisServer::start().await);
        let proxy = Proxy::to(server.address()).await;
        connect(&proxy).await;
        new_master.replicate(&server).await;
        new_master.promote().await;
        // Connections to it are taken by the system, and by nobody else.
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = nobody.local_addr().expect("an address");
        let client = Client::open(server.url()).expect("a client");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        let () = redis::cmd("REPLICAOF")
            .arg(address.ip().to_string())
            .arg(address.port())
            .query_async(&mut connection)
            .await
            .expect("a replica");
        Self {
            server,
            new_master,
            proxy,
            _nobody: nobody,
        }
    }

    fn sessions_on_the_new_master(&self) -> Sessions {
        let client = Client::open(self.new_master.url()).expect("a client");
        sessions(Arc::new(RedisRefreshStore::new(client)))
    }

    fn keys_on_the_new_master(&self) -> ApiKeys {
        let client = Client::open(self.new_master.url()).expect("a client");
        keys(RedisApiKeyStore::new(client))
    }
}

fn keys(store: RedisApiKeyStore) -> ApiKeys {
    let keys = ApiKeys::new("shop", Environment::Live, store).expect("keys");
    let keys = keys.with_memory(0, Duration::ZERO).expect("no memory");
    // A slow machine is no failure of a store.
    keys.with_store_timeout(Duration::from_secs(60)).unwrap()
}

fn keys_through(proxy: &Proxy) -> ApiKeys {
    let client = Client::open(format!("redis://{}/", proxy.address())).expect("a client");
    keys(
        RedisApiKeyStore::new(client)
            .with_timeout(TIMEOUT)
            .expect("a timeout"),
    )
}

fn fails<T: Debug>(call: &str, answer: Result<T, Error>) {
    match answer {
        Ok(answer) => panic!("{call}: the former master was believed: {answer:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Store, "{call}"),
    }
}

#[tokio::test]
async fn no_session_is_read_from_a_former_master() {
    let mut started = None;
    let former = Former::after(async |proxy| {
        let sessions = sessions_through(proxy);
        let pair = sessions.start("user-1").await.expect("a session");
        started = Some((sessions, pair));
    })
    .await;
    let (sessions, pair) = started.expect("a session");
    let new_master = former.sessions_on_the_new_master();
    let later = new_master.start("user-1").await.expect("a session");
    let id = pair.session.id;
    assert!(new_master.end("user-1", id).await.expect("an end"));

    fails("find", sessions.find(id).await);
    fails("find, unknown", sessions.find(later.session.id).await);
    fails("list", sessions.list("user-1").await);
    fails("end", sessions.end("user-1", later.session.id).await);
    fails("end, of another", sessions.end("user-2", id).await);
    fails("end all", sessions.end_all("user-2").await);
    match sessions.refresh(&later.refresh_token).await {
        Err(RefreshError::Failed(error)) => assert_eq!(error.kind(), ErrorKind::Store),
        other => panic!("the former master was believed: {other:?}"),
    }
    // It did have something to tell.
    assert_eq!(keys_of(&former.server).await, 2);

    former.proxy.lead_to(former.new_master.address());
    sessions
        .refresh(&later.refresh_token)
        .await
        .expect("a pair");
}

#[tokio::test]
async fn no_api_key_is_read_from_a_former_master() {
    let mut issued = None;
    let former = Former::after(async |proxy| {
        let keys = keys_through(proxy);
        let key = keys.issue("user-1").await.expect("a key");
        issued = Some((keys, key));
    })
    .await;
    let (keys, key) = issued.expect("a key");
    let new_master = former.keys_on_the_new_master();
    let later = new_master.issue("user-1").await.expect("a key");
    let id = key.key.id;
    assert!(new_master.revoke("user-1", id).await.expect("an end"));

    for secret in [key.secret, later.secret] {
        match keys.authenticate(&secret.reveal()).await {
            Err(ApiKeyError::Failed(error)) => assert_eq!(error.kind(), ErrorKind::Store),
            other => panic!("the former master was believed: {other:?}"),
        }
    }
    fails("list", keys.list("user-1").await);
    fails("revoke", keys.revoke("user-1", later.key.id).await);
    fails("revoke, of another", keys.revoke("user-2", id).await);
    let rotated = keys.rotate("user-1", later.key.id, Duration::ZERO).await;
    fails("rotate", rotated);
    assert_eq!(keys_of(&former.server).await, 2);

    former.proxy.lead_to(former.new_master.address());
    assert_eq!(keys.list("user-1").await.expect("a list"), [later.key]);
}

/// Who only asks, and never writes, finds the new master all the same.
#[tokio::test]
async fn who_only_reads_follows_to_the_new_master() {
    let mut connected = None;
    let former = Former::after(async |proxy| {
        let writer = sessions_through(proxy);
        let pair = writer.start("user-1").await.expect("a session");
        let issued = keys_through(proxy).issue("user-1").await;
        let issued = issued.expect("a key");
        let (key, secret) = (issued.key, issued.secret.reveal());
        let (sessions, keys) = (sessions_through(proxy), keys_through(proxy));
        sessions.find(pair.session.id).await.expect("a session");
        keys.authenticate(&secret).await.expect("a key");
        connected = Some((sessions, pair, keys, key, secret));
    })
    .await;
    let (sessions, pair, keys, key, secret) = connected.expect("both");
    let ended = former
        .sessions_on_the_new_master()
        .end("user-1", pair.session.id)
        .await;
    assert!(ended.expect("an end"));
    let new_keys = former.keys_on_the_new_master();
    let revoked = new_keys.revoke("user-1", key.id).await;
    assert!(revoked.expect("a revocation"));

    former.proxy.lead_to(former.new_master.address());
    let found = sessions.find(pair.session.id).await.expect("an answer");
    assert!(found.expect("a session").ended.is_some());
    match keys.authenticate(&secret).await {
        Err(ApiKeyError::Refused(_)) => {}
        other => panic!("the former master was believed: {other:?}"),
    }
}

async fn keys_of(server: &RedisServer) -> usize {
    let client = Client::open(server.url()).expect("a client");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    let count = redis::cmd("DBSIZE").query_async(&mut connection).await;
    count.expect("a count")
}

/// Nobody waits long enough to see that the connection does not answer any more.
#[tokio::test]
async fn a_connection_that_was_lost_is_replaced_also_when_all_give_up_early() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    store.list("user-1").await.expect("a list");
    proxy.lose();
    let mut given_up = 0;
    while time::timeout(IMPATIENCE, store.list("user-1"))
        .await
        .is_err()
    {
        given_up += 1;
        assert!(given_up < 1000, "the lost connection is kept");
    }
    assert_ne!(given_up, 0);
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn one_who_gives_up_does_not_take_the_connection_from_the_others() {
    let server = RedisServer::start().await;
    let proxy = Proxy::to(server.address()).await;
    let store = store_through(&proxy);
    store.list("user-1").await.expect("a list");
    proxy.delay(SLOW);
    let gives_up = time::timeout(IMPATIENCE, store.list("user-1"));
    let (gives_up, waits) = tokio::join!(gives_up, store.list("user-1"));
    assert!(gives_up.is_err());
    waits.expect("a list");

    // Whether the connection still answers was asked, and it did.
    let client = Client::open(server.url()).expect("a client");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    for asked in 0.. {
        assert!(asked < 100_000, "nobody asks");
        let stats: String = redis::cmd("INFO")
            .arg("commandstats")
            .query_async(&mut connection)
            .await
            .expect("counts");
        if stats.contains("cmdstat_ping:calls=1,") {
            break;
        }
    }
    proxy.resume();
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn one_who_gives_up_while_connecting_leaves_the_connection_to_the_next() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    proxy.delay(SLOW);
    let gives_up = time::timeout(IMPATIENCE, store.list("user-1")).await;
    assert!(gives_up.is_err());
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 1);
}

/// Each of them would otherwise wait for those before it, and then for itself.
#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_once_for_all_who_wait() {
    let proxy = Proxy::to(RedisServer::shared().await.address()).await;
    let store = store_through(&proxy);
    proxy.stall();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.list("user-1").await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.expect("no panic").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
    }
    assert_eq!(proxy.accepted(), 1);
    proxy.resume();
    store.list("user-1").await.expect("a list");
    assert_eq!(proxy.accepted(), 2);
}
