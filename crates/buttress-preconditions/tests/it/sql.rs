//! The guard of a statement, as text and against databases.

use buttress_preconditions::{ETag, IfMatch, Rejection, Written};
use buttress_testkit::{PostgresServer, SqliteFile};
use http::{HeaderMap, HeaderValue, header};
use sqlx::{PgPool, Postgres, QueryBuilder, Sqlite, SqlitePool};

fn if_match(value: &str) -> IfMatch {
    let mut headers = HeaderMap::new();
    headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
    IfMatch::from_headers(&headers).unwrap()
}

#[test]
fn the_guard_says_what_the_field_says() {
    let sqlite = |value| {
        let mut sql = QueryBuilder::<Sqlite>::new("WHERE id = 1");
        if_match(value).push_guard(&mut sql, "version");
        sql.into_string()
    };
    let postgres = |value| {
        let mut sql = QueryBuilder::<Postgres>::new("WHERE id = ");
        sql.push_bind(1_i64);
        if_match(value).push_guard(&mut sql, "p.version");
        sql.into_string()
    };
    assert_eq!(sqlite("\"7\""), "WHERE id = 1 AND version = ?");
    assert_eq!(postgres("\"7\""), "WHERE id = $1 AND p.version = $2");
    assert_eq!(
        sqlite("\"8\", \"7\", \"7\""),
        "WHERE id = 1 AND version IN (?, ?)"
    );
    assert_eq!(
        postgres("\"7\", \"8\""),
        "WHERE id = $1 AND p.version IN ($2, $3)"
    );
    assert_eq!(sqlite("*"), "WHERE id = 1");
    assert_eq!(postgres("W/\"7\", \"x\""), "WHERE id = $1 AND 1 = 0");
}

/// What is to come of a change under this field, to a row at version 7 and to none.
fn cases() -> Vec<(&'static str, Written, Written)> {
    let stale = || Written::Failed(Rejection::failed(ETag::from_version(7)));
    vec![
        ("\"7\"", Written::Applied, Written::Missing),
        ("*", Written::Applied, Written::Missing),
        ("\"6\", \"7\"", Written::Applied, Written::Missing),
        ("\"7--v2;gzip\"", Written::Applied, Written::Missing),
        ("\"6\"", stale(), Written::Missing),
        ("\"8\", \"6\"", stale(), Written::Missing),
        ("W/\"7\"", stale(), Written::Missing),
        ("\"seven\"", stale(), Written::Missing),
        ("", stale(), Written::Missing),
    ]
}

macro_rules! change_under {
    ($name:ident, $pool:ty, $parameter:literal) => {
        async fn $name(db: &$pool, id: i64, value: &str) -> Written {
            let mut update =
                QueryBuilder::new("UPDATE things SET changed = changed + 1 WHERE id = ");
            update.push_bind(id);
            if_match(value).push_guard(&mut update, "version");
            let done = update.build().execute(db).await.unwrap();
            let current = sqlx::query_scalar(concat!(
                "SELECT version FROM things WHERE id = ",
                $parameter
            ));
            Written::from_rows(done.rows_affected(), current.bind(id).fetch_optional(db))
                .await
                .unwrap()
        }
    };
}

change_under!(change_sqlite, SqlitePool, "?");
change_under!(change_postgres, PgPool, "$1");

const TABLE: &str =
    "CREATE TABLE things (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, changed BIGINT NOT NULL)";
const ROW: &str = "INSERT INTO things VALUES (1, 7, 0)";

#[tokio::test]
async fn sqlite_tells_stale_from_missing() {
    let file = SqliteFile::new();
    let db = SqlitePool::connect(&file.url()).await.unwrap();
    sqlx::query(TABLE).execute(&db).await.unwrap();
    sqlx::query(ROW).execute(&db).await.unwrap();
    for (value, present, absent) in cases() {
        assert_eq!(change_sqlite(&db, 1, value).await, present, "{value}");
        assert_eq!(change_sqlite(&db, 2, value).await, absent, "{value}");
    }
    let changed: i64 = sqlx::query_scalar("SELECT changed FROM things")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(changed, 4);
}

#[tokio::test]
async fn postgres_tells_stale_from_missing() {
    let database = PostgresServer::shared().await.database().await;
    let db = PgPool::connect(&database.url()).await.unwrap();
    sqlx::query(TABLE).execute(&db).await.unwrap();
    sqlx::query(ROW).execute(&db).await.unwrap();
    for (value, present, absent) in cases() {
        assert_eq!(change_postgres(&db, 1, value).await, present, "{value}");
        assert_eq!(change_postgres(&db, 2, value).await, absent, "{value}");
    }
    let changed: i64 = sqlx::query_scalar("SELECT changed FROM things")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(changed, 4);
}
