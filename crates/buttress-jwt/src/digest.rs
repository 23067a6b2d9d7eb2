use std::fmt;

use aws_lc_rs::{constant_time, digest};
use serde::{Deserialize, Serialize};

/// SHA-256 of something secret: what a store keeps of it.
///
/// Two of them are compared by [`matches`](Self::matches), and by nothing else: `==` would tell by the time that it
/// takes how far they are the same.
///
/// ```compile_fail,E0369
/// # let (presented, kept) = (buttress_jwt::Digest::from([1; 32]), buttress_jwt::Digest::from([1; 32]));
/// assert!(presented == kept);
/// ```
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of all the parts, one after the other.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// Its bytes, for a store to write.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the two are the same, which takes the same time for any two.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    /// Whether there are two that are the same, or none.
    pub(crate) fn both_match(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one.matches(other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// What a store has read.
impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{Otherwise as _, Probe};

    #[test]
    fn digests_are_not_compared_by_eq() {
        const {
            assert!(!Probe::<Digest>::HAS_EQ);
            assert!(!Probe::<Option<Digest>>::HAS_EQ);
            // That the question means something.
            assert!(Probe::<[u8; 32]>::HAS_EQ);
        }
    }

    #[test]
    fn one_bit_makes_it_another() {
        let digest = Digest::of(&[b"a", b"bc"]);
        assert!(digest.matches(&Digest::of(&[b"abc"])));
        for bit in 0..256 {
            let mut bytes = *digest.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!digest.matches(&Digest(bytes)), "{bit}");
        }
        assert!(Digest::both_match(None, None));
        assert!(Digest::both_match(Some(&digest), Some(&digest)));
        assert!(!Digest::both_match(Some(&digest), None));
        assert!(!Digest::both_match(None, Some(&digest)));
    }

    /// SHA-256 of nothing, as everybody has it; and the form in JSON, which stores may have kept.
    #[test]
    fn the_form_stays_as_it_is() {
        let digest = Digest::of(&[]);
        assert_eq!(digest.as_bytes()[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        let json = serde_json::to_string(&digest).unwrap();
        assert!(json.starts_with("[227,176,196,66,"), "{json}");
        let read: Digest = serde_json::from_str(&json).unwrap();
        assert!(read.matches(&digest));
        assert_eq!(format!("{digest:?}"), "Digest(..)");
    }
}
