#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod body;
mod current;
mod date;
mod decision;
mod encoding;
mod error;
mod etag;
mod evaluate;
mod exchange;
mod future;
mod headers;
mod if_match;
mod layer;
mod preconditions;
mod rejection;
mod require;
mod service;
#[cfg(feature = "sqlx")]
mod sqlx;
mod tags;
mod written;

pub use body::ResponseBody;
pub use current::Current;
pub use decision::{Condition, Decision};
pub use error::{Error, ErrorKind};
pub use etag::ETag;
pub use evaluate::evaluate;
pub use future::ResponseFuture;
pub use headers::has_strong_etag;
pub use if_match::IfMatch;
pub use layer::PreconditionsLayer;
pub use preconditions::Preconditions;
pub use rejection::{Rejection, RejectionKind};
pub use require::Require;
pub use service::PreconditionsService;
pub use written::Written;
