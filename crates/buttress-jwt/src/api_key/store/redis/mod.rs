mod reply;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use buttress_redis::{Call, RedisConnection, Reply, Script};

use super::{ApiKeyStore, RETAINED, grants, newest_first, taken};
use crate::{
    ApiKey, ApiKeyId, Environment, Error, KeptKey, KeyIssuance, KeyRotated, KeyRotation,
    RedisClient, WhichKeys,
    gate::check_timeout,
    store::{
        millis,
        redis::{checked_prefix, reply::optional},
    },
};

/// API keys in Redis, from version 6.2 on: on one server, in a cluster, or behind Sentinel.
///
/// An API key is one key, and every call about one is one script call on it. The keys of a subject and the index of
/// them are in one slot of a cluster. What expires goes a month after; what does not has no time to live. Time is the
/// server's.
///
/// What the server acknowledges is as durable as it is configured to be: a failover or a restart that loses writes
/// loses keys that were issued, and brings back those that were revoked. Where that must not happen, keep them in an SQL
/// store. The server must not evict (`maxmemory-policy noeviction`).
///
/// Whoever calls it without [`ApiKeys`](crate::ApiKeys) does so inside of a Tokio runtime with its I/O and time enabled.
#[derive(Clone)]
pub struct RedisApiKeyStore {
    connection: RedisConnection,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
}

struct Scripts {
    insert: Script,
    find: Script,
    list: Script,
    rotate: Script,
    revoke_one: Script,
    revoke_all: Script,
    note_use: Script,
}

impl RedisApiKeyStore {
    /// On the server or servers of this client: a `redis::Client`, or one of those that [`RedisClient`] can be
    /// made from. It is asked for a connection when the first one is needed.
    ///
    /// Keys begin with `apikey:`, and the server has 2 seconds to connect and to answer.
    #[must_use]
    pub fn new(client: impl Into<RedisClient>) -> Self {
        let script = |text: &str| Script::new(format!("{}{text}", include_str!("kept.lua")));
        Self {
            connection: RedisConnection::new(client, Duration::from_secs(2)),
            scripts: Arc::new(Scripts {
                insert: script(include_str!("insert.lua")),
                find: script(include_str!("find.lua")),
                list: script(include_str!("list.lua")),
                rotate: script(include_str!("rotate.lua")),
                revoke_one: script(include_str!("revoke_one.lua")),
                revoke_all: script(include_str!("revoke_all.lua")),
                note_use: script(include_str!("note_use.lua")),
            }),
            prefix: "apikey:".into(),
        }
    }

    /// What the names of the keys begin with. It has no `{`, or all of them would be in one slot.
    ///
    /// # Errors
    ///
    /// When it has a brace.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = checked_prefix(prefix)?;
        Ok(self)
    }

    /// How long the server may take to connect, and to answer. The connection is a new one.
    ///
    /// # Errors
    ///
    /// When it is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, Error> {
        check_timeout(timeout)?;
        self.connection = self.connection.with_timeout(timeout);
        Ok(self)
    }

    /// What the names of all keys of a group begin with: the braces keep them in one slot.
    fn names(&self, group: &str) -> String {
        format!("{}{{{group}}}:", self.prefix)
    }

    fn name(&self, id: ApiKeyId) -> String {
        format!("{}{id}", self.names(id.group()))
    }

    /// No id has a colon in it.
    fn index(&self, subject: &str, environment: Environment) -> String {
        let names = self.names(&ApiKeyId::group_of(subject));
        format!("{names}of:{environment}:{subject}")
    }

    async fn call(&self, call: &Call<'_>) -> Result<Vec<Reply>, Error> {
        self.connection.call(call).await.map_err(Error::store)
    }

    async fn keys(&self, call: &Call<'_>) -> Result<Vec<KeptKey>, Error> {
        let replies = self.call(call).await?;
        let keys = replies.iter().map(reply::kept);
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        newest_first(&mut keys);
        Ok(keys)
    }
}

impl fmt::Debug for RedisApiKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisApiKeyStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ApiKeyStore for RedisApiKeyStore {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        let lifetime = issuance.lifetime.map(millis::from_duration);
        let mut call = self.scripts.insert.call(&[
            self.name(issuance.id),
            self.index(&issuance.subject, issuance.environment),
        ]);
        call.arg(self.names(issuance.id.group()))
            .arg(issuance.id.as_str())
            .arg(&issuance.subject)
            .arg(issuance.environment.as_str())
            .arg(optional(issuance.label.as_deref()))
            .arg(grants::write(&issuance.scopes))
            .arg(grants::write(&issuance.roles))
            .arg(&issuance.digest.as_bytes()[..])
            .arg(
                lifetime
                    .map(|lifetime| lifetime.to_string())
                    .unwrap_or_default(),
            )
            .arg(millis::LAST)
            .arg(millis::from_duration(RETAINED));
        let inserted = self.keys(&call).await?.into_iter().next();
        Ok(inserted.ok_or_else(taken)?.key)
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        let mut found = match which {
            WhichKeys::One(id) | WhichKeys::OneOf { id, .. } => {
                let call = self.scripts.find.call(&[self.name(*id)]);
                self.keys(&call).await?
            }
            WhichKeys::AllOf {
                subject,
                environment,
            } => {
                let mut call = self.scripts.list.call(&[self.index(subject, *environment)]);
                call.arg(self.names(&ApiKeyId::group_of(subject)));
                self.keys(&call).await?
            }
        };
        found.retain(|kept| which.includes(&kept.key));
        Ok(found)
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        let mut call = self.scripts.rotate.call(&[self.name(rotation.id)]);
        call.arg(&rotation.subject)
            .arg(rotation.environment.as_str())
            .arg(&rotation.digest.as_bytes()[..])
            .arg(millis::from_duration(rotation.overlap));
        reply::rotated(&self.call(&call).await?)
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        let one = |id: &ApiKeyId, subject, environment| {
            let mut call = self.scripts.revoke_one.call(&[self.name(*id)]);
            call.arg(self.names(id.group()))
                .arg(optional(subject))
                .arg(environment);
            call
        };
        let call = match which {
            WhichKeys::One(id) => one(id, None, ""),
            WhichKeys::OneOf {
                subject,
                environment,
                id,
            } => one(id, Some(&**subject), environment.as_str()),
            WhichKeys::AllOf {
                subject,
                environment,
            } => {
                let mut call = self
                    .scripts
                    .revoke_all
                    .call(&[self.index(subject, *environment)]);
                call.arg(self.names(&ApiKeyId::group_of(subject)));
                call
            }
        };
        let revoked = self.keys(&call).await?;
        Ok(revoked.into_iter().map(|kept| kept.key).collect())
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        let mut call = self.scripts.note_use.call(&[self.name(id)]);
        call.arg(millis::from_duration(apart));
        self.call(&call).await.map(drop)
    }
}
