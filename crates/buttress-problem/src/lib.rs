#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "xml")]
mod accept;
#[cfg(feature = "layer")]
mod body;
mod builder;
mod catalogue;
#[cfg(feature = "layer")]
mod catch_error;
mod cause;
#[cfg(feature = "layer")]
mod convert;
mod edit;
mod error;
mod extension;
mod format;
#[cfg(feature = "layer")]
mod future;
mod headers;
#[cfg(feature = "layer")]
mod layer;
#[cfg(feature = "layer")]
mod occurrence;
mod parse;
mod pointer;
mod problem;
mod problem_type;
mod render;
mod response;
#[cfg(feature = "layer")]
mod service;
mod status;
mod to_problem;
mod uri_reference;
mod violation;
#[cfg(feature = "xml")]
mod xml;

pub use builder::ProblemBuilder;
pub use catalogue::Catalogue;
pub use error::{Error, ErrorKind};
pub use format::Format;
pub use pointer::JsonPointer;
pub use problem::Problem;
pub use problem_type::ProblemType;
pub use to_problem::ToProblem;
pub use uri_reference::UriReference;
pub use violation::{Location, Violation};

#[cfg(feature = "layer")]
pub use {
    body::ResponseBody,
    catch_error::{CatchError, CatchErrorFuture, CatchErrorLayer},
    future::ResponseFuture,
    layer::ProblemLayer,
    occurrence::Occurrence,
    service::ProblemService,
};
