use buttress_jwt::SqliteRefreshStore;
use buttress_testkit::SqliteFile;
use sqlx::SqlitePool;

/// Somebody has given it another name, or thought it of no use.
#[tokio::test]
async fn an_index_that_is_gone_is_no_reason_not_to_start() {
    let file = SqliteFile::new();
    let pool = SqlitePool::connect(&file.url()).await.unwrap();
    let first = [
        include_str!("../../../src/store/sqlite/schema.sql"),
        "CREATE TABLE buttress_refresh_version (version INTEGER NOT NULL) STRICT;",
        "INSERT INTO buttress_refresh_version (version) VALUES (1);",
        "DROP INDEX buttress_refresh_families_subject;",
    ];
    for text in first {
        sqlx::raw_sql(text).execute(&pool).await.unwrap();
    }
    SqliteRefreshStore::new(pool).migrate().await.unwrap();
}
