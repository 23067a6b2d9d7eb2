use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{Error, ErrorKind, Levels, Quota, bucket::Rate, levels::MAX_QUOTAS};

/// The quotas of a limiter at one time, for a store.
#[derive(Debug)]
pub struct Quotas {
    id: u64,
    tag: u64,
    quotas: Vec<Quota>,
    rates: Vec<Rate>,
    has_shadow: bool,
    /// What the smallest of the buckets that refuse can pay.
    max_cost: u32,
    previous: Option<Previous>,
}

/// What becomes of the tokens that are missing when the quotas of a limiter are
/// [replaced](crate::RateLimiter::replace). Quotas of one name follow each other; a new one begins full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inherit {
    /// As many tokens are missing as before: who has spent 30 of 100 has 70 of 100 left, or 20 of 50, or none of 20.
    #[default]
    Spent,
    /// The same share is missing: who has spent 30 of 100 has spent 15 of 50.
    Share,
    /// All buckets are full. In Redis, buckets of equal quotas are the same ones, as for all processes that have these quotas, so that nothing
    /// becomes of them then: [`reset`](crate::RateLimiter::reset) fills those of a key.
    Nothing,
}

#[derive(Debug)]
struct Previous {
    quotas: Arc<Quotas>,
    inherit: Inherit,
    /// When their buckets, and those of all before, are full at the latest, by the clock of the limiter.
    until: u64,
}

/// How many come before, at most, where nothing is known of a key since.
const MAX_PREVIOUS: usize = 8;

/// How much later than this one other processes may replace their quotas, in nanoseconds.
const LATER: u64 = 60_000_000_000;

