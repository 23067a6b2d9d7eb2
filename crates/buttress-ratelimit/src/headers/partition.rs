use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::PartitionKey;
use crate::{Error, ErrorKind, Key};

/// Makes partition keys: digests under a secret, so that nobody else finds out by trying what they are made of.
#[derive(Clone)]
pub(crate) struct PartitionKeys(Hmac<Sha256>);

/// As many bytes as cannot be guessed.
const LEAST: usize = 16;

impl PartitionKeys {
    pub(crate) fn new(secret: &[u8]) -> Result<Self, Error> {
        let hmac = Hmac::new_from_slice(secret).ok();
        let Some(mut hmac) = hmac.filter(|_| secret.len() >= LEAST) else {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                format!(
                    "the secret of partition keys has {} bytes: it takes at least {LEAST}",
                    secret.len()
                ),
            ));
        };
        // What else the secret may be used for has other digests.
        hmac.update(b"buttress-ratelimit partition key\0");
        Ok(Self(hmac))
    }

    pub(crate) fn of(&self, key: &Key) -> PartitionKey {
        let mut hmac = self.0.clone();
        hmac.update(key.as_bytes());
        let digest = hmac.finalize().into_bytes();
        PartitionKey(std::array::from_fn(|at| digest[at]))
    }
}

impl fmt::Debug for PartitionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionKeys").finish_non_exhaustive()
    }
}
