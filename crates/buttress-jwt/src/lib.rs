#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;

pub use clock::Clock;
pub use error::{Error, ErrorKind};
