use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use http::HeaderValue;

use super::{ceil_seconds, text::Text};
use crate::{Basis, Decision, Quotas, bucket::Rate, metrics::QuotaCounters, rejection::Refusal};

/// What can be written of the quotas of a limiter before any request: it is the same in every answer.
#[derive(Debug)]
pub(crate) struct Policies {
    id: u64,
    /// `RateLimit-Policy`, unless no quota is told of.
    pub(super) field: Option<HeaderValue>,
    /// In the order of the quotas.
    pub(super) quotas: Vec<Policy>,
    /// One for each set of quotas that may refuse together: the bits of their places are its place here.
    refusals: Box<[OnceLock<Arc<Refusal>>]>,
}

#[derive(Debug)]
pub(super) struct Policy {
    /// The member of `RateLimit` up to its number: `"name";r=`.
    pub(super) member: Box<str>,
    pub(super) limit: u32,
    /// `RateLimit-Policy` as draft 07 has it.
    pub(super) field_07: Option<HeaderValue>,
    pub(super) counters: QuotaCounters,
}

impl Policies {
    fn new(quotas: &Quotas) -> Self {
        let mut field = Text::new();
        let mut any = false;
        for (quota, rate) in quotas.iter().zip(quotas.rates()) {
            if quota.is_shadow() {
                continue;
            }
            any = true;
            field.next();
            field.string(quota.name());
            field.raw(";q=");
            field.number(rate.burst().into());
            field.raw(";w=");
            field.number(window(rate));
        }
        let policy = |name: &Arc<str>, rate: &Rate| {
            let mut member = Text::new();
            member.string(name);
            member.raw(";r=");
            let mut field_07 = Text::new();
            field_07.number(rate.burst().into());
            field_07.raw(";w=");
            field_07.number(window(rate));
            Policy {
                member: member.into_box(),
                limit: rate.burst(),
                field_07: field_07.into_value(),
                counters: QuotaCounters::new(name),
            }
        };
        let rates = quotas.rates();
        Self {
            id: quotas.id(),
            field: field.into_value().filter(|_| any),
            quotas: quotas
                .iter()
                .zip(rates)
                .map(|(quota, rate)| policy(quota.shared_name(), rate))
                .collect(),
            refusals: (0..1_usize << rates.len())
                .map(|_| OnceLock::new())
                .collect(),
        }
    }

    /// The refusal by the quotas at these places.
    pub(crate) fn refusal(&self, quotas: &Quotas, violated: usize) -> Arc<Refusal> {
        let refusal = || {
            let names = quotas.iter().enumerate();
            let names = names.filter(|(at, _)| violated & (1 << at) != 0);
            Arc::new(Refusal::new(
                names
                    .map(|(_, quota)| Arc::clone(quota.shared_name()))
                    .collect(),
            ))
        };
        match self.refusals.get(violated) {
            Some(prepared) => Arc::clone(prepared.get_or_init(refusal)),
            None => refusal(),
        }
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = &QuotaCounters> {
        self.quotas.iter().map(|policy| &policy.counters)
    }
}

/// In how many seconds as many tokens come as there are in a full bucket. Rounded up, so that no client reckons with
/// more than the rate.
fn window(rate: &Rate) -> u64 {
    ceil_seconds(Duration::from_nanos(rate.capacity()))
}

/// What was last prepared: that of the quotas of the moment, but for a moment after they are replaced. Those by which the
/// process decides alone are others, and a store that fails now and then takes turns with them.
#[derive(Debug, Default)]
pub(crate) struct PolicyCache {
    shared: ArcSwapOption<Policies>,
    local: ArcSwapOption<Policies>,
}

impl PolicyCache {
    /// What is prepared of the quotas of a decision, for `work`.
    pub(crate) fn with<T>(&self, decision: &Decision, work: impl FnOnce(&Arc<Policies>) -> T) -> T {
        let quotas = decision.quotas();
        let kept = match decision.basis() {
            Basis::Local => &self.local,
            Basis::Store | Basis::Nothing => &self.shared,
        };
        let known = kept.load();
        if let Some(policies) = &*known
            && policies.id == quotas.id()
        {
            return work(policies);
        }
        let policies = Arc::new(Policies::new(quotas));
        // A decision by quotas that were replaced since does not push out what the next ones need for long.
        kept.store(Some(Arc::clone(&policies)));
        work(&policies)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Quota;

    fn field(quotas: impl IntoIterator<Item = Quota>) -> Option<HeaderValue> {
        Policies::new(&Quotas::new(quotas).unwrap()).field
    }

    #[test]
    fn a_policy_is_a_bucket_and_the_time_in_which_it_fills() {
        let both = [
            Quota::per_second(10).burst(20).named("burst"),
            Quota::per_hour(5_000).named("sus\"tained\\"),
            Quota::per_day(3).shadow(),
        ];
        assert_eq!(
            field(both).unwrap(),
            r#""burst";q=20;w=2, "sus\"tained\\";q=5000;w=3600"#
        );
        assert_eq!(field([Quota::per_day(3).shadow()]), None);
    }

    proptest! {
        /// Test 17 of the specification.
        #[test]
        fn no_policy_tells_of_more_than_the_rate(
            count in 1..=u32::MAX, nanos in 1..=u64::MAX >> 2, burst in 1..=u32::MAX,
        ) {
            let Ok(quotas) = Quotas::new([Quota::per(count, Duration::from_nanos(nanos)).burst(burst)]) else {
                return Ok(());
            };
            let value = Policies::new(&quotas).field.unwrap();
            let numbers = value.to_str().unwrap().rsplit_once(";q=").unwrap().1;
            let (q, w) = numbers.split_once(";w=").unwrap();
            let (q, w): (u128, u128) = (q.parse().unwrap(), w.parse().unwrap());
            prop_assert_eq!(q, u128::from(burst));
            prop_assert!(w > 0);
            // q / w <= 1 token in each interval.
            let interval = u128::from(quotas.rates()[0].interval());
            prop_assert!(q * interval <= w * 1_000_000_000);
            // Nor of a second less than that.
            prop_assert!(q * interval > (w - 1) * 1_000_000_000);
        }
    }
}
