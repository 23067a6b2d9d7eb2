//! What caused a problem: written to the log once, and never to the wire.

use std::{
    error::Error as StdError,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Problem;

/// Logs a problem's source when it is dropped, unless [`log`](Self::log) did so before: a cause
/// is not lost for want of a layer.
#[derive(Debug)]
pub(crate) struct Cause {
    source: Arc<dyn StdError + Send + Sync>,
    status: u16,
    logged: AtomicBool,
}

/// What ties a line of the log to an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ids<'a> {
    pub(crate) instance: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) trace_id: Option<&'a str>,
}

impl Cause {
    pub(crate) fn of(problem: &Problem) -> Option<Self> {
        Some(Self {
            source: problem.0.source.clone()?,
            status: problem.status().as_u16(),
            logged: AtomicBool::new(false),
        })
    }

    /// Server errors are errors; what a client did wrong is not.
    pub(crate) fn log(&self, ids: Ids<'_>) {
        if self.logged.swap(true, Ordering::AcqRel) {
            return;
        }
        let status = self.status;
        let Ids {
            instance,
            request_id,
            trace_id,
        } = ids;
        if status >= 500 {
            let error = self.text();
            tracing::error!(
                status,
                error,
                instance,
                requestId = request_id,
                traceId = trace_id,
                "request failed"
            );
        } else if tracing::enabled!(tracing::Level::DEBUG) {
            let error = self.text();
            tracing::debug!(
                status,
                error,
                instance,
                requestId = request_id,
                traceId = trace_id,
                "request refused"
            );
        }
    }

    /// Rendered here and not by the subscriber: this runs in a destructor too, where a `Display`
    /// that panics would end the process.
    fn text(&self) -> String {
        let chain = AssertUnwindSafe(Chain(self.source.as_ref()));
        catch_unwind(|| chain.to_string())
            .unwrap_or_else(|_| "an error whose text cannot be had: its Display panicked".into())
    }
}

impl Drop for Cause {
    fn drop(&mut self) {
        self.log(Ids::default());
    }
}

/// An error and all that caused it, in one line. A level that the level above has repeated
/// already, as `#[error("…: {0}")]` does, is not said twice.
///
/// Nothing keeps an error from being its own source, so the chain is followed only so far.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        for _ in 0..MAX_SOURCES {
            let Some(error) = next else { return Ok(()) };
            let text = error.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            next = error.source();
        }
        match next {
            Some(_) => f.write_str(": …"),
            None => Ok(()),
        }
    }
}

const MAX_SOURCES: usize = 64;
