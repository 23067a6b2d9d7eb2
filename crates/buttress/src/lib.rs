#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "jwt")]
#[doc(inline)]
pub use buttress_jwt as jwt;
#[cfg(feature = "preconditions")]
#[doc(inline)]
pub use buttress_preconditions as preconditions;
#[cfg(feature = "problem")]
#[doc(inline)]
pub use buttress_problem as problem;
#[cfg(feature = "ratelimit")]
#[doc(inline)]
pub use buttress_ratelimit as ratelimit;
