//! The shop from outside: through its public API, through real sockets, and as a process.

mod store;
