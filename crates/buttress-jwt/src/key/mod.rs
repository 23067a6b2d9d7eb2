mod algorithm;
mod der;
mod jwk;
mod key_set;
mod pem;
mod public;
#[cfg(test)]
mod signature_vectors;
mod signer;
mod signing;
mod thumbprint;
#[cfg(test)]
mod vectors;
mod verifying;
#[cfg(test)]
mod wycheproof;

#[cfg(feature = "remote")]
pub(crate) use algorithm::is_symmetric;
pub(crate) use algorithm::{from_name, name};
pub use key_set::{KeySet, SkippedKey};
pub use signing::SigningKey;
pub use verifying::VerifyingKey;
