pub(crate) mod reply;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use buttress_redis::RedisClient;
use buttress_redis::{Call, RedisConnection, Reply, Script};

use self::reply::into_session;
use super::{INDEXED, RefreshStore, millis};
use crate::{
    Beginning, Begun, EndReason, Ending, Endings, Error, ErrorKind, Judged, Proposal, Session,
    SessionId, Which, gate::check_timeout,
};

/// Sessions in Redis, from version 6.2 on: on one server, in a cluster, or behind Sentinel.
///
/// A session is one key, and a rotation one script call on it. The sessions of a subject and the index of them
/// are in one slot of a cluster. Every key goes with the session's absolute end. Time is the server's.
///
/// One connection is shared by all. It is replaced when it breaks, when an answer does not come in time, and when
/// the server turns out to be a replica: another one is the master then, and the call is repeated there. Nothing is
/// read from a replica either. Who waits for an answer that is lost gets an error and may try again. What the server
/// acknowledges is as durable as it is configured to be; after a failover that lost writes, tokens that are newer than
/// the store are recognised ([`Verdict::Ahead`](crate::Verdict::Ahead)), not taken for stolen ones.
///
/// Whoever calls it without [`Sessions`](crate::Sessions) does so inside of a Tokio runtime with its I/O and time enabled.
///
/// The server must not evict (`maxmemory-policy noeviction`): without the index of a subject, its sessions are
/// neither listed nor ended together until each was refreshed, which puts it back. A failover that loses the end
/// of a session brings the session back, which nothing notices. While a slot of a cluster is being moved, calls that
/// concern several sessions of a subject in it may fail.
///
/// ```
/// use buttress_jwt::RedisRefreshStore;
///
/// let store = RedisRefreshStore::new(redis::Client::open("redis://127.0.0.1/")?);
/// # #[cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]
/// # {
/// use redis::{cluster::ClusterClient, sentinel::{SentinelClient, SentinelServerType}};
///
/// // With the feature `redis-cluster`: some of the nodes, which know the others.
/// let nodes = ["redis://10.0.0.1/", "redis://10.0.0.2/"];
/// let store = RedisRefreshStore::new(ClusterClient::new(nodes)?);
///
/// // With the feature `redis-sentinel`: the sentinels, and their name for the master.
/// let sentinels = vec!["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/"];
/// let master = SentinelServerType::Master;
/// let store = RedisRefreshStore::new(SentinelClient::build(sentinels, "shop".into(), None, master)?);
/// # }
/// # Ok::<_, redis::RedisError>(())
/// ```
#[derive(Clone)]
pub struct RedisRefreshStore {
    connection: RedisConnection,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
}

struct Scripts {
    begin: Script,
    rotate: Script,
    end_one: Script,
    end_all: Script,
    list: Script,
    find: Script,
}

impl RedisRefreshStore {
    /// On the server or servers of this client: a `redis::Client`, or one of those that [`RedisClient`] can be
    /// made from. It is asked for a connection when the first one is needed.
    ///
    /// Keys begin with `refresh:`, and the server has 2 seconds to connect and to answer. The client's own time-outs
    /// and retries do not count beyond that.
    #[must_use]
    pub fn new(client: impl Into<RedisClient>) -> Self {
        let script = |text: &str| Script::new(format!("{}{text}", include_str!("family.lua")));
        Self {
            connection: RedisConnection::new(client, Duration::from_secs(2)),
            scripts: Arc::new(Scripts {
                begin: script(include_str!("begin.lua")),
                rotate: script(include_str!("rotate.lua")),
                end_one: script(include_str!("end_one.lua")),
                end_all: script(include_str!("end_all.lua")),
                list: script(include_str!("list.lua")),
                find: script(include_str!("find.lua")),
            }),
            prefix: "refresh:".into(),
        }
    }

