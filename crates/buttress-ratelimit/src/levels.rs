use std::ops::{Deref, DerefMut};

use smallvec::{SmallVec, smallvec};

/// How much is missing of each bucket of a key, in nanoseconds that it takes to fill: one number for each quota, in
/// their order. Zeros are full buckets.
///
/// ```
/// use buttress_ratelimit::Levels;
///
/// let levels: Levels = [0, 100_000_000].into_iter().collect();
/// assert_eq!(levels[1], 100_000_000);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(SmallVec<[u64; 4]>);

impl Levels {
    /// Of this many full buckets.
    #[must_use]
    pub fn full(buckets: usize) -> Self {
        Self(smallvec![0; buckets])
    }
}

impl FromIterator<u64> for Levels {
    fn from_iter<I: IntoIterator<Item = u64>>(levels: I) -> Self {
        Self(levels.into_iter().collect())
    }
}

impl Deref for Levels {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Levels {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}
