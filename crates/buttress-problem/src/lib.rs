#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "xml")]
mod accept;
#[cfg(feature = "actix")]
mod actix;
mod answers;
#[cfg(feature = "axum")]
pub mod axum;
mod builder;
mod catalogue;
mod cause;
mod edit;
mod error;
mod extension;
mod format;
mod headers;
mod html;
#[cfg(feature = "layer")]
mod layer;
#[cfg(feature = "utoipa")]
mod openapi;
mod parse;
mod pointer;
mod problem;
mod problem_type;
mod render;
mod response;
mod status;
mod to_problem;
mod uri_reference;
mod violation;
#[cfg(any(
    feature = "serde-path-to-error",
    feature = "validator",
    feature = "garde"
))]
mod violations;
#[cfg(feature = "xml")]
mod xml;

pub use answers::Answers;
pub use builder::ProblemBuilder;
#[cfg(feature = "derive")]
pub use buttress_problem_derive::Problem;
pub use catalogue::Catalogue;
pub use error::{Error, ErrorKind};
pub use format::Format;
pub use pointer::JsonPointer;
pub use problem::Problem;
pub use problem_type::ProblemType;
pub use response::PreparedProblem;
pub use to_problem::ToProblem;
pub use uri_reference::UriReference;
pub use violation::{Location, Violation};

#[cfg(feature = "layer")]
pub use layer::{
    CatchError, CatchErrorFuture, CatchErrorLayer, Occurrence, ProblemLayer, ProblemService,
    ResponseBody, ResponseFuture,
};
#[cfg(feature = "utoipa")]
pub use openapi::Problems;
#[cfg(feature = "serde-path-to-error")]
pub use violations::read_json;
