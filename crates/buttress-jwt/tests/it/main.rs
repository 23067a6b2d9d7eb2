//! The public API, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepted;
mod allocations;
mod api_keys;
mod auto_traits;
#[cfg(feature = "axum")]
mod axum;
mod bearer;
mod cases;
mod cookie;
mod fuzz;
mod interop;
mod issuer;
mod jwks;
mod key_ring;
mod key_set;
mod keys;
mod known_headers;
mod log;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod no_runtime;
#[cfg(feature = "utoipa")]
mod openapi;
mod properties;
mod refused;
#[cfg(feature = "remote")]
mod remote;
mod require;
mod revocation;
#[cfg(all(feature = "axum", feature = "testing"))]
mod routes;
mod sessions;
#[cfg(feature = "testing")]
mod stores;
mod support;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod tables;
mod timeouts;
