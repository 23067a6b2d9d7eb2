//! The public API, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
