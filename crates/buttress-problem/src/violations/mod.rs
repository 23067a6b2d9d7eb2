//! What deserialisers and validators report, as violations that repeat nothing of the input.

#[cfg(feature = "serde-path-to-error")]
mod echo;
#[cfg(feature = "serde-path-to-error")]
mod expected;
#[cfg(feature = "serde-path-to-error")]
pub(crate) mod finding;
#[cfg(feature = "serde-path-to-error")]
mod json;
#[cfg(feature = "serde-path-to-error")]
mod message;
#[cfg(feature = "serde-path-to-error")]
pub(crate) mod place;

#[cfg(feature = "serde-path-to-error")]
pub use json::read_json;
