//! What deserialisers and validators report, as violations that repeat nothing of the input.

mod cap;
#[cfg(any(feature = "serde-path-to-error", feature = "validator"))]
mod echo;
#[cfg(feature = "serde-path-to-error")]
mod expected;
#[cfg(feature = "serde-path-to-error")]
pub(crate) mod finding;
#[cfg(feature = "garde")]
mod garde;
#[cfg(feature = "serde-path-to-error")]
mod json;
#[cfg(any(feature = "garde", feature = "validator"))]
mod list;
#[cfg(feature = "serde-path-to-error")]
mod message;
#[cfg(any(feature = "garde", feature = "validator"))]
mod names;
#[cfg(feature = "serde-path-to-error")]
pub(crate) mod place;
#[cfg(feature = "serde-path-to-error")]
mod repair;
#[cfg(feature = "validator")]
mod validator;

#[cfg(feature = "axum")]
pub(crate) use json::MALFORMED_JSON;
#[cfg(feature = "serde-path-to-error")]
pub use json::read_json;
#[cfg(all(feature = "axum", any(feature = "garde", feature = "validator")))]
pub(crate) use names::tokens;
