use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where the in-process store takes the time from: the clock of the machine that is never set back, or one that a test
/// moves.
///
/// ```
/// use std::{sync::{Arc, Mutex}, time::Duration};
/// use buttress_ratelimit::Clock;
///
/// let time = Arc::new(Mutex::new(Duration::ZERO));
/// let clock = Clock::new({
///     let time = Arc::clone(&time);
///     move || *time.lock().unwrap()
/// });
/// *time.lock().unwrap() += Duration::from_secs(3600);
/// assert_eq!(clock.now(), Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// Since then.
    Machine(Instant),
    Other(Arc<dyn Fn() -> Duration + Send + Sync>),
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn system() -> Self {
        Self(Source::Machine(Instant::now()))
    }

    /// A clock that shows what the function returns: the time since any one point.
    #[must_use]
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Source::Other(Arc::new(now)))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::Machine(since) => since.elapsed(),
            Source::Other(now) => now(),
        }
    }

    /// In nanoseconds, up to where the rules reckon.
    pub(crate) fn nanos(&self) -> u64 {
        let nanos = u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX);
        nanos.min(crate::bucket::MAX_NANOS)
    }
}

/// What the calendar of the machine shows, for headers that name a time.
#[allow(
    clippy::disallowed_methods,
    reason = "no clock that is given knows the date"
)]
pub(crate) fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
