use std::{sync::Arc, time::Duration};

use super::{Random, StoreHarness, missing, new_key};
use crate::{Key, Quota, RateLimiter};

/// A bucket by what the words of the documentation say, in numbers that are larger than any there are.
struct Bucket {
    interval: i128,
    burst: i128,
    deepest: i128,
    shadow: bool,
    missing: i128,
}

impl Bucket {
    fn pays(&self, tokens: i128) -> bool {
        self.missing + tokens * self.interval <= self.burst * self.interval
    }

    /// How many charges it pays at once.
    fn affords(&self, cost: u32, count: u32) -> i128 {
        if cost == 0 {
            return count.into();
        }
        let (mut from, mut to) = (0, i128::from(count));
        while from < to {
            let middle = (from + to + 1) / 2;
            match self.pays(middle * i128::from(cost)) {
                true => from = middle,
                false => to = middle - 1,
            }
        }
        from
    }

    fn change(&mut self, tokens: i128) {
        let missing = self.missing + tokens * self.interval;
        self.missing = missing.clamp(0, self.deepest);
    }
}

struct Trace {
    harness: Arc<dyn StoreHarness>,
    limiter: RateLimiter,
    key: Key,
    buckets: Vec<Bucket>,
    random: Random,
    seed: u64,
}

impl Trace {
    /// With quotas of any size, all of them up to as many bits.
    async fn new(harness: &Arc<dyn StoreHarness>, bits: u32) -> Self {
        let mut random = Random::new();
        let seed = random.seed();
        let wanted = 1 + random.below(4) as usize;
        let (mut quotas, mut buckets) = (Vec::new(), Vec::new());
        while quotas.len() < wanted {
            let count = 1 + u32::try_from(random.magnitude(20)).expect("20 bits");
            let period = Duration::from_nanos(1 + random.magnitude(bits));
            let burst = 1 + u32::try_from(random.magnitude(16)).expect("16 bits");
            let debt = random.below(3) * burst / 2;
            let shadow = random.below(4) == 0;
            let name = format!("q{}", quotas.len());
            let quota = Quota::per(count, period)
                .burst(burst)
                .debt(debt)
                .named(name);
            if quota.rate().is_err() {
                continue;
            }
            quotas.push(if shadow { quota.shadow() } else { quota });
            let interval = period.as_nanos().div_ceil(count.into());
            let interval = i128::try_from(interval).expect("it fits");
            buckets.push(Bucket {
                interval,
                burst: burst.into(),
                deepest: interval * i128::from(burst + debt),
                shadow,
                missing: 0,
            });
        }
        Self {
            harness: Arc::clone(harness),
            limiter: harness.limiter(quotas).await,
            key: new_key(),
            buckets,
            random,
            seed,
        }
    }

    async fn step(&mut self) {
        match self.random.below(10) {
            0..5 => self.charge().await,
            5 => self.adjust().await,
            6 => self.set().await,
            _ => self.pass().await,
        }
        let there = missing(&self.limiter, &self.key).await;
        let expected: Vec<_> = self
            .buckets
            .iter()
            .map(|bucket| bucket.missing.unsigned_abs())
            .collect();
        assert_eq!(there, expected, "seed {}", self.seed);
    }

    async fn charge(&mut self) {
        let cost = u32::try_from(self.random.magnitude(16)).expect("16 bits");
        let count = match self.random.below(2) {
            0 => 1,
            _ => u32::try_from(self.random.magnitude(32)).expect("32 bits"),
        };
        let answer = self.limiter.charge_many(&self.key, cost, count).await;
        let (quotas, before) = answer.expect("an answer");
        for (bucket, before) in self.buckets.iter().zip(&*before) {
            assert_eq!(bucket.missing, i128::from(*before), "seed {}", self.seed);
        }
        let refusing = self.buckets.iter().filter(|bucket| !bucket.shadow);
        let granted = refusing.map(|bucket| bucket.affords(cost, count)).min();
        let granted = granted.unwrap_or(count.into());
        assert_eq!(
            granted,
            i128::from(quotas.granted(&before, cost, count)),
            "seed {}",
            self.seed
        );
        for bucket in &mut self.buckets {
            let taken = match bucket.shadow {
                true => granted.min(bucket.affords(cost, count)),
                false => granted,
            };
            bucket.missing += taken * i128::from(cost) * bucket.interval;
        }
    }

    async fn adjust(&mut self) {
        let tokens = u32::try_from(self.random.magnitude(17)).expect("17 bits");
        let change = match self.random.below(2) {
            0 => {
                let refund = self.limiter.refund(&self.key, tokens);
                refund.await.expect("a refund");
                -i128::from(tokens)
            }
            _ => {
                let penalty = self.limiter.penalize(&self.key, tokens);
                penalty.await.expect("a penalty");
                tokens.into()
            }
        };
        for bucket in &mut self.buckets {
            bucket.change(change);
        }
    }

    async fn set(&mut self) {
        let tokens = u32::try_from(self.random.magnitude(16)).expect("16 bits");
        self.limiter
            .set(&self.key, tokens)
            .await
            .expect("it is set");
        for bucket in &mut self.buckets {
            bucket.missing = (bucket.burst - i128::from(tokens)).max(0) * bucket.interval;
        }
    }

    /// About as long as one of the buckets takes.
    async fn pass(&mut self) {
        let which = self.random.below(self.buckets.len() as u32) as usize;
        let most = self.buckets[which].deepest / 1_000;
        let bits = u128::BITS - most.unsigned_abs().leading_zeros();
        let micros = self.random.magnitude(bits.clamp(1, 50));
        self.harness.advance(Duration::from_micros(micros)).await;
        for bucket in &mut self.buckets {
            bucket.missing = (bucket.missing - i128::from(micros) * 1_000).max(0);
        }
    }
}

/// Test 6 of the specification.
pub(super) async fn levels_are_those_of_the_rules(harness: Arc<dyn StoreHarness>) {
    for _ in 0..20 {
        let mut trace = Trace::new(&harness, 40).await;
        for _ in 0..60 {
            trace.step().await;
        }
    }
}

/// Those that take years to fill.
pub(super) async fn levels_of_deep_buckets_are_those_of_the_rules(harness: Arc<dyn StoreHarness>) {
    for _ in 0..10 {
        let mut trace = Trace::new(&harness, 62).await;
        for _ in 0..60 {
            trace.step().await;
        }
    }
}
