mod answer;
mod kept;
mod names;
mod together;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
pub use buttress_redis::RedisClient;
use buttress_redis::{Call, RedisConnection, Reply, Script};

use self::{answer::Answer, kept::seconds_and_nanos, names::Names, together::Together};
use crate::{Clock, Error, ErrorKind, Key, Levels, Quotas, RateLimitStore};

/// Keeps buckets in Redis, from version 6.2 on: on one server, in a cluster, or behind Sentinel. All processes that use
/// the same servers, prefix and name share them.
///
/// The buckets of a key are one key, and a decision is one script call on it: one round trip, whatever the number of
/// quotas. Decisions that are asked for at the same time, of any keys, are up to 32 in one call, but in a cluster, and [unless that is not wanted](Self::without_batching). Time is the server's. A key lives until the slowest of its buckets is full, and not longer. A refusal and a peek
/// write nothing.
///
/// A limiter whose quotas are [replaced](crate::RateLimiter::replace) finds the buckets of the quotas before by their
/// own key, takes them over when a key is next seen, which is two round trips more, and removes them. Processes that still
/// decide by the old quotas begin with full buckets then. Until all that were there before are full, calls are not made together.
///
/// One connection is shared by all callers, and replaced when it is no good any more. Whoever waits for an answer that is
/// lost gets an error; the charge may have been made. The client of a cluster repeats a call whose connection broke by
/// itself, so that a charge, a refund or a penalty may be made twice then: a key is charged too much by it and never admitted too
/// often, but for a refund.
///
/// A server that has become a replica refuses to be written to, so that it allows nothing: the call is repeated on the new
/// master. What refuses or only asks is answered by it as things stood, for no longer than
/// its connection lives. A bucket that is empty there is no fuller elsewhere, unless it was refunded or set since, and fills by time alone.
/// A failover that loses writes gives back what they have charged.
///
/// A server that evicts (`maxmemory-policy` other than `noeviction`) makes buckets full; one that does not answers with an error when
/// there is no room. A server whose clock is set back locks nobody out for longer than a bucket takes to fill.
///
/// ```
/// use buttress_ratelimit::{Quota, RateLimiter, RedisStore};
///
/// let store = RedisStore::new(redis::Client::open("redis://127.0.0.1/")?, "orders")?;
/// let limiter = RateLimiter::with_store(store, [Quota::per_second(10).burst(20)])?;
/// # #[cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]
/// # {
/// use redis::{cluster::ClusterClient, sentinel::{SentinelClient, SentinelServerType}};
///
/// // With the feature `redis-cluster`: some of the nodes, which know the others.
/// let nodes = ["redis://10.0.0.1/", "redis://10.0.0.2/"];
/// let store = RedisStore::new(ClusterClient::new(nodes)?, "orders")?;
///
/// // With the feature `redis-sentinel`: the sentinels, and their name for the master.
/// let sentinels = vec!["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/"];
/// let master = SentinelServerType::Master;
/// let store = RedisStore::new(SentinelClient::build(sentinels, "shop".into(), None, master)?, "orders")?;
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: RedisConnection,
    scripts: Arc<Scripts>,
    names: Names,
    together: Arc<Together>,
    /// In place of the server's, for tests.
    clock: Option<Clock>,
}

struct Scripts {
    charge: Script,
    charge_many: Script,
    charge_long: Script,
    change: Script,
    adopt: Script,
}

impl Scripts {
    fn new(time: &str, adopting: &str) -> Self {
        let script = |before: &str, text: &str| Script::new(format!("{before}{text}"));
        let charge = |call| script(time, &format!("{}{call}", include_str!("charge.lua")));
        Self {
            charge: charge(include_str!("charge_one.lua")),
            charge_many: charge(include_str!("charge_many.lua")),
            charge_long: script(time, include_str!("charge_long.lua")),
            change: script(time, include_str!("change.lua")),
            adopt: script(adopting, include_str!("adopt.lua")),
        }
    }
}

impl RedisStore {
    /// On the server or servers of this client: a `redis::Client`, or one of those that [`RedisClient`] can be
    /// made from. It is asked for a connection when the first one is needed.
    ///
    /// The name tells the buckets of one limiter from those of others. Keys begin with `ratelimit:`, the name and
    /// a colon, and hold what the [`Key`] is made of, or a digest of it if that is secret or longer than 64 bytes. The server has
    /// 50 milliseconds to answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when the name is empty, or has a
    /// colon or a brace in it.
    pub fn new(client: impl Into<RedisClient>, name: &str) -> Result<Self, Error> {
        Ok(Self {
            connection: RedisConnection::new(client, Duration::from_millis(50)),
            scripts: Arc::new(Scripts::new(include_str!("time.lua"), "")),
            names: Names::new(name)?,
            together: Arc::default(),
            clock: None,
        })
    }

