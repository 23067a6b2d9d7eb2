//! Authentication by access token (RFC 6750).

mod layer;
mod service;

pub use self::{layer::BearerLayer, service::BearerService};
