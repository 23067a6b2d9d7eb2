//! The users that are there from the start.

use super::{Auth, Comparison, PasswordError};
use crate::{
    domain::{BrokenRule, Email, NewUser, Password, Role, UserName},
    store::{Store, StoreError},
};

/// The e-mail address and the password of the user of the demo. Everybody knows them: this user can
/// do nothing that others would mind.
pub const DEMO_USER: (&str, &str) = ("demo@shop.example", "demo-password");

/// Two instances that start at once may both find nobody and then meet. Not more often than that.
const ATTEMPTS: usize = 3;

/// Sees to it that there is an administrator with this address and this password. Somebody who has
/// the address already becomes one, with this password, and who is signed in with another one is
/// not any more.
///
/// # Errors
///
/// When the database or Argon2 fails.
pub async fn ensure_admin(
    store: &Store,
    auth: &Auth,
    email: &Email,
    password: &Password,
) -> Result<(), AccountError> {
    for _ in 0..ATTEMPTS {
        let Some(known) = store.credentials(email).await? else {
            let hash = auth.passwords.hash(password.clone()).await?;
            let admin = NewUser {
                email: email.clone(),
                name: UserName::new("Administrator".to_owned())?,
                admin: true,
            };
            if store.create_user(admin, &hash).await?.is_some() {
                return Ok(());
            }
            continue;
        };
        let hash = Some(known.hash.clone());
        let compared = auth.passwords.compare(password.clone(), hash).await?;
        if compared == Comparison::Wrong {
            let hash = auth.passwords.hash(password.clone()).await?;
            if !store.replace_password_hash(&known, &hash).await? {
                continue;
            }
            auth.sessions.end_all(&known.user_id.to_string()).await?;
        }
        store.grant_role(known.user_id, Role::Admin).await?;
        return Ok(());
    }
    Err(AccountError::Contended)
}

/// Creates the user of the demo, unless somebody has the address.
///
/// # Errors
///
/// When the database or Argon2 fails.
pub async fn ensure_demo_user(store: &Store, auth: &Auth) -> Result<(), AccountError> {
    let (email, password) = DEMO_USER;
    let email = Email::new(email.to_owned())?;
    if store.credentials(&email).await?.is_some() {
        return Ok(());
    }
    let password = Password::new(password.to_owned())?;
    let hash = auth.passwords.hash(password).await?;
    let user = NewUser {
        email,
        name: UserName::new("Demo".to_owned())?,
        admin: false,
    };
    // If somebody else was faster, it is there.
    store.create_user(user, &hash).await?;
    Ok(())
}

/// Why a user is not there.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The user's sessions could not be ended.
    #[error("the sessions of the user cannot be ended")]
    Sessions(#[from] buttress_jwt::Error),
    /// Somebody else changes the same user all the time.
    #[error("the user is being changed by others")]
    Contended,
    /// What is built in breaks a rule.
    #[error(transparent)]
    Rule(#[from] BrokenRule),
}
