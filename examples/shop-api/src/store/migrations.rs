//! The steps that bring the tables up to date, carried in the binary.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// Append only: sqlx refuses to start when a step that was applied has changed since.
const STEPS: &[(i64, &str, &str)] =
    &[(1, "products", include_str!("migrations/0001_products.sql"))];

pub(super) async fn run(pool: &SqlitePool) -> Result<(), MigrateError> {
    let steps = STEPS.iter().map(|&(version, description, sql)| {
        let description = Cow::Borrowed(description);
        Migration::new(
            version,
            description,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect()).run(pool).await
}