impl Quotas {
    pub(crate) fn new(quotas: impl IntoIterator<Item = Quota>) -> Result<Self, Error> {
        let quotas: Vec<_> = quotas.into_iter().collect();
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidQuota, message));
        if quotas.is_empty() || quotas.len() > MAX_QUOTAS {
            return invalid(format!(
                "a limiter has 1 to {MAX_QUOTAS} quotas, and not {}",
                quotas.len()
            ));
        }
        let rates = quotas
            .iter()
            .map(Quota::rate)
            .collect::<Result<Vec<_>, _>>()?;
        for (at, quota) in quotas.iter().enumerate() {
            if quotas[..at]
                .iter()
                .any(|other| other.name() == quota.name())
            {
                return invalid(format!("two quotas have the name {:?}", quota.name()));
            }
        }
        let has_shadow = quotas.iter().any(Quota::is_shadow);
        let refusing = quotas.iter().filter(|quota| !quota.is_shadow());
        let max_cost = refusing.map(Quota::limit).min().unwrap_or(u32::MAX);
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            tag: tag(&quotas, &rates),
            quotas,
            rates,
            has_shadow,
            max_cost,
            previous: None,
        })
    }

    /// These after those from now on.
    pub(crate) fn after(mut self, previous: Self, inherit: Inherit, now: u64) -> Self {
        let previous = match inherit {
            // Nothing comes from behind them either.
            Inherit::Nothing => previous.without_previous(),
            _ => previous,
        };
        let slowest = previous.rates.iter().map(Rate::deepest).max();
        let until = now.saturating_add(slowest.unwrap_or(0) + LATER);
        let further = previous
            .previous
            .as_ref()
            .map_or(0, |further| further.until);
        self.previous = Some(Previous {
            quotas: Arc::new(previous),
            inherit,
            until: until.max(further),
        });
        self
    }

    /// Those before are not needed any more.
    pub(crate) fn without_previous(&self) -> Self {
        self.with(None)
    }

    /// These, with those before whose buckets may have something to inherit, for others to come after them.
    pub(crate) fn with_needed(&self, now: u64) -> Self {
        self.with_some(now, MAX_PREVIOUS - 1)
    }

    fn with_some(&self, now: u64, most: usize) -> Self {
        let needed = self.previous.as_ref();
        let needed = needed.filter(|previous| most > 0 && now < previous.until);
        self.with(needed.map(|previous| Previous {
            quotas: Arc::new(previous.quotas.with_some(now, most - 1)),
            ..*previous
        }))
    }

    /// Whether all buckets of those before are full.
    pub(crate) fn outlived(&self, now: impl FnOnce() -> u64) -> bool {
        let previous = self.previous.as_ref();
        previous.is_some_and(|previous| previous.until <= now())
    }

    /// Whether nothing is to be changed for these.
    pub(crate) fn are(&self, quotas: &[Quota]) -> bool {
        self.quotas == quotas
    }

    fn with(&self, previous: Option<Previous>) -> Self {
        Self {
            id: self.id,
            tag: self.tag,
            quotas: self.quotas.clone(),
            rates: self.rates.clone(),
            has_shadow: self.has_shadow,
            max_cost: self.max_cost,
            previous,
        }
    }

    /// What tells these quotas from all others of this process, also from equal ones.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What tells these quotas from others in every process: for the names of keys of a store that outlives processes.
    /// Shadow quotas have the tag of those that refuse.
    #[must_use]
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// The quotas.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Quota> {
        self.quotas.iter()
    }

    /// Their rates, in the same order.
    #[must_use]
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// The quotas that were there before, if a store may still have their buckets. These may have previous ones themselves:
    /// a key that was not seen for a while has the buckets of some that were replaced more than once since.
    #[must_use]
    pub fn previous(&self) -> Option<&Self> {
        Some(&*self.previous.as_ref()?.quotas)
    }

    /// What is missing of these buckets if this was missing of the [previous](Self::previous) ones.
    #[must_use]
    pub fn inherited(&self, previous: &[u64]) -> Levels {
        let Some(Previous {
            quotas, inherit, ..
        }) = &self.previous
        else {
            return Levels::full(self.rates.len());
        };
        let inherit_one = |quota: &Quota, rate: &Rate| {
            let at = quotas
                .quotas
                .iter()
                .position(|old| old.name() == quota.name())?;
            let (old, missing) = (quotas.rates[at], *previous.get(at)?);
            let (from, to) = match inherit {
                Inherit::Spent => (old.interval(), rate.interval()),
                Inherit::Share => (old.capacity(), rate.capacity()),
                Inherit::Nothing => return None,
            };
            // Rounded up: no token is won by it.
            let missing = (u128::from(missing) * u128::from(to)).div_ceil(u128::from(from));
            Some(
                u64::try_from(missing)
                    .map_or(rate.deepest(), |missing| missing.min(rate.deepest())),
            )
        };
        self.quotas
            .iter()
            .zip(&self.rates)
            .map(|(quota, rate)| inherit_one(quota, rate).unwrap_or(0))
            .collect()
    }

    /// All that come before and have other buckets, the previous ones first. These are empty for nearly all.
    #[cfg(feature = "redis")]
    pub(crate) fn ancestors(&self) -> Vec<&Self> {
        let mut ancestors: Vec<&Self> = Vec::new();
        let mut next = self.previous();
        while let Some(ancestor) = next {
            let tag = ancestor.tag;
            if tag != self.tag && ancestors.iter().all(|nearer| nearer.tag != tag) {
                ancestors.push(ancestor);
            }
            next = ancestor.previous();
        }
        ancestors
    }

    /// What is missing of these buckets if this was missing of those of an ancestor, and none were in between.
    #[cfg(feature = "redis")]
    pub(crate) fn inherited_from(&self, ancestor: &Self, missing: &[u64]) -> Levels {
        match self.previous() {
            Some(previous) if previous.id != ancestor.id => {
                self.inherited(&previous.inherited_from(ancestor, missing))
            }
            _ => self.inherited(missing),
        }
    }

    /// How many charges of this cost these buckets pay at once, up to `count`: all that refuse have to agree.
    #[must_use]
    #[inline]
    pub fn granted(&self, missing: &[u64], cost: u32, count: u32) -> u32 {
        let mut granted = count;
        for (at, (rate, missing)) in self.rates.iter().zip(missing).enumerate() {
            if !self.only_counts(at) {
                granted = granted.min(rate.affords(*missing, cost, count));
            }
        }
        granted
    }

    /// What is missing after `granted` charges of this cost were taken. One that only counts takes as many as it can.
    #[inline]
    pub(crate) fn charge(&self, missing: &mut [u64], cost: u32, granted: u32) {
        for (at, (rate, missing)) in self.rates.iter().zip(missing).enumerate() {
            let taken = match self.only_counts(at) {
                true => rate.affords(*missing, cost, granted),
                false => granted,
            };
            *missing = rate.charged(*missing, cost, taken);
        }
    }

    /// As many charges as are granted, and how many these are. A cost of nothing takes nothing.
    #[inline]
    pub(crate) fn charge_up_to(&self, missing: &mut [u64], cost: u32, count: u32) -> u32 {
        if cost == 0 {
            return 0;
        }
        let granted = self.granted(missing, cost, count);
        if granted > 0 {
            self.charge(missing, cost, granted);
        }
        granted
    }

    #[inline]
    pub(crate) fn has_shadow(&self) -> bool {
        self.has_shadow
    }

    #[inline]
    fn only_counts(&self, at: usize) -> bool {
        self.has_shadow && self.quotas[at].is_shadow()
    }

    /// # Errors
    ///
    /// When no bucket of one of them ever has so much.
    #[inline]
    pub(crate) fn check_cost(&self, cost: u32) -> Result<(), Error> {
        match cost <= self.max_cost {
            true => Ok(()),
            false => Err(self.too_large(cost)),
        }
    }

    #[cold]
    fn too_large(&self, cost: u32) -> Error {
        let mut refusing = self.quotas.iter().filter(|quota| !quota.is_shadow());
        let smallest = refusing.find(|quota| quota.limit() == self.max_cost);
        Error::new(
            ErrorKind::CostTooLarge,
            format!(
                "the cost of {cost} is more than a full bucket of the quota {:?} has: at most {} are allowed",
                smallest.map(Quota::name).unwrap_or_default(),
                self.max_cost,
            ),
        )
    }

    /// What is missing of buckets that have this many tokens.
    pub(crate) fn missing_with(&self, tokens: u32) -> Levels {
        let rates = self.rates.iter();
        rates.map(|rate| rate.missing_with(tokens)).collect()
    }

    /// What of this cost full buckets pay, of all that refuse.
    pub(crate) fn payable(&self, cost: u32) -> u32 {
        cost.min(self.max_cost)
    }

    pub(crate) fn len(&self) -> usize {
        self.rates.len()
    }
}

