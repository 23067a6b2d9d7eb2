//! What an access token says of a user.

use buttress_jwt::Grant;

use crate::domain::{Role, User};

/// To read one's own account and look after one's own sessions.
pub const PROFILE: &str = "profile";
/// To change the catalogue.
pub const PRODUCTS_WRITE: &str = "products:write";
/// To read everybody's account.
pub const USERS_READ: &str = "users:read";

impl Role {
    /// What the tokens of those with this role are good for.
    fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::User => &[PROFILE],
            Self::Admin => &[PRODUCTS_WRITE, USERS_READ],
        }
    }
}

/// The roles and scopes of the user, as they are now.
pub(super) fn grant(user: &User) -> Grant {
    let scopes = user.roles.iter().flat_map(|role| role.scopes());
    Grant::new(user.id.to_string())
        .with_roles(user.roles.iter().map(|role| role.as_str()))
        .with_scopes(scopes.copied())
}