    /// What the names of the keys begin with, in place of `ratelimit`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when it has a brace, which would
    /// decide the slot.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, Error> {
        self.names = self.names.with_prefix(prefix)?;
        Ok(self)
    }

    /// How long the server may take to answer; repeated calls have it anew. The connection is a new one.
    ///
    /// Whoever needs a connection that is not there yet waits no longer than that either, though it may take a second to
    /// connect: a [`peek`](crate::RateLimiter::peek) or two before the first request spares it the error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`](crate::ErrorKind::InvalidConfiguration) when it is zero.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, Error> {
        if timeout.is_zero() {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "a timeout of zero leaves no time for any answer: it is more than that, or left as it is",
            ));
        }
        self.connection = self.connection.with_timeout(timeout);
        self.together = Arc::new(self.together.anew());
        Ok(self)
    }

    /// Makes each decision a call of its own, whatever else is asked for at the same time. For servers behind a proxy that lets a call have
    /// keys of one slot only, and does not say so by `CROSSSLOT`: with that, it is found out by itself.
    #[must_use]
    pub fn without_batching(mut self) -> Self {
        self.together = Arc::new(Together::apart());
        self
    }

    /// Takes the time from this clock, in whole microseconds, in place of the server's: for tests that move it. Keys stay for
    /// an hour longer then.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        let time = include_str!("clock.lua");
        self.scripts = Arc::new(Scripts::new(time, time));
        self.together = Arc::new(self.together.anew());
        self.clock = Some(clock);
        self
    }

    /// Calls a script with these arguments, on the buckets of the key, after those of the quotas before were taken over.
    async fn call(
        &self,
        script: &Script,
        key: &Key,
        quotas: &Quotas,
        arguments: impl Fn(&mut Call<'_>),
    ) -> Result<Levels, Error> {
        let ancestors = quotas.ancestors();
        let names = self.names.of(key, quotas, &ancestors);
        for _ in 0..ATTEMPTS {
            let mut call = script.call(&names);
            arguments(&mut call);
            self.tell_time(&mut call);
            let reply: Reply = self.connection.call(&call).await.map_err(failed)?;
            let (now, before, at) = match Answer::read(reply, quotas).ok_or_else(nonsense)? {
                Answer::Missing(levels) => return Ok(levels),
                Answer::OfBefore { now, kept, at } => (now, kept, at),
            };
            let ancestor = ancestors.get(at).ok_or_else(nonsense)?;
            let missing = kept::missing(Some(&before), ancestor, now).ok_or_else(nonsense)?;
            let inherited = quotas.inherited_from(ancestor, &missing);
            let (value, millis) = kept::write(&inherited, now);
            let own = names.iter().take(1);
            let names: Vec<_> = own.chain(names.iter().skip(1 + at)).collect();
            let mut call = self.scripts.adopt.call(&names);
            call.arg(before).arg(value).arg(millis);
            self.tell_time(&mut call);
            let () = self.connection.call(&call).await.map_err(failed)?;
        }
        Err(Error::store(
            "the buckets of the quotas before are charged too often to be taken over",
        ))
    }

    fn tell_time(&self, call: &mut Call<'_>) {
        if let Some(clock) = &self.clock {
            let now = clock.now();
            call.arg(now.as_secs()).arg(now.subsec_micros());
        }
    }
}

/// What others do by the old quotas meanwhile makes another attempt necessary.
const ATTEMPTS: usize = 16;

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::store("Redis failed, or did not answer in time").with_source(error)
}

fn nonsense() -> Error {
    Error::store("a bucket in Redis has something else than what is written there")
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimitStore for RedisStore {
    fn check_quotas(&self, _: &Quotas, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn charge(
        &self,
        key: &Key,
        quotas: &Quotas,
        cost: u32,
        count: u32,
    ) -> Result<Levels, Error> {
        let count = if cost == 0 { 0 } else { count };
        match kept::fits(quotas) {
            true => {
                let packed = kept::charges(quotas, cost, count);
                // What is kept of the quotas before is seen to by a call of its own, and so is what has failed alone.
                if quotas.previous().is_none() && !self.connection.has_slots() {
                    let name = self.names.one(key, quotas);
                    if let Some(answer) = self.charge_together(name, packed.clone()).await {
                        return Answer::missing(answer?, quotas).ok_or_else(nonsense);
                    }
                }
                self.call(&self.scripts.charge, key, quotas, |call| {
                    call.arg(&packed[..]);
                })
                .await
            }
            false => {
                self.call(&self.scripts.charge_long, key, quotas, |call| {
                    call.arg(count);
                    for (quota, rate) in quotas.iter().zip(quotas.rates()) {
                        let price = rate.price(cost);
                        seconds_and_nanos(call, rate.deepest());
                        match rate.capacity().checked_sub(price) {
                            Some(room) => seconds_and_nanos(call, room),
                            // No bucket ever has so much.
                            None => {
                                call.arg(-1).arg(0);
                            }
                        }
                        seconds_and_nanos(call, price);
                        call.arg(u8::from(quota.is_shadow()));
                    }
                })
                .await
            }
        }
    }

    async fn adjust(&self, key: &Key, quotas: &Quotas, by: i64) -> Result<Levels, Error> {
        self.call(&self.scripts.change, key, quotas, |call| {
            call.arg(if by < 0 { "give" } else { "take" });
            for rate in quotas.rates() {
                let change = rate.interval().saturating_mul(by.unsigned_abs());
                seconds_and_nanos(call, rate.deepest());
                seconds_and_nanos(call, change);
            }
        })
        .await
    }

    async fn set(&self, key: &Key, quotas: &Quotas, missing: &[u64]) -> Result<(), Error> {
        self.call(&self.scripts.change, key, quotas, |call| {
            call.arg("set");
            for (rate, missing) in quotas.rates().iter().zip(missing) {
                seconds_and_nanos(call, rate.deepest());
                seconds_and_nanos(call, *missing);
            }
        })
        .await
        .map(drop)
    }
}
