//! No more than so many requests at once, up to the ends of their answers.

mod layer;
mod permit;
mod service;

pub(crate) use self::permit::Permit;
pub use self::{layer::ConcurrencyLayer, service::ConcurrencyService};
