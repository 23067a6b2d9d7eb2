//! What the instances on one database must agree on, and nobody has set.

use super::{Store, StoreError, decode::now};

impl Store {
    /// The secret of this name: `made` if there was none, and else the one that was there first,
    /// also when several ask at once.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn secret(&self, name: &'static str, made: &[u8]) -> Result<Vec<u8>, StoreError> {
        sqlx::query(
            "INSERT INTO secrets (name, value, created_at) VALUES (?, ?, ?) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(made)
        .bind(now().timestamp_millis())
        .execute(&self.pool)
        .await?;
        let kept = sqlx::query_scalar("SELECT value FROM secrets WHERE name = ?")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(kept)
    }
}
