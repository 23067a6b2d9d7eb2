//! Governor as a reference, and as a store.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use buttress_ratelimit::{
    Decision, ErrorKind, GovernorStore, Inherit, Key, Quota, QuotaState, RateLimiter,
};
use governor::{
    clock::{self, FakeRelativeClock},
    middleware::{NoOpMiddleware, StateInformationMiddleware},
    nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use proptest::{collection::vec, prelude::*};

use crate::time::Time;

type Governed<M> = governor::RateLimiter<Key, HashMapStateStore<Key>, FakeRelativeClock, M>;

fn some(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn governed(quota: governor::Quota, clock: &FakeRelativeClock) -> Governed<NoOpMiddleware<Nanos>> {
    governor::RateLimiter::hashmap_with_clock(quota, clock.clone())
}

fn with_state(
    quota: governor::Quota,
    clock: &FakeRelativeClock,
) -> Arc<Governed<StateInformationMiddleware>> {
    Arc::new(governed(quota, clock).with_middleware())
}

/// The only state of a decision on one quota.
fn state(decision: &Decision) -> QuotaState<'_> {
    decision.states().next().expect("a quota")
}

/// Ten per second, and four at once.
fn ten() -> (Quota, governor::Quota) {
    let theirs = governor::Quota::per_second(some(10)).allow_burst(some(4));
    (Quota::per_second(10).burst(4), theirs)
}

#[tokio::test]
async fn what_governor_knows_is_said() {
    let (ours, theirs) = ten();
    let clock = FakeRelativeClock::default();
    let limiter = with_state(theirs, &clock);
    let store = GovernorStore::new(Arc::clone(&limiter), Key::clone);
    let ours = RateLimiter::with_store(store, [ours]).expect("quotas");
    let (paul, eva) = (Key::from("paul"), Key::from("eva"));

    let allowed = ours.check(&paul, 3).await.expect("a decision");
    assert!(allowed.is_allowed());
    assert_eq!(state(&allowed).remaining, 1);
    assert_eq!(state(&allowed).reset, Duration::from_millis(300));

    clock.advance(Duration::from_millis(50));
    let refused = ours.check(&paul, 2).await.expect("a decision");
    assert!(!refused.is_allowed());
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(50)));
    assert_eq!(state(&refused).remaining, 1);
    assert_eq!(state(&refused).reset, Duration::from_millis(250));

    // Between two tokens, the time until the bucket is full is rounded up to the next one.
    let allowed = ours.check(&paul, 1).await.expect("a decision");
    assert_eq!(state(&allowed).remaining, 0);
    assert_eq!(state(&allowed).reset, Duration::from_millis(400));

    // Those who ask governor itself share its buckets, and other keys have others.
    assert!(limiter.check_key(&paul).is_err());
    assert!(limiter.check_key(&eva).is_ok());
    let after = ours.check(&eva, 3).await.expect("a decision");
    assert!(after.is_allowed() && state(&after).remaining == 0);
}

#[tokio::test]
async fn without_its_state_only_decisions_are_known() {
    let (ours, theirs) = ten();
    let clock = FakeRelativeClock::default();
    // A limiter that has keys of its own.
    let limiter: governor::RateLimiter<String, _, _, NoOpMiddleware<Nanos>> =
        governor::RateLimiter::hashmap_with_clock(theirs, clock.clone());
    let store = GovernorStore::without_state(limiter, |key: &Key| format!("{:?}", key.as_bytes()));
    let ours = RateLimiter::with_store(store, [ours]).expect("quotas");
    let paul = Key::from("paul");
    for _ in 0..4 {
        let allowed = ours.check(&paul, 1).await.expect("a decision");
        assert!(allowed.is_allowed());
        assert_eq!(state(&allowed).remaining, 0);
    }
    let refused = ours.check(&paul, 3).await.expect("a decision");
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(300)));
    let eva = ours.check(&"eva".into(), 4).await.expect("a decision");
    assert!(eva.is_allowed());
}

