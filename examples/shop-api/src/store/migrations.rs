//! The steps that bring the tables up to date, carried in the binary.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// Append only: sqlx refuses to start when a step that was applied has changed since.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "products", include_str!("migrations/0001_products.sql")),
    (2, "users", include_str!("migrations/0002_users.sql")),
];

/// How often it is looked again what is still to be done.
const ATTEMPTS: usize = 5;

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
    let migrator = Migrator::with_migrations(steps.collect());
    let mut attempt = 1;
    loop {
        match migrator.run(pool).await {
            // Of two processes that take the same step at once, one fails, and finds it done when
            // it looks again.
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
                if attempt < ATTEMPTS =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}
