//! `buttress-ratelimit` beside its peers and its floors.
//!
//! The floor of a decision is the same algorithm by hand: one time in a map of fixed size, under no lock and with no
//! other key that could be there.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::RandomState,
    hint::{self, black_box},
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use buttress_benches::{Bare, Interleaved, call, parsed_head};
use buttress_ratelimit::{
    HeaderFormat, Key, MemoryStore, PeerAddr, Quota, RateLimitLayer, RateLimiter,
};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response, header};
use http_body_util::Full;
use tower_layer::Layer;

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

/// Addresses in an order that no processor foresees, over and over. With the same seed two functions of a group would ask
/// for the same ones in turns, and the second would find in the caches what the first has brought there.
fn scattered(count: u32, seed: u32) -> impl FnMut() -> IpAddr {
    let next = Cell::new(seed);
    move || {
        let number = next
            .get()
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        next.set(number);
        // The lower bits of such numbers come round after few of them.
        let scaled = (u64::from(number) * u64::from(count)) >> 32;
        address(u32::try_from(scaled).expect("it is less than the count"))
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
    let quota = Quota::per(1, Duration::from_secs(100)).burst(10_000);
    let ours = RateLimiter::with_memory(&store, [quota]).expect("a quota");
    for number in 0..MILLION {
        let (mine, theirs) = (
            is_allowed(&ours, address(number)),
            by_hand.is_allowed(address(number)),
        );
        assert!(mine && theirs);
    }
    let mut group = Interleaved::new("ratelimit: decide, a million keys");
    group.add("floor: by hand", scattered(MILLION, 0x2000_0000), |it| {
        by_hand.is_allowed(it)
    });
    group.add(
        "buttress-ratelimit, paid and nothing else",
        scattered(MILLION, 0x6000_0000),
        |it| pays(&ours, it),
    );
    group.add(
        "buttress-ratelimit",
        scattered(MILLION, 0xa000_0000),
        |it| is_allowed(&ours, it),
    );
    #[cfg(feature = "peers")]
    peers::decide_of_a_million(&mut group, scattered(MILLION, 0xe000_0000));
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
    group.add("floor: a key that is there", scattered(50_000, 1), |it| {
        is_allowed(&full, it)
    });
    group.add("buttress-ratelimit, a new one", new, |it| {
        is_allowed(&full, it)
    });
    group.bench(criterion);
}

/// Two threads, as the machine of the benches has processors: how much slower one of them decides when the other one
/// does so too. Twice as much is decided altogether when it is no slower.
fn contended(criterion: &mut Criterion) {
    let shared = limiter([generous()]);
    let limiter = shared.clone();
    let layer = RateLimitLayer::new(shared).layer(Bare);
    let request = request();
    let limiters: Vec<Contended> = vec![
        Contended {
            alone: "buttress-ratelimit, alone",
            beside: "buttress-ratelimit",
            decide: Box::new(move |it| is_allowed(&limiter, it)),
        },
        // A service for each request, as axum has it.
        Contended {
            alone: "buttress-ratelimit, layer, alone",
            beside: "buttress-ratelimit, layer",
            decide: Box::new(move |it| {
                let mut request = request();
                request
                    .extensions_mut()
                    .insert(PeerAddr((it, 4_711).into()));
                call(&mut layer.clone(), request).is_ok_and(|answer| answer.status() == 200)
            }),
        },
        #[cfg(feature = "peers")]
        peers::contended(),
    ];
    for (name, others) in [
        (
            "ratelimit: another thread, keys of its own",
            100_000..200_000,
        ),
        ("ratelimit: another thread, the same key", 1..2),
    ] {
        let meanwhile = AtomicUsize::new(NOTHING);
        let done = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut numbers = others.clone().cycle();
                loop {
                    match meanwhile.load(Ordering::Relaxed) {
                        STOP => break,
                        NOTHING => hint::spin_loop(),
                        at => {
                            let number = numbers.next().expect("endless");
                            black_box((limiters[at].decide)(address(number)));
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
            let mut group = Interleaved::new(name);
            for (at, limiter) in limiters.iter().enumerate() {
                for (name, other) in [(limiter.alone, NOTHING), (limiter.beside, at)] {
                    let (meanwhile, done) = (&meanwhile, &done);
                    let input = move || {
                        meanwhile.store(other, Ordering::Relaxed);
                        let before = done.load(Ordering::Relaxed);
                        // It is under way, and not waiting for a processor, before anything is measured.
                        while other != NOTHING && done.load(Ordering::Relaxed) == before {
                            hint::spin_loop();
                        }
                        black_box(address(1))
                    };
                    group.add(name, input, &limiter.decide);
                }
            }
            group.bench(criterion);
            meanwhile.store(STOP, Ordering::Relaxed);
        });
    }
}

/// A limiter that two threads ask.
struct Contended {
    /// The names in the report: with the other thread doing nothing, and the same.
    alone: &'static str,
    beside: &'static str,
    decide: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

/// What the other thread does, but for asking the limiter of this number.
const NOTHING: usize = usize::MAX;
const STOP: usize = usize::MAX - 1;

/// A request as hyper parses it, with the peer that a server adds.
fn request() -> impl Fn() -> Request<()> + Clone + Send + Sync {
    let mut head = parsed_head(
        "GET /v1/orders HTTP/1.1\r\n\
         host: shop.example.com\r\n\
         user-agent: bench/1.0\r\n\
         accept: application/json\r\n\r\n",
    );
    let peer = (Ipv4Addr::new(192, 0, 2, 1), 4_711).into();
    head.extensions.insert(PeerAddr(peer));
    #[cfg(feature = "peers")]
    head.extensions
        .insert(axum::extract::ConnectInfo::<std::net::SocketAddr>(peer));
    move || Request::from_parts(head.clone(), ())
}

/// The layer around the least that a service can do.
fn layer(criterion: &mut Criterion) {
    let limits = |quota: Quota| RateLimitLayer::new(limiter([quota]));
    let mut silent = limits(generous())
        .with_headers(HeaderFormat::None)
        .layer(Bare);
    let mut telling = limits(generous()).layer(Bare);
    let mut both = RateLimitLayer::new(limiter([generous(), second()])).layer(Bare);
    let mut group = Interleaved::new("ratelimit: layer, allowed");
    group.add("floor: bare service", request(), |it| call(&mut Bare, it));
    group.add("buttress-ratelimit, no headers", request(), |it| {
        call(&mut silent, it)
    });
    group.add("buttress-ratelimit", request(), |it| call(&mut telling, it));
    group.add("buttress-ratelimit, two quotas", request(), |it| {
        call(&mut both, it)
    });
    #[cfg(feature = "peers")]
    peers::layer(&mut group, request());
    group.bench(criterion);
}

/// The same answer by hand, and by those who have to find out that it is due.
fn refuse(criterion: &mut Criterion) {
    let mut refusing = RateLimitLayer::new(limiter([strict()])).layer(Bare);
    assert_eq!(
        call(&mut refusing, request()()).map(|it| it.status().as_u16()),
        Ok(200)
    );
    assert_eq!(
        call(&mut refusing, request()()).map(|it| it.status().as_u16()),
        Ok(429)
    );
    let mut group = Interleaved::new("ratelimit: layer, refused");
    group.add("floor: the same answer by hand", request(), |it| {
        drop(it);
        by_hand(black_box(86_400))
    });
    group.add("buttress-ratelimit", request(), |it| {
        call(&mut refusing, it)
    });
    #[cfg(feature = "peers")]
    peers::refuse(&mut group, request());
    group.bench(criterion);
}

fn by_hand(seconds: u64) -> Response<Full<Bytes>> {
    const BODY: &str = r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"code":"QUOTA_EXCEEDED","violated-policies":["strict"]}"#;
    Response::builder()
        .status(429)
        .header(header::CONTENT_TYPE, "application/problem+json")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::RETRY_AFTER, seconds)
        .header("ratelimit-policy", r#""strict";q=1;w=86400"#)
        .header("ratelimit", format!(r#""strict";r=0;t={seconds}"#))
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
        .expect("a response")
}

#[cfg(feature = "peers")]
mod peers {
    use std::{
        convert::Infallible,
        future::{Ready, ready},
        net::IpAddr,
        num::NonZeroU32,
        sync::Arc,
        task::{Context, Poll},
        time::Duration,
    };

    use axum::{body::Body, response::Response};
    use axum_governor::{BodyPreset, extractor::PeerIp};
    use http::Request;
    use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};
    use tower_layer::Layer;
    use tower_service::Service;

    use buttress_benches::{Interleaved, call};
    use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

    use super::{Contended, MILLION, address};

    fn limiter(quota: Quota) -> DefaultKeyedRateLimiter<IpAddr> {
        RateLimiter::keyed(quota)
    }

    fn generous() -> Quota {
        Quota::per_second(NonZeroU32::new(1_000_000_000).expect("not 0"))
    }

    pub(super) fn decide<'a>(
        group: &mut Interleaved<'a>,
        input: impl FnMut() -> IpAddr + Clone + 'a,
    ) {
        let generous = limiter(generous());
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

    pub(super) fn contended() -> Contended {
        let limiter = limiter(generous());
        Contended {
            alone: "governor 0.10, alone",
            beside: "governor 0.10",
            decide: Box::new(move |it| limiter.check_key(&it).is_ok()),
        }
    }

    /// As its documentation shows it, with problems for refusals as ours are.
    fn axum_governor(
        quota: Quota,
    ) -> impl Service<Request<()>, Response = Response<Body>, Error = Infallible> {
        let config = axum_governor::GovernorConfigBuilder::default()
            .with_extractor(PeerIp::default())
            .expect_connect_info()
            .quota_default(quota.into())
            .body_preset(BodyPreset::ProblemJson)
            .finish()
            .expect("a quota");
        axum_governor::GovernorLayer::new(config).layer(Bare)
    }

    /// The peers want the body of axum.
    #[derive(Clone)]
    struct Bare;

    impl Service<Request<()>> for Bare {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            ready(Ok(Response::new(Body::empty())))
        }
    }

    pub(super) fn layer<'a>(
        group: &mut Interleaved<'a>,
        request: impl Fn() -> Request<()> + Clone + 'a,
    ) {
        let mut builder = GovernorConfigBuilder::default();
        builder
            .period(Duration::from_nanos(1))
            .burst_size(1_000_000_000);
        let silent = builder.finish().expect("a quota");
        let telling = builder.use_headers().finish().expect("a quota");
        let mut silent = GovernorLayer::new(Arc::new(silent)).layer(Bare);
        let mut telling = GovernorLayer::new(Arc::new(telling)).layer(Bare);
        group.add(
            "tower_governor 0.8, no headers",
            request.clone(),
            move |it| call(&mut silent, it),
        );
        group.add("tower_governor 0.8", request.clone(), move |it| {
            call(&mut telling, it)
        });
        let mut theirs = axum_governor(generous());
        group.add("axum-governor 2.1", request, move |it| {
            call(&mut theirs, it)
        });
    }

    pub(super) fn refuse<'a>(
        group: &mut Interleaved<'a>,
        request: impl Fn() -> Request<()> + Clone + 'a,
    ) {
        let mut builder = GovernorConfigBuilder::default();
        builder.period(Duration::from_secs(24 * 3600)).burst_size(1);
        let strict = builder.use_headers().finish().expect("a quota");
        let mut strict = GovernorLayer::new(Arc::new(strict)).layer(Bare);
        let _ = call(&mut strict, request());
        group.add("tower_governor 0.8", request.clone(), move |it| {
            call(&mut strict, it)
        });
        let day = Quota::with_period(Duration::from_secs(24 * 3600)).expect("a quota");
        let mut strict = axum_governor(day);
        for status in [200, 429] {
            let answer = call(&mut strict, request()).expect("it never fails");
            assert_eq!(answer.status(), status);
        }
        group.add("axum-governor 2.1", request, move |it| {
            call(&mut strict, it)
        });
    }
}

criterion_group!(
    benches,
    decide,
    decide_of_a_million,
    layer,
    refuse,
    new_key_at_the_bound,
    contended
);
criterion_main!(benches);