#[tokio::test]
async fn what_governor_cannot_do_is_said() {
    let (quota, theirs) = ten();
    let clock = FakeRelativeClock::default();
    let of = |quotas: Vec<Quota>| {
        let store = GovernorStore::new(with_state(theirs, &clock), Key::clone);
        RateLimiter::with_store(store, quotas).expect("quotas")
    };
    let (limiter, key) = (of(vec![quota.clone()]), Key::from("paul"));
    for error in [
        limiter.peek(&key).await.expect_err("no peek"),
        limiter.refund(&key, 1).await.expect_err("no refund"),
        limiter.penalize(&key, 1).await.expect_err("no penalty"),
        limiter.set(&key, 1).await.expect_err("no set"),
        limiter.reset(&key).await.expect_err("no reset"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("governor"), "{error}");
    }
    // The error that is the same for all stores comes first.
    let error = limiter.check(&key, 5).await.expect_err("too much");
    assert_eq!(error.kind(), ErrorKind::CostTooLarge);
    // Nothing of it has cost anything.
    assert!(
        limiter
            .check(&key, 4)
            .await
            .expect("a decision")
            .is_allowed()
    );

    for other in [quota.clone().burst(3), Quota::per_second(11).burst(4)] {
        let error = of(vec![other])
            .check(&key, 1)
            .await
            .expect_err("another quota");
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        assert!(
            error
                .to_string()
                .contains("a burst of 4 and a token every 100000000 ns"),
            "{error}"
        );
    }
    let more = of(vec![quota.burst(9)])
        .check(&key, 9)
        .await
        .expect_err("another quota");
    assert_eq!(more.kind(), ErrorKind::InvalidConfiguration);
    assert!(more.to_string().contains("which is 4"), "{more}");
}

#[tokio::test]
async fn a_rate_that_is_not_even_is_the_same_quota() {
    let clock = FakeRelativeClock::default();
    let theirs = governor::Quota::per_second(some(3));
    let store = GovernorStore::new(with_state(theirs, &clock), Key::clone);
    let ours = RateLimiter::with_store(store, [Quota::per_second(3)]).expect("quotas");
    let key = Key::from("paul");
    assert!(ours.check(&key, 3).await.expect("a decision").is_allowed());
    let refused = ours.check(&key, 1).await.expect("a decision");
    // When governor says, which is 1 ns too early.
    assert_eq!(
        refused.retry_after(),
        Some(Duration::from_nanos(333_333_333))
    );
}

/// A clock that is a second further whenever it is read.
struct Hasty(FakeRelativeClock);

impl clock::Clock for Hasty {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = self.0.now();
        self.0.advance(Duration::from_secs(1));
        now
    }
}

/// Governor tells when it would not refuse any more, and not for how long: the clock is read again for that.
#[tokio::test]
async fn what_governor_has_refused_stays_refused_however_late_it_is() {
    let theirs = governor::Quota::with_period(Duration::from_secs(2)).expect("a period");
    let limiter =
        governor::RateLimiter::hashmap_with_clock(theirs, Hasty(FakeRelativeClock::default()));
    let store = GovernorStore::without_state(limiter, Key::clone);
    let quota = Quota::per(1, Duration::from_secs(2));
    let ours = RateLimiter::with_store(store, [quota]).expect("quotas");
    let key = Key::from("paul");
    assert!(ours.check(&key, 1).await.expect("a decision").is_allowed());
    let refused = ours.check(&key, 1).await.expect("a decision");
    assert!(!refused.is_allowed());
    assert_eq!(refused.retry_after(), Some(Duration::from_nanos(1)));
}

/// How many of these are admitted that come once every nanosecond.
fn admitted(quota: Quota, nanos: u32) -> u32 {
    let time = Time::new();
    let limiter = time.limiter([quota]);
    let key = Key::from("paul");
    let each = (0..nanos).map(|_| {
        time.pass(Duration::from_nanos(1));
        let decision = limiter.check_now(&key, 1).expect("in process");
        u32::from(decision.expect("a decision").is_allowed())
    });
    each.sum()
}

