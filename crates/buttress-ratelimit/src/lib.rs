#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod bucket;
mod clock;
mod decision;
mod error;
mod key;
mod levels;
mod limiter;
mod quota;
mod quotas;
mod request_key;
mod store;

pub use bucket::Rate;
pub use clock::Clock;
pub use decision::{Decision, QuotaState};
pub use error::{Error, ErrorKind};
pub use key::Key;
pub use levels::Levels;
pub use limiter::RateLimiter;
pub use quota::Quota;
pub use quotas::{Inherit, Quotas};
pub use request_key::{
    And, ClientIp, ExtensionKey, Global, HeaderKey, Networks, Or, PeerAddr, PeerIp, RequestKey,
    Unless,
};
pub use store::{RateLimitStore, memory::MemoryStore};
