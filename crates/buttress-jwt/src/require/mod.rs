//! Authorization: who may do what.

mod decision;
mod evaluation;
mod layer;
mod rule;
mod service;

pub use self::{decision::Decision, layer::RequireLayer, rule::Require, service::RequireService};
