//! The public API, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepted;
mod auto_traits;
mod issuer;
mod key_set;
mod keys;
mod refused;
mod support;
