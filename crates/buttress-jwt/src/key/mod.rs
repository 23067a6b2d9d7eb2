mod algorithm;
mod der;
mod jwk;
mod key_set;
mod pem;
mod public;
mod signer;
mod signing;
mod thumbprint;
#[cfg(test)]
mod vectors;
mod verifying;
#[cfg(test)]
mod wycheproof;

pub(crate) use algorithm::{from_name, is_symmetric, name};
pub use key_set::{KeySet, SkippedKey};
pub use signing::SigningKey;
pub use verifying::VerifyingKey;
