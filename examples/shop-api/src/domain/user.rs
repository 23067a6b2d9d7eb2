//! A user and what they are.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Email,
    rule::{BrokenRule, checked_text},
};

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// UUIDv7, so newer users have larger ids.
    pub id: Uuid,
    /// The address that they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: UserName,
    /// What they are, each role once, the least first.
    pub roles: Vec<Role>,
    /// 1 when created, one more with every change that others can see.
    pub version: i64,
    /// When they were created.
    pub created_at: DateTime<Utc>,
    /// When they were changed last.
    pub updated_at: DateTime<Utc>,
}

/// A user who is yet to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The address that they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: UserName,
    /// Whether they look after the shop.
    pub admin: bool,
}

/// What somebody is to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everybody who can sign in.
    User,
    /// Those who look after the shop.
    Admin,
}

/// The name of a user: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

/// What a user knows a device by: 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

impl NewUser {
    /// The first version of the user.
    pub fn create(self, id: Uuid, now: DateTime<Utc>) -> User {
        let roles = match self.admin {
            true => vec![Role::User, Role::Admin],
            false => vec![Role::User],
        };
        User {
            id,
            email: self.email,
            name: self.name,
            roles,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl User {
    /// The next version, who has this role too, or `None` when they have it already.
    pub fn with_role(&self, role: Role, now: DateTime<Utc>) -> Option<Self> {
        if self.roles.contains(&role) {
            return None;
        }
        let mut next = self.clone();
        next.roles.push(role);
        next.roles.sort_unstable();
        next.version += 1;
        // A clock that was set back must not make a change look older than what it changed.
        next.updated_at = now.max(self.updated_at);
        Some(next)
    }
}

impl Role {
    const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// Its name, in tokens, answers and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl UserName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Takes `text` as a name.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        checked_text(text, 1, Self::MAX_CHARS).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Takes `text` as a name.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        checked_text(text, 1, Self::MAX_CHARS).map(Self)
    }

    /// The name as text.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> User {
        let ada = NewUser {
            email: Email::new("ada@shop.example".to_owned()).expect("an address"),
            name: UserName::new("Ada".to_owned()).expect("a name"),
            admin: false,
        };
        ada.create(Uuid::nil(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_role_is_granted_once() {
        let later = DateTime::from_timestamp_millis(60_000).expect("in range");
        let admin = ada().with_role(Role::Admin, later).expect("a change");
        let expected = User {
            roles: vec![Role::User, Role::Admin],
            version: 2,
            updated_at: later,
            ..ada()
        };
        assert_eq!(admin, expected);
        assert_eq!(admin.with_role(Role::Admin, later), None);
        let set_back = User {
            updated_at: later,
            ..ada()
        };
        let admin = set_back.with_role(Role::Admin, DateTime::UNIX_EPOCH);
        assert_eq!(admin.expect("a change").updated_at, later);
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_name("Admin"), None);
    }

    #[test]
    fn names_have_characters_not_bytes() {
        assert!(UserName::new("ü".repeat(100)).is_ok());
        assert!(DeviceName::new("ü".repeat(64)).is_ok());
        for (result, code) in [
            (UserName::new(String::new()).err(), "TOO_SHORT"),
            (UserName::new("x".repeat(101)).err(), "TOO_LONG"),
            (UserName::new("\0".to_owned()).err(), "NUL_CHARACTER"),
            (DeviceName::new(String::new()).err(), "TOO_SHORT"),
            (DeviceName::new("x".repeat(65)).err(), "TOO_LONG"),
            (DeviceName::new("\0".to_owned()).err(), "NUL_CHARACTER"),
        ] {
            assert_eq!(result.expect("a broken rule").code, code);
        }
    }
}
