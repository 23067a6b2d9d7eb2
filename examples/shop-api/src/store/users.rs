//! Reading and writing users.

use sqlx::{QueryBuilder, Row, Sqlite, SqliteExecutor, sqlite::SqliteRow};
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    Page, Sort, Store, StoreError,
    decode::{column_error, decoded, now, time},
    list::{Key, push_order},
};
use crate::domain::{Email, NewUser, PasswordHash, Role, User, UserName};

const COLUMNS: &str = "id, email, name, roles, version, created_at, updated_at";

/// A list of users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// In which order. The id, which no two users share, decides what the others leave open.
    pub sort: Vec<Sort<UserKey>>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all.
    pub total: bool,
}

/// What users can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKey {
    /// When they were created.
    CreatedAt,
    /// The e-mail address, by code point.
    Email,
    /// The name, by code point.
    Name,
}

/// What is known of somebody who wants to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user_id: Uuid,
    /// The hash of their password.
    pub hash: PasswordHash,
}

impl Store {
    /// Creates a user, unless their e-mail address is taken: then it is `None`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn create_user(
        &self,
        new: NewUser,
        hash: &PasswordHash,
    ) -> Result<Option<User>, StoreError> {
        let user = new.create(Uuid::now_v7(), now());
        // The database decides: of those who come at once, it lets one in.
        let inserted = sqlx::query(
            "INSERT INTO users (id, email, email_key, name, roles, password_hash, version, \
             created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (email_key) DO NOTHING",
        )
        .bind(user.id.hyphenated())
        .bind(user.email.as_str())
        .bind(user.email.key())
        .bind(user.name.as_str())
        .bind(role_names(&user.roles))
        .bind(hash.as_str())
        .bind(user.version)
        .bind(user.created_at.timestamp_millis())
        .bind(user.updated_at.timestamp_millis())
        .execute(&self.pool)
        .await?;
        Ok((inserted.rows_affected() == 1).then_some(user))
    }

    /// The user with this id.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, StoreError> {
        find(&self.pool, id).await
    }

    /// What somebody who signs in with this address has to prove, if there is such a user.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        let row = sqlx::query("SELECT id, password_hash FROM users WHERE email_key = ?")
            .bind(email.key())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(Credentials {
            user_id: row.try_get::<Hyphenated, _>("id")?.into_uuid(),
            hash: PasswordHash::new(row.try_get("password_hash")?),
        }))
    }

    /// Puts `new` in the place of the hash that the credentials have, and says whether it was
    /// there still.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn replace_password_hash(
        &self,
        old: &Credentials,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?";
        let updated = sqlx::query(sql)
            .bind(new.as_str())
            .bind(old.user_id.hyphenated())
            .bind(old.hash.as_str())
            .execute(&self.pool)
            .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Gives a role to the user with this id, if there is one who has it not.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn grant_role(&self, id: Uuid, role: Role) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let user = find(&mut *transaction, id).await?;
        let Some(next) = user.and_then(|user| user.with_role(role, now())) else {
            return Ok(());
        };
        sqlx::query("UPDATE users SET roles = ?, version = ?, updated_at = ? WHERE id = ?")
            .bind(role_names(&next.roles))
            .bind(next.version)
            .bind(next.updated_at.timestamp_millis())
            .bind(next.id.hyphenated())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// One page of users, and their number if asked for, all from one moment.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list_users(&self, query: &UserQuery) -> Result<Page<User>, StoreError> {
        let mut snapshot = self.pool.begin().await?;
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT ");
        sql.push(COLUMNS).push(" FROM users");
        push_order(&mut sql, &query.sort, query.limit);
        let rows = sql.build().fetch_all(&mut *snapshot).await?;
        let total = match query.total {
            true => {
                let count = sqlx::query_scalar("SELECT count(*) FROM users");
                Some(count.fetch_one(&mut *snapshot).await?)
            }
            false => None,
        };
        snapshot.commit().await?;
        let users = rows.iter().map(user).collect::<Result<_, _>>()?;
        Ok(Page::new(users, query.limit, total))
    }
}

impl Key for UserKey {
    fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Email => "email",
            Self::Name => "name",
        }
    }
}

async fn find(executor: impl SqliteExecutor<'_>, id: Uuid) -> Result<Option<User>, StoreError> {
    let row = sqlx::query(
        "SELECT id, email, name, roles, version, created_at, updated_at FROM users WHERE id = ?",
    )
    .bind(id.hyphenated())
    .fetch_optional(executor)
    .await?;
    Ok(row.as_ref().map(user).transpose()?)
}

/// A row as a user.
fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.try_get::<Hyphenated, _>("id")?.into_uuid(),
        email: decoded("email", Email::new(row.try_get("email")?))?,
        name: decoded("name", UserName::new(row.try_get("name")?))?,
        roles: roles(row.try_get("roles")?)?,
        version: row.try_get("version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

fn roles(names: &str) -> Result<Vec<Role>, sqlx::Error> {
    let roles = names.split(' ').map(Role::from_name);
    roles
        .collect::<Option<_>>()
        .ok_or_else(|| column_error("roles", "it names a role that is not known"))
}

fn role_names(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    names.join(" ")
}
