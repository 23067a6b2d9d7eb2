//! The PostgreSQL server answers, and every test has a database of its own.

use buttress_testkit::PostgresServer;
use sqlx::{Connection, Executor, PgConnection};

#[tokio::test]
async fn databases_of_one_server_know_nothing_of_each_other() {
    let server = PostgresServer::shared().await;
    let (one, other) = tokio::join!(server.database(), server.database());
    assert_ne!(one.name(), other.name());
    for database in [&one, &other] {
        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        connection
            .execute("CREATE TABLE tea (name text)")
            .await
            .unwrap();
        let (name,): (String,) = sqlx::query_as("SELECT current_database()::text")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(name, database.name());
    }
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_while_somebody_is_connected() {
    let server = PostgresServer::shared().await;
    let database = server.database().await;
    let url = database.url();
    let mut connected = PgConnection::connect(&url).await.unwrap();
    drop(database);
    connected.ping().await.unwrap_err();
    let gone = PgConnection::connect(&url).await.unwrap_err();
    let code = gone
        .as_database_error()
        .and_then(|error| error.code().map(String::from));
    assert_eq!(code.as_deref(), Some("3D000"), "invalid_catalog_name");
}

#[tokio::test]
async fn a_url_may_lead_through_a_proxy() {
    let server = PostgresServer::shared().await;
    let database = server.database().await;
    let proxy = buttress_testkit::Proxy::to(server.address()).await;
    let mut connection = PgConnection::connect(&database.url_through(proxy.address()))
        .await
        .unwrap();
    connection.ping().await.unwrap();
    assert_eq!(proxy.accepted(), 1);
    proxy.reset();
    connection.ping().await.unwrap_err();
}

#[tokio::test]
async fn it_does_not_wait_for_the_disk() {
    let server = PostgresServer::shared().await;
    let database = server.database().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let (value,): (String,) = sqlx::query_as("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, "off", "{setting}");
    }
}
