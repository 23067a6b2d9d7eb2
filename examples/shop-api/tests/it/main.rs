//! The shop from outside: through its public API, through real sockets, and as a process.

mod bodies;
mod docs;
mod middleware;
mod openapi;
mod preconditions;
mod process;
mod products;
mod races;
mod refusals;
mod server;
mod start;
mod store;
mod tags;
mod validation;
