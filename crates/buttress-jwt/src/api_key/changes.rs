//! What a store of API keys is asked to do.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};

use super::{ApiKey, ApiKeyId, Environment, KeptKey};
use crate::{Digest, refresh::later};

/// An API key that a store is to keep.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyIssuance {
    /// Its name, which no other key has.
    pub id: ApiKeyId,
    /// Whom it speaks for.
    pub subject: String,
    /// Where it is valid.
    pub environment: Environment,
    /// What its owner knows it by.
    pub label: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// What its subject is.
    pub roles: Vec<String>,
    /// How long it lives; for ever if nothing is said.
    pub lifetime: Option<Duration>,
    /// SHA-256 of the key without its checksum.
    pub digest: Digest,
}

impl KeyIssuance {
    /// What is kept if it is issued at this time of the store's.
    #[must_use]
    pub fn kept(&self, now: DateTime<Utc>) -> KeptKey {
        KeptKey {
            key: ApiKey {
                id: self.id,
                subject: self.subject.clone(),
                environment: self.environment,
                label: self.label.clone(),
                scopes: self.scopes.clone(),
                roles: self.roles.clone(),
                created_at: now,
                expires_at: self.lifetime.map(|lifetime| later(now, lifetime)),
                last_used_at: None,
                rotated_at: None,
                overlaps_until: None,
            },
            current: self.digest,
            previous: None,
            read_at: now,
        }
    }
}

/// A new secret for an API key.
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The key.
    pub id: ApiKeyId,
    /// Whose it has to be.
    pub subject: String,
    /// Where it has to be valid.
    pub environment: Environment,
    /// SHA-256 of the new key without its checksum.
    pub digest: Digest,
    /// For how long the key that is there works too.
    pub overlap: Duration,
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRotated {
    /// It was done.
    Done(ApiKey),
    /// It was not: the overlap of the last one is not over, and this one would have cut it short.
    Overlapping(ApiKey),
    /// It was not: the subject has no such key that is live.
    Unknown,
}

/// Which API keys are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhichKeys {
    /// That of this id.
    One(ApiKeyId),
    /// That of this id, if it is this subject's and valid there.
    OneOf {
        /// Whose.
        subject: String,
        /// Where.
        environment: Environment,
        /// Which.
        id: ApiKeyId,
    },
    /// All of this subject that are valid there.
    AllOf {
        /// Whose.
        subject: String,
        /// Where.
        environment: Environment,
    },
}

impl WhichKeys {
    /// Whether this key is meant.
    #[must_use]
    pub fn includes(&self, key: &ApiKey) -> bool {
        match self {
            Self::One(id) => key.id == *id,
            Self::OneOf {
                subject,
                environment,
                id,
            } => key.id == *id && key.subject == *subject && key.environment == *environment,
            Self::AllOf {
                subject,
                environment,
            } => key.subject == *subject && key.environment == *environment,
        }
    }
}

impl fmt::Debug for KeyIssuance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIssuance")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("environment", &self.environment)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRotation")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("environment", &self.environment)
            .field("overlap", &self.overlap)
            .finish_non_exhaustive()
    }
}