/// Test 3 of the specification: D23. Governor truncates the interval of a token, and admits 11 and 43 % more at these
/// rates.
#[test]
fn a_rate_that_is_not_even_is_not_exceeded() {
    for (count, most) in [(300_000_000, 3_001), (700_000_000, 7_001)] {
        let quota = Quota::per_second(count).burst(1);
        let ours = admitted(quota, 10_000);
        assert!(ours <= most, "{ours} of {count}");
        // Nor starved: the next longer interval in whole nanoseconds is what it has.
        let interval = 1_000_000_000_u32.div_ceil(count);
        assert_eq!(ours, 10_000_u32.div_ceil(interval));
    }
}

/// Test 4 of the specification: D24. Governor multiplies without looking, and has a burst of 145,984 in the first case.
#[test]
fn a_burst_that_does_not_fit_is_an_error_and_one_that_does_is_that_burst() {
    let too_long = RateLimiter::in_process([Quota::per_day(1).burst(1_000_000)]);
    let error = too_long.expect_err("it takes 2738 years");
    assert_eq!(error.kind(), ErrorKind::InvalidQuota);

    let time = Time::new();
    let limiter = time.limiter([Quota::per_day(20).burst(1_000_000)]);
    let check = |cost| {
        let decision = limiter
            .check_now(&Key::from("paul"), cost)
            .expect("in process");
        decision.expect("a decision").is_allowed()
    };
    assert!(check(1_000_000));
    assert!(!check(1));
}

/// That it has one quota for good is said when the limiter is made, and when others are to take its place.
#[test]
fn what_governor_cannot_keep_is_refused_at_the_start() {
    let clock = FakeRelativeClock::default();
    let theirs = governor::Quota::per_second(some(10));
    let made = |quotas: Vec<Quota>| {
        let store = GovernorStore::new(with_state(theirs, &clock), Key::clone);
        RateLimiter::with_store(Arc::new(store), quotas)
    };
    let two = made(vec![Quota::per_second(10), Quota::per_hour(10)]);
    let error = two.expect_err("there is one bucket");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("one quota"), "{error}");

    let limiter = made(vec![Quota::per_second(10)]).expect("it has this one");
    let error = limiter.replace([Quota::per_second(20)], Inherit::Spent);
    assert_eq!(
        error.expect_err("it keeps its own").kind(),
        ErrorKind::Unsupported
    );
}

proptest! {
    /// The same trace, the same decisions: ours in process, governor's, and governor's through the store. The intervals are
    /// whole nanoseconds, so that governor's are what the quota says.
    #[test]
    fn decisions_are_those_of_governor(
        interval in 1_u64..5_000_000_000, burst in 1_u32..20,
        trace in vec((0_u64..12, any::<u8>(), 0_u8..3, 1_u32..=20), 1..200),
    ) {
        let interval = Duration::from_nanos(interval);
        let quota = Quota::per(1, interval).burst(burst);
        let theirs = governor::Quota::with_period(interval).expect("a period").allow_burst(some(burst));
        let (clock, time) = (FakeRelativeClock::default(), Time::new());
        let ours = time.limiter([quota.clone()]);
        let governed = governed(theirs, &clock);
        let store = GovernorStore::new(with_state(theirs, &clock), Key::clone);
        let adapted = RateLimiter::with_store(store, [quota]).expect("quotas");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (intervals, part, key, cost) in trace {
            let pass = interval.mul_f64(intervals as f64 / 3.0 * f64::from(part) / 255.0);
            clock.advance(pass);
            time.pass(pass);
            let (key, cost) = (Key::from(u64::from(key)), cost.min(burst));
            let one = ours.check_now(&key, cost).expect("in process").expect("a decision");
            let reference = governed.check_key_n(&key, some(cost)).expect("it fits");
            let other = runtime.block_on(adapted.check(&key, cost)).expect("a decision");
            prop_assert_eq!(one.is_allowed(), reference.is_ok());
            prop_assert_eq!(one.is_allowed(), other.is_allowed());
            prop_assert_eq!(one.retry_after(), other.retry_after());
            prop_assert_eq!(state(&one).remaining, state(&other).remaining);
            let late = state(&other).reset.checked_sub(state(&one).reset);
            prop_assert!(late.is_some_and(|late| late < interval), "{:?} {:?}", one, other);
        }
    }
}
