//! For sqlx 0.9: the guard of a statement.

use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::IfMatch;

impl IfMatch {
    /// Adds the condition that the row is at a version that the client named: `AND version = ?`, or
    /// `AND version IN (?, ?)` for several, or nothing for `*`. Without any version that could be
    /// meant, no row meets it.
    ///
    /// It belongs behind the conditions and before `RETURNING` or `LIMIT`; conditions with `OR` have
    /// to stand in parentheses. `column` is the version's name, as it is to stand in the statement; it
    /// is not quoted.
    ///
    /// ```
    /// use buttress_preconditions::{ETag, IfMatch, Rejection, Written};
    /// use sqlx::{PgPool, QueryBuilder};
    ///
    /// # #[derive(Debug, thiserror::Error, buttress_problem::Problem)]
    /// # enum RenameError {
    /// #     #[error(transparent)] #[problem(transparent)] Precondition(#[from] Rejection),
    /// #     #[error("no such product")] #[problem(status = NOT_FOUND)] NotFound,
    /// #     #[error("database")] #[problem(status = INTERNAL_SERVER_ERROR)] Database(#[from] sqlx::Error),
    /// # }
    /// async fn rename(db: &PgPool, id: i64, name: &str, if_match: &IfMatch) -> Result<(), RenameError> {
    ///     let mut update = QueryBuilder::new("UPDATE products SET version = version + 1, name = ");
    ///     update.push_bind(name).push(" WHERE id = ").push_bind(id);
    ///     if_match.push_guard(&mut update, "version");
    ///     let done = update.build().execute(db).await?;
    ///
    ///     let current = sqlx::query_scalar("SELECT version FROM products WHERE id = $1").bind(id);
    ///     Written::from_rows(done.rows_affected(), current.fetch_optional(db))
    ///         .await?
    ///         .or_missing(|| RenameError::NotFound)
    /// }
    /// ```
    pub fn push_guard<DB>(&self, sql: &mut QueryBuilder<DB>, column: &'static str)
    where
        DB: Database,
        i64: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let Some(versions) = self.versions() else {
            return;
        };
        match versions[..] {
            [] => {
                sql.push(" AND 1 = 0");
            }
            [version] => {
                sql.push(" AND ")
                    .push(column)
                    .push(" = ")
                    .push_bind(version);
            }
            _ => {
                sql.push(" AND ").push(column).push(" IN (");
                let mut list = sql.separated(", ");
                for version in versions {
                    list.push_bind(version);
                }
                sql.push(")");
            }
        }
    }
}
