//! The shop's parts. `main.rs` puts them together; the tests take them one by one.

pub mod announce;
pub mod auth;
pub mod config;
pub mod domain;
pub mod http;
pub mod logging;
pub mod serve;
pub mod store;
