//! `buttress-ratelimit` beside its peers and its floors.
//!
//! The floor of a decision is the same algorithm by hand: one time in a map of fixed size, under no lock and with no
//! other key that could be there.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::RandomState,
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use buttress_benches::Interleaved;
use buttress_ratelimit::{Key, MemoryStore, Quota, RateLimiter};
use criterion::{Criterion, criterion_group, criterion_main};

const MILLION: u32 = 1_000_000;

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from(number).into()
}

/// So much that nothing is refused while it is measured.
fn generous() -> Quota {
    Quota::per_second(1_000_000_000).named("generous")
}

fn second() -> Quota {
    Quota::per_hour(u32::MAX).named("second")
}

/// A token a day, so that nothing is allowed after the first.
fn strict() -> Quota {
    Quota::per_day(1).named("strict")
}

fn limiter(quotas: impl IntoIterator<Item = Quota>) -> RateLimiter {
    RateLimiter::in_process(quotas).expect("quotas")
}

fn is_allowed(limiter: &RateLimiter, address: IpAddr) -> bool {
    let decision = limiter.check_now(&Key::from(address), 1);
    decision
        .expect("in process")
        .expect("a decision")
        .is_allowed()
}

/// All that a layer has to know without headers.
fn pays(limiter: &RateLimiter, address: IpAddr) -> bool {
    limiter.pays_now(&Key::from(address), 1)
}

/// The times at which the buckets are full, by hand.
struct ByHand {
    begun: Instant,
    interval: u64,
    capacity: u64,
    full_at: RefCell<HashMap<IpAddr, u64, RandomState>>,
}

impl ByHand {
    #[allow(clippy::disallowed_methods, reason = "it is what the floor measures")]
    fn new(interval: u64, capacity: u64) -> Self {
        Self {
            begun: Instant::now(),
            interval,
            capacity,
            full_at: RefCell::default(),
        }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).expect("not for ever");
        let mut full_at = self.full_at.borrow_mut();
        let full_at = full_at.entry(address).or_default();
        let after = now.max(*full_at) + self.interval;
        let allowed = after <= now + self.capacity;
        if allowed {
            *full_at = after;
        }
        allowed
    }
}

/// Addresses in an order that no processor foresees, over and over.
fn scattered(count: u32) -> impl FnMut() -> IpAddr {
    let next = Cell::new(1_u32);
    move || {
        let number = next
            .get()
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        next.set(number);
        address(number % count)
    }
}

fn decide(criterion: &mut Criterion) {
    let by_hand = ByHand::new(1, 1_000_000_000);
    let (one, two) = (limiter([generous()]), limiter([generous(), second()]));
    let refusing = limiter([strict()]);
    assert!(is_allowed(&refusing, address(1)) && !is_allowed(&refusing, address(1)));

    let mut group = Interleaved::new("ratelimit: decide, one key");
    let input = || black_box(address(1));
    group.add("floor: by hand", input, |it| by_hand.is_allowed(it));
    group.add("buttress-ratelimit, paid and nothing else", input, |it| {
        pays(&one, it)
    });
    group.add("buttress-ratelimit", input, |it| is_allowed(&one, it));
    group.add("buttress-ratelimit, two quotas", input, |it| {
        is_allowed(&two, it)
    });
    group.add("buttress-ratelimit, refused", input, |it| {
        is_allowed(&refusing, it)
    });
    #[cfg(feature = "peers")]
    peers::decide(&mut group, input);
    group.bench(criterion);
}

fn decide_of_a_million(criterion: &mut Criterion) {
    let by_hand = ByHand::new(1, 1_000_000_000);
    let store = MemoryStore::new().with_max_keys(MILLION as usize);
    // A token fills up in 100 seconds, so that no place is free while it is measured.
    let quota = Quota::per(
        u32::MAX,
        Duration::from_nanos(100_000_000_000 * u64::from(u32::MAX)),
    );
    let ours = RateLimiter::with_memory(&store, [quota.burst(10_000)]).expect("a quota");
    for number in 0..MILLION {
        let (mine, theirs) = (
            is_allowed(&ours, address(number)),
            by_hand.is_allowed(address(number)),
        );
        assert!(mine && theirs);
    }
    let mut group = Interleaved::new("ratelimit: decide, a million keys");
    group.add("floor: by hand", scattered(MILLION), |it| {
        by_hand.is_allowed(it)
    });
    group.add("buttress-ratelimit", scattered(MILLION), |it| {
        is_allowed(&ours, it)
    });
    #[cfg(feature = "peers")]
    peers::decide_of_a_million(&mut group, scattered(MILLION));
    group.bench(criterion);
}

