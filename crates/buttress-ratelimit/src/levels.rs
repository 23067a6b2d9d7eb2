use std::ops::{Deref, DerefMut};

/// How many quotas a limiter may have. Each one is in every answer.
pub(crate) const MAX_QUOTAS: usize = 8;

/// How much is missing of each bucket of a key, in nanoseconds that it takes to fill: one number for each quota, in
/// their order. Zeros are full buckets.
///
/// ```
/// use buttress_ratelimit::Levels;
///
/// let levels: Levels = [0, 100_000_000].into_iter().collect();
/// assert_eq!(levels[1], 100_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    count: usize,
    /// Zeros behind those that count.
    missing: [u64; MAX_QUOTAS],
}

impl Levels {
    /// Of this many full buckets. There are no more than eight, as there are no more quotas.
    #[must_use]
    pub fn full(buckets: usize) -> Self {
        Self {
            count: buckets.min(MAX_QUOTAS),
            missing: [0; MAX_QUOTAS],
        }
    }

    /// The same buckets after this many nanoseconds, if nobody takes anything out.
    pub(crate) fn later(&self, nanos: u64) -> Self {
        let levels = self.iter();
        levels
            .map(|missing| missing.saturating_sub(nanos))
            .collect()
    }
}

/// What comes after eight is left out.
impl FromIterator<u64> for Levels {
    fn from_iter<I: IntoIterator<Item = u64>>(levels: I) -> Self {
        let mut all = Self::default();
        for (place, level) in all.missing.iter_mut().zip(levels) {
            *place = level;
            all.count += 1;
        }
        all
    }
}

impl Deref for Levels {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        &self.missing[..self.count]
    }
}

impl DerefMut for Levels {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.missing[..self.count]
    }
}
