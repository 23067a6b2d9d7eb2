//! The public API.

mod auto_traits;
mod connection;
mod script;