/// Every place is taken by a bucket that is not full, and another key comes.
fn new_key_at_the_bound(criterion: &mut Criterion) {
    let store = MemoryStore::new().with_max_keys(100_000);
    let full = RateLimiter::with_memory(&store, [Quota::per_day(1_000)]).expect("a quota");
    for number in 0..400_000 {
        let _ = black_box(is_allowed(&full, address(number)));
    }
    let next = Cell::new(10_000_000);
    let new = || {
        next.set(next.get() + 1);
        address(next.get())
    };
    let mut group = Interleaved::new("ratelimit: a key at the bound");
    group.add("floor: a key that is there", scattered(50_000), |it| {
        is_allowed(&full, it)
    });
    group.add("buttress-ratelimit, a new one", new, |it| {
        is_allowed(&full, it)
    });
    group.bench(criterion);
}

/// Two threads, as this machine has processors: how long one of them waits for the other.
fn contended(criterion: &mut Criterion) {
    let limiter = limiter([generous()]);
    for (name, others) in [
        (
            "ratelimit: another thread, keys of its own",
            100_000..200_000,
        ),
        ("ratelimit: another thread, the same key", 1..2),
    ] {
        let stop = AtomicBool::new(false);
        let done = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut numbers = others.clone().cycle();
                while !stop.load(Ordering::Relaxed) {
                    let _ = black_box(is_allowed(
                        &limiter,
                        address(numbers.next().expect("endless")),
                    ));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
            let mut group = Interleaved::new(name);
            let input = || black_box(address(1));
            group.add("buttress-ratelimit", input, |it| is_allowed(&limiter, it));
            group.bench(criterion);
            stop.store(true, Ordering::Relaxed);
        });
        assert!(done.load(Ordering::Relaxed) > 0);
    }
}

#[cfg(feature = "peers")]
mod peers {
    use std::{net::IpAddr, num::NonZeroU32, time::Duration};

    use buttress_benches::Interleaved;
    use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

    use super::{MILLION, address};

    fn limiter(quota: Quota) -> DefaultKeyedRateLimiter<IpAddr> {
        RateLimiter::keyed(quota)
    }

    pub(super) fn decide<'a>(
        group: &mut Interleaved<'a>,
        input: impl FnMut() -> IpAddr + Clone + 'a,
    ) {
        let generous = limiter(Quota::per_second(
            NonZeroU32::new(1_000_000_000).expect("not 0"),
        ));
        let strict = Quota::with_period(Duration::from_secs(24 * 3600)).expect("a quota");
        let strict = limiter(strict);
        assert!(strict.check_key(&address(1)).is_ok() && strict.check_key(&address(1)).is_err());
        group.add("governor 0.10", input.clone(), move |it| {
            generous.check_key(&it).is_ok()
        });
        group.add("governor 0.10, refused", input, move |it| {
            strict.check_key(&it).is_ok()
        });
    }

    pub(super) fn decide_of_a_million<'a>(
        group: &mut Interleaved<'a>,
        input: impl FnMut() -> IpAddr + 'a,
    ) {
        let quota = Quota::with_period(Duration::from_secs(100)).expect("a quota");
        let limiter = limiter(quota.allow_burst(NonZeroU32::new(10_000).expect("not 0")));
        for number in 0..MILLION {
            assert!(limiter.check_key(&address(number)).is_ok());
        }
        group.add("governor 0.10", input, move |it| {
            limiter.check_key(&it).is_ok()
        });
    }
}

criterion_group!(
    benches,
    decide,
    decide_of_a_million,
    new_key_at_the_bound,
    contended
);
criterion_main!(benches);
