use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKeyStore, ApiKeys, Environment, ErrorKind, NewApiKey, RedisApiKeyStore,
    testing::{ApiKeyStoreHarness, check_api_key_store},
};
use buttress_testkit::RedisServer;
use redis::{AsyncCommands, Client, Script, aio::MultiplexedConnection};

struct Redis {
    server: &'static RedisServer,
    prefix: String,
}

impl Redis {
    async fn new() -> Self {
        let server = RedisServer::shared().await;
        let prefix = server.key_prefix();
        Self { server, prefix }
    }

    fn client(&self) -> Client {
        Client::open(self.server.url()).expect("a client")
    }
}

async fn connect(client: &Client) -> MultiplexedConnection {
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("a connection")
}

#[async_trait]
impl ApiKeyStoreHarness for Redis {
    async fn store(&self) -> Arc<dyn ApiKeyStore> {
        let store = RedisApiKeyStore::new(self.client()).with_prefix(&self.prefix);
        Arc::new(store.expect("a prefix"))
    }

    async fn advance(&self, by: Duration) {
        let_time_pass(&self.client(), &self.prefix, by).await;
    }
}

/// The clock of a server cannot be set: what is kept gets older instead.
pub(super) async fn let_time_pass(server: &Client, prefix: &str, by: Duration) {
    let by = i64::try_from(by.as_millis()).expect("a short time");
    let () = Script::new(AGE)
        .arg(prefix)
        .arg(-by)
        .invoke_async(&mut connect(server).await)
        .await
        .expect("older keys");
}

const AGE: &str = "
    for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
        if not string.find(key, '}:of:', 1, true) then
            for _, field in ipairs({'created_at', 'expires_at', 'last_used_at', 'rotated_at', 'overlaps_until'}) do
                if redis.call('HEXISTS', key, field) == 1 then
                    redis.call('HINCRBY', key, field, ARGV[2])
                end
            end
        end
    end
";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    check_api_key_store(Redis::new().await).await;
}

/// What expires goes, what does not stays, and the index with the last of them. All are in one slot.
#[tokio::test]
async fn times_to_live_are_those_of_the_keys() {
    let server = RedisServer::start().await;
    let client = Client::open(server.url()).expect("a client");
    let mut connection = connect(&client).await;
    let store = RedisApiKeyStore::new(client);
    let keys = ApiKeys::new("shop", Environment::Live, store.clone()).expect("keys");
    let month = 30 * 24 * 60 * 60 * 1000;
    let index = async |connection: &mut MultiplexedConnection| {
        let names: Vec<String> = connection.keys("*:of:*").await.expect("keys");
        assert_eq!(names.len(), 1, "{names:?}");
        expiry(connection, &names[0]).await
    };

    let mut ends = Vec::new();
    for seconds in [1000, 2000, 500] {
        let new = NewApiKey::new("user-1").with_lifetime(Duration::from_secs(seconds));
        let key = keys.issue(new).await.expect("a key").key;
        ends.push(key.expires_at.expect("an end").timestamp_millis() + month);
        assert_eq!(
            index(&mut connection).await,
            *ends.iter().max().expect("one")
        );
        let names: Vec<String> = connection.keys(format!("*{}", key.id)).await.expect("keys");
        assert_eq!(
            expiry(&mut connection, &names[0]).await,
            *ends.last().expect("one")
        );
    }
    let forever = keys.issue("user-1").await.expect("a key").key;
    assert_eq!(index(&mut connection).await, -1);
    let new = NewApiKey::new("user-1").with_lifetime(Duration::from_secs(1));
    keys.issue(new).await.expect("a key");
    assert_eq!(index(&mut connection).await, -1);
    let names: Vec<String> = connection
        .keys(format!("*{}", forever.id))
        .await
        .expect("keys");
    assert_eq!(expiry(&mut connection, &names[0]).await, -1);

    let names: Vec<String> = connection.keys("*").await.expect("keys");
    assert_eq!(names.len(), 6);
    let slot = |name: &String| name.split(['{', '}']).nth(1).map(str::to_owned);
    assert!(
        names.iter().all(|name| slot(name) == slot(&names[0])),
        "{names:?}"
    );

    // Nothing stays when all are revoked, nor does a use or a rotation that comes late leave anything.
    assert_eq!(
        keys.revoke_all("user-1").await.expect("a revocation").len(),
        5
    );
    store
        .note_use(forever.id, Duration::ZERO)
        .await
        .expect("nothing");
    let late = keys.rotate("user-1", forever.id, Duration::ZERO).await;
    assert!(late.expect("an answer").is_none());
    let names: Vec<String> = connection.keys("*").await.expect("keys");
    assert_eq!(names, Vec::<String>::new());
}

/// -1 if it has none.
async fn expiry(connection: &mut MultiplexedConnection, name: &str) -> i64 {
    let expires = redis::cmd("PEXPIRETIME")
        .arg(name)
        .query_async(connection)
        .await;
    expires.expect("a time")
}

#[test]
fn a_prefix_does_not_decide_the_slot() {
    let client = Client::open("redis://127.0.0.1/").expect("a client");
    for prefix in ["{", "a}", "{a}"] {
        let error = RedisApiKeyStore::new(client.clone()).with_prefix(prefix);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidConfiguration);
    }
}
