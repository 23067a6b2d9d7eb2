use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{EndReason, Ended, SessionId};

/// A session: one login of one subject on one device, until it ends.
///
/// All times are the store's. None of it is secret, though a label may be personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// Its name, the `sid` of its access tokens.
    pub id: SessionId,
    /// Whose it is, the `sub` of its access tokens.
    pub subject: String,
    /// What the user knows the device by.
    pub label: Option<String>,
    /// What the application keeps with it and gets back at each refresh, such as the scopes that were granted.
    pub context: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was last continued, or began.
    pub last_used_at: DateTime<Utc>,
    /// How long it lives without being continued.
    pub idle_timeout: Duration,
    /// When it ends however much it is used. No rotation moves this.
    pub ends_at: DateTime<Utc>,
    /// That it has ended: unless by time alone, which is not kept before somebody asks.
    pub ended: Option<Ended>,
}

impl Session {
    /// A session as a store reads it: one without a label and a context, that was not used since it began and has
    /// not ended. What is otherwise is put into the fields.
    #[must_use]
    pub fn new(
        id: SessionId,
        subject: impl Into<String>,
        started_at: DateTime<Utc>,
        idle_timeout: Duration,
        ends_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            subject: subject.into(),
            label: None,
            context: None,
            started_at,
            last_used_at: started_at,
            idle_timeout,
            ends_at,
            ended: None,
        }
    }

    /// When it ends if it is not continued.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        later(self.last_used_at, self.idle_timeout).min(self.ends_at)
    }

    /// Whether it can be continued at that time of the store's.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ended.is_none() && now < self.expires_at()
    }

    /// As it is at that time of the store's: one that is past its time has [`ended`](Self::ended) when that was.
    #[must_use]
    pub fn as_of(mut self, now: DateTime<Utc>) -> Self {
        if self.ended.is_none() && !self.is_live(now) {
            self.ended = Some(Ended {
                reason: EndReason::Expired,
                at: self.expires_at(),
            });
        }
        self
    }
}

/// A time so much later, or the end of the calendar.
pub(crate) fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| time.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A session that is to begin: whose, on what.
///
/// A subject alone will do, so that `sessions.start("user-1")` begins one.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub(crate) subject: String,
    pub(crate) label: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
}

impl NewSession {
    /// For this subject.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            label: None,
            context: None,
            idle_timeout: None,
            lifetime: None,
        }
    }

    /// What the user knows the device by, at most 256 bytes: `Firefox on Linux`.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What the application wants to have back at each refresh, at most 4096 bytes.
    ///
    /// The scopes that were granted belong here: a refresh may give fewer of them, and never others.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// How long this session lives without being continued, instead of what all have.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// How long this session lives however much it is used, instead of what all have.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

impl From<&str> for NewSession {
    fn from(subject: &str) -> Self {
        Self::new(subject)
    }
}

impl From<&String> for NewSession {
    fn from(subject: &String) -> Self {
        Self::new(subject)
    }
}

impl From<String> for NewSession {
    fn from(subject: String) -> Self {
        Self::new(subject)
    }
}