fn tag(quotas: &[Quota], rates: &[Rate]) -> u64 {
    // FNV-1a, since the hashes of the standard library may be others in its next version.
    const PRIME: u64 = 0x100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut write = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for (quota, rate) in quotas.iter().zip(rates) {
        write(quota.name().as_bytes());
        write(&[0]);
        for number in [rate.interval(), u64::from(rate.burst()), rate.deepest()] {
            write(&number.to_be_bytes());
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(list: impl IntoIterator<Item = Quota>) -> Quotas {
        Quotas::new(list).expect("quotas")
    }

    fn after(old: Quota, new: Quota, inherit: Inherit) -> Quotas {
        quotas([new.named("q")]).after(quotas([old.named("q")]), inherit, 0)
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn lists_that_make_no_sense_are_named() {
        let refused = |list: Vec<Quota>| {
            let error = Quotas::new(list).expect_err("it makes no sense");
            (error.kind(), error.to_string())
        };
        let (kind, text) = refused(vec![]);
        assert_eq!(kind, ErrorKind::InvalidQuota);
        assert!(text.contains("1 to 8"), "{text}");
        let (_, text) = refused((1..=9).map(Quota::per_second).collect());
        assert!(text.contains("not 9"), "{text}");
        let (_, text) = refused(vec![Quota::per_second(1), Quota::per_second(1)]);
        assert!(text.contains("\"1-per-1s\""), "{text}");
        let (_, text) = refused(vec![Quota::per_second(1), Quota::per_second(0)]);
        assert!(text.contains("\"0-per-1s\""), "{text}");
    }

    #[test]
    fn all_have_to_agree() {
        let both = quotas([Quota::per_second(10), Quota::per_minute(6)]);
        let mut missing = [0, 0];
        assert_eq!(both.granted(&missing, 1, 100), 6);
        assert_eq!(both.granted(&missing, 4, 100), 1);
        both.charge(&mut missing, 1, 6);
        assert_eq!(missing, [6 * SECOND / 10, 60 * SECOND]);
        assert_eq!(both.granted(&missing, 1, 1), 0);
        assert_eq!(both.granted(&missing, 0, 1), 1);
    }

    #[test]
    fn what_only_counts_refuses_nothing_and_is_not_overdrawn() {
        let both = quotas([Quota::per_second(10), Quota::per_minute(6).shadow()]);
        let mut missing = [0, 0];
        assert_eq!(both.granted(&missing, 1, 100), 10);
        both.charge(&mut missing, 1, 10);
        assert_eq!(missing, [SECOND, 60 * SECOND]);
        assert_eq!(
            quotas([Quota::per_second(1).shadow()]).granted(&[SECOND], 1, 9),
            9
        );
        assert!(both.check_cost(10).is_ok());
        let error = both.check_cost(11).expect_err("more than a bucket has");
        assert_eq!(error.kind(), ErrorKind::CostTooLarge);
        assert!(error.to_string().contains("at most 10"), "{error}");
    }

    #[test]
    fn spent_tokens_are_inherited() {
        let spent = |old: Quota, new: Quota, missing: u64| {
            after(old, new, Inherit::Spent).inherited(&[missing])[0]
        };
        let hundred = || Quota::per_second(100);
        // 30 of 100 are spent.
        let missing = 3 * SECOND / 10;
        assert_eq!(
            spent(hundred(), Quota::per_second(50), missing),
            30 * SECOND / 50
        );
        assert_eq!(spent(hundred(), Quota::per_second(20), missing), SECOND);
        let share = after(hundred(), Quota::per_second(50), Inherit::Share);
        assert_eq!(share.inherited(&[missing])[0], 15 * SECOND / 50);
        let nothing = after(hundred(), Quota::per_second(50), Inherit::Nothing);
        assert_eq!(nothing.inherited(&[missing])[0], 0);
        // Thirds are not won by rounding.
        assert_eq!(spent(Quota::per_second(3), Quota::per_second(7), 1), 1);
    }

    #[test]
    fn quotas_follow_each_other_by_name() {
        let old = quotas([
            Quota::per_second(1).named("a"),
            Quota::per_second(2).named("b"),
        ]);
        let new = [
            Quota::per_second(2).named("b"),
            Quota::per_second(1).named("c"),
        ];
        let new = quotas(new).after(old, Inherit::Spent, 0);
        assert_eq!(new.inherited(&[5, 7])[..], [7, 0]);
    }

    #[test]
    fn those_before_are_kept_until_their_buckets_are_full() {
        let before = |quotas: &Quotas| {
            let next = std::iter::successors(quotas.previous(), |quotas| quotas.previous());
            next.map(|quotas| quotas.rates[0].burst())
                .collect::<Vec<_>>()
        };
        let then = |old: &Quotas, count: u32, inherit: Inherit, now: u64| {
            let old = old.with_needed(now * SECOND);
            quotas([Quota::per_minute(count)]).after(old, inherit, now * SECOND)
        };
        // Full after an hour, and all others after a minute: there is a minute more for each.
        let first = quotas([Quota::per_hour(1)]);
        let second = then(&first, 2, Inherit::Spent, 0);
        let third = then(&second, 3, Inherit::Spent, 10);
        assert_eq!(before(&third), [2, 1]);
        let last = then(&third, 4, Inherit::Spent, 3_659);
        assert_eq!(before(&last), [3, 2, 1]);
        assert!(!third.outlived(|| 3_659 * SECOND) && third.outlived(|| 3_660 * SECOND));
        assert!(!last.outlived(|| 3_778 * SECOND) && last.outlived(|| 3_779 * SECOND));
        assert!(!first.outlived(|| u64::MAX));
        assert_eq!(before(&then(&third, 4, Inherit::Spent, 3_660)), [3]);
        assert_eq!(before(&then(&third, 4, Inherit::Nothing, 10)), [3]);
        let many = (5..100).fold(third, |old, count| then(&old, count, Inherit::Spent, 10));
        assert_eq!(before(&many), [98, 97, 96, 95, 94, 93, 92, 91]);
    }

    #[test]
    #[cfg(feature = "redis")]
    fn what_was_spent_passes_through_all_in_between() {
        let one = |count: u32| quotas([Quota::per_second(count).named("q")]);
        let first = one(100);
        let second = one(50).after(first.without_previous(), Inherit::Spent, 0);
        let third = one(200).after(second.with_needed(0), Inherit::Share, 0);
        let again = one(50).after(third.with_needed(0), Inherit::Spent, 0);
        let last = one(300).after(again.with_needed(0), Inherit::Spent, 0);
        // Those that come back are the later ones of their kind.
        let ids: Vec<_> = last.ancestors().iter().map(|quotas| quotas.id()).collect();
        assert_eq!(ids, [again.id(), third.id(), first.id()]);
        // 30 of 100, 30 of 50, 120 of 200, none of 50 are left, 50 of 300.
        let missing = 3 * SECOND / 10;
        assert_eq!(third.inherited_from(&first, &[missing])[0], 6 * SECOND / 10);
        assert_eq!(last.inherited_from(&first, &[missing])[0], 50 * 3_333_334);
        assert_eq!(
            last.inherited_from(&again, &[SECOND / 50])[0],
            SECOND / 300 + 1
        );
    }

    #[test]
    fn a_tag_is_that_of_the_rates_and_their_names() {
        let tag = |quota: Quota| quotas([quota]).tag();
        assert_eq!(
            tag(Quota::per_second(1)),
            tag(Quota::per_second(1).shadow())
        );
        assert_ne!(
            tag(Quota::per_second(1)),
            tag(Quota::per_second(1).named("x"))
        );
        assert_ne!(
            tag(Quota::per_second(2)),
            tag(Quota::per_second(2).burst(3))
        );
    }
}
