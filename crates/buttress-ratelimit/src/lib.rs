#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod answer;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod bucket;
mod clock;
mod concurrency;
mod decision;
mod error;
mod future;
mod headers;
mod key;
mod layer;
mod levels;
mod limiter;
mod metrics;
mod quota;
mod quotas;
mod rejection;
mod request_key;
mod resilience;
mod responder;
mod service;
mod settle;
mod shared;
mod shared_store;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod waiting;

pub use body::ResponseBody;
pub use bucket::Rate;
pub use clock::Clock;
pub use concurrency::{ConcurrencyLayer, ConcurrencyService};
pub use decision::{Basis, Decision, QuotaState};
pub use error::{Error, ErrorKind};
pub use future::ResponseFuture;
pub use headers::{HeaderFormat, RateLimitHeaders, ResetForm};
pub use key::Key;
pub use layer::RateLimitLayer;
pub use levels::Levels;
pub use limiter::RateLimiter;
#[cfg(feature = "metrics")]
pub use metrics::describe_metrics;
pub use quota::Quota;
pub use quotas::{Inherit, Quotas};
pub use rejection::{Rejection, RejectionKind};
pub use request_key::{
    And, ClientIp, ExtensionKey, Global, HeaderKey, Networks, Or, PeerAddr, PeerIp, RequestKey,
    Unless,
};
pub use resilience::OnStoreError;
pub use service::RateLimitService;
pub use settle::{Reservation, Settle};
pub use shared_store::SharedStore;
#[cfg(feature = "governor")]
pub use store::governor::GovernorStore;
#[cfg(feature = "redis")]
pub use store::redis::{RedisClient, RedisStore};
pub use store::{RateLimitStore, memory::MemoryStore};
