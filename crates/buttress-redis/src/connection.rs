//! One connection for all, replaced when it is no good any more.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{FromRedisValue, RedisError, RedisResult, Value, from_redis_value};
use tokio::{runtime::Handle, sync::watch, time};

use crate::{RedisClient, client::Connection, consequence::Consequence, script::Call};

/// One connection for all callers, replaced when it is no good any more. Clones are the same.
///
/// Nothing is connected before the first call. Calls are made inside of a Tokio runtime with its I/O and time enabled.
#[derive(Clone)]
pub struct RedisConnection(Arc<Inner>);

struct Inner {
    client: Arc<RedisClient>,
    timeout: Duration,
    current: Mutex<Current>,
}

enum Current {
    Nothing,
    /// Somebody connects, and all wait for what comes of it, so that a server that comes back is asked once.
    Connecting(watch::Receiver<Option<RedisResult<Arc<Line>>>>),
    Connected(Arc<Line>),
}

struct Line {
    connection: Connection,
    /// Whether somebody finds out at the moment if it still answers.
    in_doubt: AtomicBool,
}

/// A handshake is several round trips, in a cluster to several nodes: those who cannot wait for it that long leave it
/// to those who come after them.
const CONNECTING: Duration = Duration::from_secs(1);

impl RedisConnection {
    /// To these servers, which have this time to answer each call. A caller waits no longer than that for the
    /// connection either; to connect may take a second all the same, for those who come later.
    #[must_use]
    pub fn new(client: impl Into<RedisClient>, timeout: Duration) -> Self {
        Self::with_client(Arc::new(client.into()), timeout)
    }

    /// To the same servers with another time-out. The connection is a new one.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self::with_client(Arc::clone(&self.0.client), timeout)
    }

    fn with_client(client: Arc<RedisClient>, timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            client,
            timeout,
            current: Mutex::new(Current::Nothing),
        }))
    }

    /// Whether keys are spread over the nodes of a cluster, so that those of one call have to be in one slot.
    #[must_use]
    pub fn has_slots(&self) -> bool {
        self.0.client.has_slots()
    }

    /// Calls a script. When the server turns out to be a replica, the call is repeated once on a new connection.
    ///
    /// # Errors
    ///
    /// When there is no connection, or no answer in time, or the server or the script answers with an error; and when
    /// the answer is not what is wanted of it. But for answers of the server, the call may have been done.
    pub async fn call<T: FromRedisValue>(&self, call: &Call<'_>) -> RedisResult<T> {
        let mut outcome = self.0.try_call(call).await;
        if outcome
            .as_ref()
            .is_err_and(|error| Consequence::of(error) == Consequence::ReplaceAndRepeat)
        {
            outcome = self.0.try_call(call).await;
        }
        Ok(from_redis_value(outcome?)?)
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection")
            .field("client", &self.0.client)
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn try_call(self: &Arc<Self>, call: &Call<'_>) -> RedisResult<Value> {
        let line = self.line().await?;
        let mut connection = line.connection.clone();
        let doubt = Doubt::new(self, &line);
        let answer = in_time(self.timeout, call.send(&mut connection)).await;
        doubt.dispel();
        if let Err(error) = &answer {
            self.learn(error, &line);
        }
        answer
    }

    async fn line(self: &Arc<Self>) -> RedisResult<Arc<Line>> {
        let mut attempt = match &mut *self.current() {
            Current::Connected(line) => return Ok(Arc::clone(line)),
            Current::Connecting(attempt) => attempt.clone(),
            nothing @ Current::Nothing => {
                let (outcome, attempt) = watch::channel(None);
                // In a task of its own: a caller who gives up does not take it from those who wait, and when all
                // give up too early there is a connection all the same.
                tokio::spawn(Arc::clone(self).connect(outcome));
                *nothing = Current::Connecting(attempt.clone());
                attempt
            }
        };
        let outcome = async {
            match attempt.wait_for(Option::is_some).await {
                Ok(outcome) => Ok(outcome.clone()),
                Err(_) => Ok(None),
            }
        };
        let outcome = match self.timeout < CONNECTING {
            true => in_time(self.timeout, outcome).await?,
            // The attempt ends in that time, and all who wait learn the same.
            false => outcome.await?,
        };
        outcome.unwrap_or_else(|| {
            // The task has gone, and its runtime with it.
            let mut current = self.current();
            if matches!(&*current, Current::Connecting(attempt) if attempt.has_changed().is_err()) {
                *current = Current::Nothing;
            }
            Err(failed(
                io::ErrorKind::Interrupted,
                "nobody connects any more",
            ))
        })
    }

    async fn connect(self: Arc<Self>, outcome: watch::Sender<Option<RedisResult<Arc<Line>>>>) {
        let time = self.timeout.max(CONNECTING);
        let connection = in_time(time, self.client.connect(time)).await;
        let line = connection.map(|connection| {
            Arc::new(Line {
                connection,
                in_doubt: AtomicBool::new(false),
            })
        });
        *self.current() = match &line {
            Ok(line) => Current::Connected(Arc::clone(line)),
            Err(_) => Current::Nothing,
        };
        outcome.send_replace(Some(line));
    }

    /// A caller has given up before there was an answer. That says nothing of the connection, which others may be
    /// using well, but nobody is left who would notice if it never answers: so it is asked, behind what was asked
    /// before.
    async fn resolve(self: Arc<Self>, line: Arc<Line>) {
        let ping = redis::cmd("PING");
        let mut connection = line.connection.clone();
        let answer = in_time(self.timeout, connection.ask(&ping)).await;
        line.in_doubt.store(false, Ordering::Release);
        if let Err(error) = &answer {
            self.learn(error, &line);
        }
    }

    fn learn(&self, error: &RedisError, line: &Arc<Line>) {
        if Consequence::of(error) != Consequence::Keep {
            self.forget(line);
        }
    }

    /// Forgets this line, and not the one that may have taken its place.
    fn forget(&self, line: &Arc<Line>) {
        let mut current = self.current();
        if matches!(&*current, Current::Connected(other) if Arc::ptr_eq(other, line)) {
            *current = Current::Nothing;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_time<T>(
    timeout: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let late = |_| {
        Err(failed(
            io::ErrorKind::TimedOut,
            "Redis did not answer in time",
        ))
    };
    time::timeout(timeout, work).await.unwrap_or_else(late)
}

fn failed(kind: io::ErrorKind, text: &'static str) -> RedisError {
    io::Error::new(kind, text).into()
}

/// Lives while a call waits for its answer.
struct Doubt<'a> {
    shared: &'a Arc<Inner>,
    /// Until there is an answer, or an error.
    line: Option<&'a Arc<Line>>,
}

impl<'a> Doubt<'a> {
    fn new(shared: &'a Arc<Inner>, line: &'a Arc<Line>) -> Self {
        Self {
            shared,
            line: Some(line),
        }
    }

    fn dispel(mut self) {
        self.line = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else {
            return;
        };
        if line.in_doubt.swap(true, Ordering::AcqRel) {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(Arc::clone(self.shared).resolve(Arc::clone(line)));
            }
            // The connection has lived in the runtime that is gone.
            Err(_) => self.shared.forget(line),
        }
    }
}
