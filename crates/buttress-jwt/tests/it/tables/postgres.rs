use std::{num::NonZeroU32, time::Duration};

use buttress_jwt::{
    Algorithm, ApiKeys, Environment, Issuer, KeyRing, NewApiKey, PostgresApiKeyStore,
    PostgresRefreshStore, RefreshKeys, Sessions, SigningKey,
};
use buttress_testkit::{PostgresServer, TestDatabase};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// With one connection, which keeps the plans of what it was asked.
async fn database() -> (TestDatabase, PgPool) {
    let database = PostgresServer::shared().await.database().await;
    let options = PgPoolOptions::new().max_connections(1);
    let pool = options.connect(&database.url()).await.unwrap();
    (database, pool)
}

const LONG: Duration = Duration::from_secs(60);

/// A newer version adds columns while this one is running.
#[tokio::test]
async fn sessions_go_on_beside_columns_of_a_newer_version() {
    let (_database, pool) = database().await;
    let store = PostgresRefreshStore::new(pool.clone());
    store.migrate().await.unwrap();
    let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDSA).unwrap()).unwrap();
    let issuer = Issuer::new("https://api.example.com", "shop", ring);
    let keys = RefreshKeys::new(1, [7; 32]).unwrap();
    let sessions = Sessions::new(issuer, keys, store)
        .with_session_limit(NonZeroU32::MIN)
        .with_store_timeout(LONG)
        .unwrap();
    let everything = async || {
        sessions.start("user-1").await.unwrap();
        // The first one makes room for it.
        let pair = sessions.start("user-1").await.unwrap();
        sessions.refresh(&pair.refresh_token).await.unwrap();
        let id = pair.session.id;
        assert_eq!(sessions.find(id).await.unwrap().unwrap().id, id);
        assert_eq!(sessions.list("user-1").await.unwrap().len(), 1);
        assert!(sessions.end("user-1", id).await.unwrap());
        sessions.start("user-1").await.unwrap();
        assert_eq!(sessions.end_all("user-1").await.unwrap().len(), 1);
    };
    // Servers keep a plan that was used several times.
    for _ in 0..6 {
        everything().await;
    }
    let add = "ALTER TABLE buttress_refresh_families ADD COLUMN later bigint DEFAULT 1";
    sqlx::raw_sql(add).execute(&pool).await.unwrap();
    everything().await;
}

#[tokio::test]
async fn api_keys_go_on_beside_columns_of_a_newer_version() {
    let (_database, pool) = database().await;
    let store = PostgresApiKeyStore::new(pool.clone());
    store.migrate().await.unwrap();
    let keys = ApiKeys::new("shop", Environment::Live, store).unwrap();
    let keys = keys.with_memory(0, LONG).unwrap();
    let keys = keys.with_store_timeout(LONG).unwrap();
    let everything = async || {
        let issued = keys.issue(NewApiKey::new("user-1")).await.unwrap();
        let id = issued.key.id;
        keys.authenticate(&issued.secret.reveal()).await.unwrap();
        for overlap in [LONG, LONG] {
            // The second one is not done, and it is asked why.
            let _ = keys.rotate("user-1", id, overlap).await;
        }
        let rotated = keys.rotate("user-1", id, Duration::ZERO).await.unwrap();
        assert_eq!(rotated.unwrap().key.id, id);
        assert_eq!(keys.list("user-1").await.unwrap().len(), 1);
        assert!(keys.revoke("user-1", id).await.unwrap());
        keys.issue(NewApiKey::new("user-1")).await.unwrap();
        assert_eq!(keys.revoke_all("user-1").await.unwrap().len(), 1);
    };
    for _ in 0..6 {
        everything().await;
    }
    let add = "ALTER TABLE buttress_api_keys ADD COLUMN later bigint DEFAULT 1";
    sqlx::raw_sql(add).execute(&pool).await.unwrap();
    everything().await;
}

/// Somebody has given it another name, or thought it of no use.
#[tokio::test]
async fn an_index_that_is_gone_is_no_reason_not_to_start() {
    let (_database, pool) = database().await;
    let first = [
        include_str!("../../../src/store/postgres/schema.sql"),
        "CREATE TABLE buttress_refresh_version (version bigint NOT NULL)",
        "INSERT INTO buttress_refresh_version (version) VALUES (1)",
        "DROP INDEX buttress_refresh_families_subject",
    ];
    for text in first {
        sqlx::raw_sql(text).execute(&pool).await.unwrap();
    }
    PostgresRefreshStore::new(pool).migrate().await.unwrap();
}
