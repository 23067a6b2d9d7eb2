#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api_key;
#[cfg(feature = "axum")]
mod axum;
mod bearer;
mod challenge;
mod clock;
mod cookie;
mod credentials;
mod digest;
mod error;
mod gate;
mod grant;
mod inquiry;
mod issuer;
mod jwks_service;
mod key;
mod key_ring;
mod key_source;
mod known_headers;
mod memory;
mod metrics;
mod principal;
mod refresh;
mod rejection;
#[cfg(feature = "remote")]
mod remote;
mod require;
mod revocation;
mod schedule;
mod secret;
mod sessions;
mod store;
mod tasks;
#[cfg(test)]
mod test;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_error;
mod verifier;

#[cfg(feature = "postgres")]
pub use api_key::PostgresApiKeyStore;
#[cfg(feature = "redis")]
pub use api_key::RedisApiKeyStore;
#[cfg(feature = "sqlite")]
pub use api_key::SqliteApiKeyStore;
pub use api_key::{
    ApiKey, ApiKeyError, ApiKeyId, ApiKeyLayer, ApiKeyRefusal, ApiKeySecret, ApiKeyService,
    ApiKeyStore, ApiKeys, Environment, IssuedApiKey, KeptKey, KeyIssuance, KeyRotated, KeyRotation,
    MemoryApiKeyStore, NewApiKey, WhichKeys,
};
#[cfg(feature = "axum")]
pub use axum::Bearer;
pub use bearer::{BearerLayer, BearerService};
pub use clock::Clock;
pub use cookie::{SameSite, TokenCookie};
pub use digest::Digest;
pub use error::{Error, ErrorKind};
pub use gate::{ResponseBody, ResponseFuture};
pub use grant::Grant;
pub use issuer::{AccessToken, Issuer};
/// The algorithms that tokens are signed with.
pub use jsonwebtoken::Algorithm;
pub use jwks_service::{JwksBody, JwksService};
pub use key::{KeySet, SigningKey, SkippedKey, VerifyingKey};
pub use key_ring::{KeyRing, KeyState, KeyStatus, Rotation};
pub use key_source::KeySource;
#[cfg(feature = "metrics")]
pub use metrics::{SessionMetrics, describe_metrics};
pub use principal::Principal;
pub use refresh::{
    Beginning, Begun, EndReason, Ended, Ending, Endings, Family, Judged, NewSession, Proposal,
    RefreshKeys, Session, SessionId, Verdict, Which,
};
pub use rejection::{Rejection, RejectionKind};
#[cfg(feature = "remote-https")]
pub use remote::HttpsFetch;
#[cfg(feature = "remote")]
pub use remote::{Fetch, RemoteKeys, RemoteKeysBuilder};
#[cfg(feature = "utoipa")]
pub use require::BearerScheme;
pub use require::{Decision, Require, RequireLayer, RequireService};
pub use revocation::{Revocation, RevocationAnswer, RevocationList, TokenIdentity};
pub use schedule::Schedule;
pub use sessions::{
    OnRollback, Refresh, RefreshError, Refusal, ReissueCause, SessionEvent, SessionEvents,
    SessionRevocation, Sessions, TokenPair,
};
#[cfg(feature = "postgres")]
pub use store::PostgresRefreshStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteRefreshStore;
pub use store::{MemoryRefreshStore, RefreshStore};
#[cfg(feature = "redis")]
pub use store::{RedisClient, RedisRefreshStore};
pub use token::Claims;
pub use token_error::{TokenError, TokenErrorKind};
pub use verifier::Verifier;
