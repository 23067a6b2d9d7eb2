use std::{error::Error, fmt, future::Future, time::Duration};

use tokio::runtime::Handle;

use crate::{Error as ConfigError, ErrorKind};

/// For how long a verdict is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(Duration);

/// There was no answer within this time.
#[derive(Debug)]
pub(crate) struct TimedOut(Duration);

/// Nothing can be waited for here.
#[derive(Debug)]
struct NoRuntime;

impl Limit {
    pub(crate) fn new(time: Duration) -> Result<Self, ConfigError> {
        check_timeout(time)?;
        Ok(Self(time))
    }

    /// The answer, unless it takes longer. The future is dropped then.
    pub(crate) async fn wait<T, E>(
        self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Box<dyn Error + Send + Sync>>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        // Whoever asks may need the runtime as well.
        Handle::try_current().map_err(|_| NoRuntime)?;
        match tokio::time::timeout(self.0, answer).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Err(TimedOut(self.0).into()),
        }
    }
}

/// Refuses a timeout that nothing could keep.
pub(crate) fn check_timeout(time: Duration) -> Result<(), ConfigError> {
    if time.is_zero() {
        return Err(ConfigError::new(
            ErrorKind::InvalidConfiguration,
            "a timeout of zero leaves no time for any answer: it is more than that, or left as it is",
        ));
    }
    Ok(())
}

impl Default for Limit {
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer came within {:?}", self.0)
    }
}

impl Error for TimedOut {}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the request is served outside of a Tokio runtime, where nothing can be waited for",
        )
    }
}

impl Error for NoRuntime {}
