//! The public API, from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auto_traits;
#[cfg(feature = "axum")]
mod axum;
mod contract;
mod encoded;
mod etag;
mod if_match;
mod layer;
mod layer_content;
mod properties;
#[cfg(all(feature = "axum", feature = "sqlx"))]
mod race;
mod reference;
mod rejection;
#[cfg(feature = "sqlx")]
mod sql;
mod support;
mod table;
#[cfg(feature = "axum")]
mod wire;
mod written;
