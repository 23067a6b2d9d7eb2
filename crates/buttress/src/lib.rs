#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "problem")]
#[doc(inline)]
pub use buttress_problem as problem;
