//! When a store is asked, and when it is left alone: values and the time in, values out.

/// So many calls fail one after the other before a store is left alone.
pub(crate) const FAILURES: u32 = 5;

/// How long it is left alone at first, in nanoseconds, and at most.
const FIRST_PAUSE: u64 = 100_000_000;
const LONGEST_PAUSE: u64 = 1_000_000_000;

/// A breaker of a circuit that opens after failures in a row, and lets one call through from time to time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// All ask the store, of which this many calls have failed since one went well, and the last one then.
    Closed { failures: u32, last: u64 },
    /// Nobody asks the store.
    Open { outage: Outage, until: u64 },
    /// One asks the store, all others do not.
    Probing { outage: Outage },
}

/// Since when a store has been left alone, and for how long until it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    since: u64,
    pause: u64,
}

/// Who may ask the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Everybody.
    All,
    /// This caller alone: what comes of it decides for all.
    Probe,
    Nobody,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self::Closed {
            failures: 0,
            last: 0,
        }
    }

    pub(crate) fn admit(&mut self, now: u64) -> Admission {
        match *self {
            Self::Closed { .. } => Admission::All,
            Self::Open { outage, until } if until <= now => {
                *self = Self::Probing { outage };
                Admission::Probe
            }
            Self::Open { .. } | Self::Probing { .. } => Admission::Nobody,
        }
    }

    /// A call went well. Answers how long the outage took that it has ended.
    pub(crate) fn succeeded(&mut self, by: Admission, now: u64) -> Option<u64> {
        match *self {
            Self::Probing { outage } if by == Admission::Probe => {
                *self = Self::new();
                Some(now.saturating_sub(outage.since))
            }
            Self::Closed { .. } => {
                *self = Self::new();
                None
            }
            // A call that began before the others failed says nothing of now.
            Self::Open { .. } | Self::Probing { .. } => None,
        }
    }

    /// A call failed that has begun then. Answers whether an outage begins with it.
    ///
    /// Calls that fail together, because a connection has ended, count as one: each that counts has begun after the one before had
    /// failed.
    pub(crate) fn failed(&mut self, by: Admission, began: u64, now: u64) -> bool {
        match *self {
            Self::Closed { last, .. } if began < last => false,
            Self::Closed { failures, .. } if failures + 1 >= FAILURES => {
                let outage = Outage {
                    since: now,
                    pause: FIRST_PAUSE,
                };
                *self = Self::open(outage, now);
                true
            }
            Self::Closed { failures, .. } => {
                *self = Self::Closed {
                    failures: failures + 1,
                    last: now,
                };
                false
            }
            Self::Probing { outage } if by == Admission::Probe => {
                let pause = outage.pause.saturating_mul(2).min(LONGEST_PAUSE);
                *self = Self::open(Outage { pause, ..outage }, now);
                false
            }
            Self::Open { .. } | Self::Probing { .. } => false,
        }
    }

    /// Who was to try the store has gone before it answered: the next one may.
    pub(crate) fn abandoned(&mut self, now: u64) {
        if let Self::Probing { outage } = *self {
            *self = Self::Open { outage, until: now };
        }
    }

    fn open(outage: Outage, now: u64) -> Self {
        let until = now.saturating_add(outage.pause);
        Self::Open { outage, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    fn open() -> Breaker {
        let mut breaker = Breaker::new();
        for number in 1..=FAILURES {
            assert_eq!(breaker.admit(7), Admission::All);
            assert_eq!(breaker.failed(Admission::All, 7, 7), number == FAILURES);
        }
        breaker
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = Breaker::new();
        for _ in 0..1_000 {
            for _ in 1..FAILURES {
                assert!(!breaker.failed(Admission::All, 7, 7));
            }
            assert_eq!(breaker.succeeded(Admission::All, 7), None);
            assert_eq!(breaker, Breaker::new());
        }
    }

    #[test]
    fn calls_that_fail_together_are_one() {
        let mut breaker = Breaker::new();
        for wave in 1..=u64::from(FAILURES) {
            for caller in 0..100 {
                let (began, now) = (wave * 1_000 + caller, wave * 1_000 + 500 + caller);
                let opens = breaker.failed(Admission::All, began, now);
                assert_eq!(opens, wave == u64::from(FAILURES) && caller == 0);
            }
        }
    }

    #[test]
    fn a_thousand_successes_do_not_hide_an_outage() {
        let mut breaker = Breaker::new();
        for _ in 0..1_000 {
            breaker.succeeded(Admission::All, 7);
        }
        let failures = (1..).find(|_| breaker.failed(Admission::All, 7, 7));
        assert_eq!(failures, Some(FAILURES));
    }

    #[test]
    fn one_alone_tries_again_and_later_each_time() {
        let mut breaker = open();
        let mut now = 7;
        for pause in [100, 200, 400, 800, 1_000, 1_000] {
            now += pause * MILLISECOND - 1;
            assert_eq!(breaker.admit(now), Admission::Nobody, "{pause}");
            now += 1;
            assert_eq!(breaker.admit(now), Admission::Probe, "{pause}");
            assert_eq!(breaker.admit(now), Admission::Nobody);
            now += 50 * MILLISECOND;
            assert!(!breaker.failed(Admission::Probe, now, now));
        }
    }

    #[test]
    fn what_comes_of_the_probe_decides() {
        let mut breaker = open();
        let now = 7 + FIRST_PAUSE;
        assert_eq!(breaker.admit(now), Admission::Probe);
        // Of calls from before.
        assert_eq!(breaker.succeeded(Admission::All, now), None);
        assert!(!breaker.failed(Admission::All, 7, now));
        assert_eq!(breaker.admit(now + FIRST_PAUSE), Admission::Nobody);
        let took = breaker.succeeded(Admission::Probe, now + 3);
        assert_eq!(took, Some(FIRST_PAUSE + 3));
        assert_eq!(breaker, Breaker::new());
    }

    #[test]
    fn a_probe_that_is_given_up_is_made_by_the_next_one() {
        let mut breaker = open();
        let now = 7 + FIRST_PAUSE;
        assert_eq!(breaker.admit(now), Admission::Probe);
        breaker.abandoned(now + 1);
        assert_eq!(breaker.admit(now + 1), Admission::Probe);
    }
}
