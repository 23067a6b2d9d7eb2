use std::hash::{BuildHasher, RandomState};

/// Numbers that nobody foresees, and that are the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    pub(super) fn seed(&self) -> u64 {
        self.0
    }

    /// SplitMix64.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than that.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u32
    }

    /// Small and large ones alike: up to as many bits.
    pub(super) fn magnitude(&mut self, bits: u32) -> u64 {
        let bits = self.below(bits) + 1;
        self.number() >> (64 - bits)
    }
}
