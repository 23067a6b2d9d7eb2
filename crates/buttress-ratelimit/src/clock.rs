use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::bucket::MAX_NANOS;

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
    /// The counter of the processor, where that is steady, since it had this value: to ask the system takes longer than
    /// all the rest of a decision.
    Machine(quanta::Clock, u64),
    Other(Arc<dyn Fn() -> Duration + Send + Sync>),
}

impl Clock {
    /// The clock of the machine: its processor's counter, which is compared with the system's clock once in a process.
    #[must_use]
    pub fn system() -> Self {
        let clock = quanta::Clock::new();
        let begun = clock.raw();
        Self(Source::Machine(clock, begun))
    }

    /// A clock that shows what the function returns: the time since any one point.
    #[must_use]
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Source::Other(Arc::new(now)))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// In nanoseconds, up to where the rules reckon.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        let nanos = match &self.0 {
            Source::Machine(clock, begun) => clock.delta_as_nanos(*begun, clock.raw()),
            Source::Other(now) => u64::try_from(now().as_nanos()).unwrap_or(u64::MAX),
        };
        nanos.min(MAX_NANOS)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_machine_goes_on() {
        let clock = Clock::system();
        let before = clock.now();
        while clock.now() < before + Duration::from_micros(50) {
            std::hint::spin_loop();
        }
        assert!(clock.clone().now() > before);
    }

    #[test]
    fn a_time_that_is_too_large_is_the_last_one() {
        let clock = Clock::new(|| Duration::MAX);
        assert_eq!(clock.nanos(), MAX_NANOS);
    }
}
