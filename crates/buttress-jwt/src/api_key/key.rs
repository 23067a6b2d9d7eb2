use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ApiKeyId;
use crate::{Error, ErrorKind, token::is_scope_byte};

const MAX_SUBJECT: usize = 255;
const MAX_LABEL: usize = 256;
/// Of all scopes and roles together.
const MAX_GRANTS: usize = 8192;

/// An API key, as far as it may be shown: everything but the key itself.
///
/// All times are the store's. It is in the extensions of a request that [`ApiKeyLayer`](crate::ApiKeyLayer) lets pass,
/// as an `Arc<ApiKey>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiKey {
    /// Its name, which stands in it and stays the same when it is rotated.
    pub id: ApiKeyId,
    /// Whom it speaks for.
    pub subject: String,
    /// Where it is valid.
    pub environment: Environment,
    /// What its owner knows it by.
    pub label: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// What its subject is, when it makes a request with it.
    pub roles: Vec<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// When it ends, if it does.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was last rotated.
    pub rotated_at: Option<DateTime<Utc>>,
    /// Until when the key from before the last rotation works too.
    pub overlaps_until: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// A key as a store reads it: one without a label, scopes and roles, that does not expire and was neither used nor
    /// rotated. What is otherwise is put into the fields.
    #[must_use]
    pub fn new(
        id: ApiKeyId,
        subject: impl Into<String>,
        environment: Environment,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            subject: subject.into(),
            environment,
            label: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            created_at,
            expires_at: None,
            last_used_at: None,
            rotated_at: None,
            overlaps_until: None,
        }
    }

    /// Whether it has not expired at that time of the store's.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Where an API key is valid. It stands in the key, for people and for the service: a key of one environment is refused
/// in the other, also when both have one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Environment {
    /// Where it counts.
    Live,
    /// Where it does not.
    Test,
}

impl Environment {
    /// Its name, as it stands in keys and in stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The environment of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Live, Self::Test]
            .into_iter()
            .find(|environment| environment.as_str() == name)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An API key that is to be issued: for whom, and what it may do.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub(super) subject: String,
    pub(super) label: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) lifetime: Option<Duration>,
}

impl NewApiKey {
    /// One that speaks for this subject, which has 1 to 255 bytes. It may do nothing and does not expire, unless it is
    /// said otherwise.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            label: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            lifetime: None,
        }
    }

    /// What its owner is to know it by, at most 256 bytes.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What it may do. Whether whoever asks for the key may do that is for the application to see to.
    #[must_use]
    pub fn with_scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// What its subject is to be in requests with this key. They stay as they are now, whatever becomes of the subject:
    /// scopes are mostly the better choice.
    #[must_use]
    pub fn with_roles<I>(mut self, roles: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// How long it lives.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidApiKey, message));
        let label = self.label.as_deref().unwrap_or_default();
        if self.subject.is_empty() || self.subject.len() > MAX_SUBJECT {
            return invalid("the subject of an API key has 1 to 255 bytes");
        }
        if label.len() > MAX_LABEL {
            return invalid("the label of an API key has at most 256 bytes");
        }
        if self.lifetime == Some(Duration::ZERO) {
            return invalid("an API key lives for longer than no time");
        }
        let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(is_scope_byte);
        if !self.scopes.iter().all(is_scope) {
            return invalid(
                "a scope is printable ASCII without spaces, quotes and backslashes, and something",
            );
        }
        if self.roles.iter().any(String::is_empty) {
            return invalid("a role is something");
        }
        let grants = self.scopes.iter().chain(&self.roles);
        if grants.clone().map(String::len).sum::<usize>() > MAX_GRANTS {
            return invalid("the scopes and roles of an API key have at most 8192 bytes together");
        }
        // Databases cannot keep it.
        if self.subject.contains('\0')
            || label.contains('\0')
            || grants.clone().any(|grant| grant.contains('\0'))
        {
            return invalid("the texts of an API key have no NUL");
        }
        Ok(())
    }
}

impl From<&str> for NewApiKey {
    fn from(subject: &str) -> Self {
        Self::new(subject)
    }
}

impl From<String> for NewApiKey {
    fn from(subject: String) -> Self {
        Self::new(subject)
    }
}
