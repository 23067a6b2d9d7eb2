//! Authentication by access token (RFC 6750).

mod credentials;
mod layer;
mod service;

pub use self::{layer::BearerLayer, service::BearerService};
