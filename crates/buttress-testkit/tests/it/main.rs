//! The test kit, tested through its public API.

#![allow(
    clippy::unwrap_used,
    reason = "clippy allows it in test functions only, not in what they share"
)]

mod alloc;
mod http;
mod postgres;
mod probe;
mod proxy;
mod redis;
mod sqlite;
mod supervision;
