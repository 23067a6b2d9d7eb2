//! One connection for all, replaced when it is no good any more.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{RedisError, RedisResult, from_redis_value};
use tokio::{runtime::Handle, sync::watch, time};

use super::{
    client::{Connection, RedisClient},
    consequence::Consequence,
    reply::Reply,
    script::Call,
};
use crate::Error;

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    client: Arc<RedisClient>,
    timeout: Duration,
    current: Mutex<Current>,
}

enum Current {
    Nothing,
    /// Somebody connects, and all wait for what comes of it, so that a server that comes back is asked once.
    Connecting(watch::Receiver<Option<RedisResult<Line>>>),
    Connected(Line),
}

#[derive(Clone)]
struct Line {
    connection: Connection,
    /// Whether somebody finds out at the moment if it still answers. Also what this line is known by.
    in_doubt: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(client: RedisClient, timeout: Duration) -> Self {
        Self::with_client(Arc::new(client), timeout)
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        Self::with_client(Arc::clone(&self.0.client), timeout)
    }

    fn with_client(client: Arc<RedisClient>, timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            client,
            timeout,
            current: Mutex::new(Current::Nothing),
        }))
    }

    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Vec<Reply>, Error> {
        let mut outcome = self.0.try_call(call).await;
        if outcome
            .as_ref()
            .is_err_and(|error| Consequence::of(error) == Consequence::ReplaceAndRepeat)
        {
            outcome = self.0.try_call(call).await;
        }
        outcome.map_err(Error::store)
    }
}

impl Inner {
    async fn try_call(self: &Arc<Self>, call: &Call<'_>) -> RedisResult<Vec<Reply>> {
        let mut line = self.line().await?;
        let doubt = Doubt::new(self, &line);
        let answer = self.in_time(call.send(&mut line.connection)).await;
        doubt.dispel();
        if let Err(error) = &answer {
            self.learn(error, &line);
        }
        Ok(from_redis_value(answer?)?)
    }

    async fn line(self: &Arc<Self>) -> RedisResult<Line> {
        let mut attempt = match &mut *self.current() {
            Current::Connected(line) => return Ok(line.clone()),
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
        let outcome = match attempt.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
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

    async fn connect(self: Arc<Self>, outcome: watch::Sender<Option<RedisResult<Line>>>) {
        let connection = self.in_time(self.client.connect(self.timeout)).await;
        let line = connection.map(|connection| Line {
            connection,
            in_doubt: Arc::default(),
        });
        *self.current() = match &line {
            Ok(line) => Current::Connected(line.clone()),
            Err(_) => Current::Nothing,
        };
        outcome.send_replace(Some(line));
    }

    /// A caller has given up before there was an answer. That says nothing of the connection, which others may be
    /// using well, but nobody is left who would notice if it never answers: so it is asked, behind what was asked
    /// before.
    async fn resolve(self: Arc<Self>, mut line: Line) {
        let ping = redis::cmd("PING");
        let answer = self.in_time(line.connection.ask(&ping)).await;
        line.in_doubt.store(false, Ordering::Release);
        if let Err(error) = &answer {
            self.learn(error, &line);
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let late = |_| {
            Err(failed(
                io::ErrorKind::TimedOut,
                "Redis did not answer in time",
            ))
        };
        time::timeout(self.timeout, work).await.unwrap_or_else(late)
    }

    fn learn(&self, error: &RedisError, line: &Line) {
        if Consequence::of(error) != Consequence::Keep {
            self.forget(line);
        }
    }

    /// Forgets this line, and not the one that may have taken its place.
    fn forget(&self, line: &Line) {
        let mut current = self.current();
        if matches!(&*current, Current::Connected(other) if Arc::ptr_eq(&other.in_doubt, &line.in_doubt))
        {
            *current = Current::Nothing;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(kind: io::ErrorKind, text: &'static str) -> RedisError {
    io::Error::new(kind, text).into()
}

/// Lives while a call waits for its answer.
struct Doubt {
    shared: Arc<Inner>,
    /// Until there is an answer, or an error.
    line: Option<Line>,
}

impl Doubt {
    fn new(shared: &Arc<Inner>, line: &Line) -> Self {
        Self {
            shared: Arc::clone(shared),
            line: Some(line.clone()),
        }
    }

    fn dispel(mut self) {
        self.line = None;
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else {
            return;
        };
        if line.in_doubt.swap(true, Ordering::AcqRel) {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(Arc::clone(&self.shared).resolve(line));
            }
            // The connection has lived in the runtime that is gone.
            Err(_) => self.shared.forget(&line),
        }
    }
}
