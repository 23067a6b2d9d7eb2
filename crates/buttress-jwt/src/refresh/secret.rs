use std::fmt;

use aws_lc_rs::{constant_time, error::Unspecified};
use zeroize::Zeroizing;

use crate::{Digest, Error, ErrorKind, secret::random};

/// The part of a token that cannot be guessed.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<[u8; Self::LENGTH]>);

impl Secret {
    pub(crate) const LENGTH: usize = 32;

    pub(crate) fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn random() -> Result<Self, Error> {
        random().map(Self::new)
    }

    pub(crate) fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// What a store keeps of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&[self.expose()])
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.expose(), other.expose()).is_ok()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

pub(crate) fn crypto(_: Unspecified) -> Error {
    Error::new(
        ErrorKind::Crypto,
        "the cryptographic library failed, without saying why",
    )
}
