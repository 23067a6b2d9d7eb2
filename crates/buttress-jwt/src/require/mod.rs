//! Authorization: who may do what.

mod decision;
mod evaluation;
mod layer;
#[cfg(feature = "utoipa")]
mod openapi;
mod rule;
mod service;

#[cfg(feature = "utoipa")]
pub use self::openapi::BearerScheme;
pub use self::{decision::Decision, layer::RequireLayer, rule::Require, service::RequireService};