    /// What the names of the keys begin with. It has no `{`, or all sessions would be in one slot.
    ///
    /// # Errors
    ///
    /// When it has a brace.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.prefix = checked_prefix(prefix)?;
        Ok(self)
    }

    /// How long it may take to connect, and then to answer; repeated calls have it anew. The connection is a new one.
    ///
    /// # Errors
    ///
    /// When it is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, Error> {
        check_timeout(timeout)?;
        self.connection = self.connection.with_timeout(timeout);
        Ok(self)
    }

    /// What the names of all families of a group begin with: the braces keep them in one slot.
    fn families(&self, group: [u8; 6]) -> String {
        let mut name = format!("{}{{", self.prefix);
        for byte in group {
            name.push_str(&format!("{byte:02x}"));
        }
        name.push_str("}:");
        name
    }

    fn family(&self, id: SessionId) -> String {
        format!("{}{id}", self.families(id.group()))
    }

    /// As in `family.lua`.
    fn index(&self, subject: &str) -> String {
        let group = self.families(SessionId::group_of(subject));
        format!("{group}subject:{subject}")
    }

    async fn call(&self, call: &Call<'_>) -> Result<Vec<Reply>, Error> {
        self.connection.call(call).await.map_err(Error::store)
    }
}

impl fmt::Debug for RedisRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRefreshStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A prefix of the names of keys.
pub(crate) fn checked_prefix(prefix: &str) -> Result<Arc<str>, Error> {
    if prefix.contains(['{', '}']) {
        return Err(Error::new(
            ErrorKind::InvalidConfiguration,
            "the prefix of keys has no braces, which decide the slot",
        ));
    }
    Ok(prefix.into())
}

#[async_trait]
impl RefreshStore for RedisRefreshStore {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        let mut call = self
            .scripts
            .begin
            .call(&[self.family(beginning.id), self.index(&beginning.subject)]);
        call.arg(self.families(beginning.id.group()))
            .arg(beginning.id.to_string())
            .arg(&beginning.subject)
            .arg(reply::optional(beginning.label.as_deref()))
            .arg(reply::optional(beginning.context.as_deref()))
            .arg(millis::from_duration(beginning.idle_timeout))
            .arg(millis::from_duration(beginning.lifetime))
            .arg(millis::LAST)
            .arg(&beginning.current.as_bytes()[..])
            .arg(beginning.limit.get())
            .arg(EndReason::Evicted.as_str())
            .arg(millis::from_duration(INDEXED));
        let mut replies = self.call(&call).await?.into_iter();
        let session = match replies.next() {
            Some(Reply::Row(row)) => into_session(Reply::Row(row))?,
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidSession,
                    "a session of that id is kept already",
                ));
            }
        };
        let ended = replies.map(into_session).collect::<Result<_, _>>()?;
        Ok(Begun { session, ended })
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        let mut call = self.scripts.rotate.call(&[self.family(proposal.session)]);
        call.arg(self.families(proposal.session.group()))
            .arg(proposal.generation)
            .arg(&proposal.presented.as_bytes()[..])
            .arg(&proposal.successor.as_bytes()[..])
            .arg(&proposal.salt[..])
            .arg(
                proposal
                    .attempt
                    .as_ref()
                    .map_or(&[][..], |attempt| &attempt.as_bytes()[..]),
            )
            .arg(millis::from_duration(proposal.grace))
            .arg(proposal.reissue_limit)
            .arg(millis::from_duration(proposal.min_age))
            .arg(if proposal.accept_ahead { "y" } else { "" });
        reply::judged(&self.call(&call).await?)
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        let again = millis::from_duration(ending.again);
        let (subject, id) = match &ending.which {
            Which::One(id) => (None, id),
            Which::OneOf { subject, id } => (Some(subject.as_str()), id),
            Which::AllOf { subject, except } => {
                let except = except.map(|id| id.to_string()).unwrap_or_default();
                let mut call = self.scripts.end_all.call(&[self.index(subject)]);
                call.arg(self.families(SessionId::group_of(subject)))
                    .arg(ending.reason.as_str())
                    .arg(except)
                    .arg(again);
                return reply::endings(self.call(&call).await?);
            }
        };
        let mut call = self.scripts.end_one.call(&[self.family(*id)]);
        call.arg(self.families(id.group()))
            .arg(ending.reason.as_str())
            .arg(reply::optional(subject))
            .arg(again);
        reply::endings(self.call(&call).await?)
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        let mut call = self.scripts.list.call(&[self.index(subject)]);
        call.arg(self.families(SessionId::group_of(subject)));
        reply::sessions(self.call(&call).await?)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let call = self.scripts.find.call(&[self.family(id)]);
        let mut replies = self.call(&call).await?.into_iter();
        replies.next().map(into_session).transpose()
    }
}
