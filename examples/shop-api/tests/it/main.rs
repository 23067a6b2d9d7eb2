//! The shop from outside: through its public API, through real sockets, and as a process.

mod access;
mod accounts;
mod bodies;
mod docs;
mod instances;
mod limits;
mod login;
mod logs;
mod middleware;
mod openapi;
mod people;
mod preconditions;
mod process;
mod products;
mod races;
mod refresh;
mod refusals;
mod running;
mod server;
mod sessions;
mod start;
mod store;
mod tags;
mod users;
mod validation;
