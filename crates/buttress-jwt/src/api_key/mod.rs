//! API keys: for machines that have no user to log in.

mod changes;
mod error;
mod format;
mod id;
mod kept;
mod key;
mod keys;
mod layer;
mod memories;
mod secret;
mod service;
mod store;
mod verified;

pub use changes::{KeyIssuance, KeyRotated, KeyRotation, WhichKeys};
pub use error::{ApiKeyError, ApiKeyRefusal};
pub use id::ApiKeyId;
pub use kept::KeptKey;
pub use key::{ApiKey, Environment, NewApiKey};
pub use keys::{ApiKeys, IssuedApiKey};
pub use layer::ApiKeyLayer;
pub use secret::ApiKeySecret;
pub use service::ApiKeyService;
#[cfg(feature = "postgres")]
pub use store::PostgresApiKeyStore;
#[cfg(feature = "redis")]
pub use store::RedisApiKeyStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteApiKeyStore;
pub use store::{ApiKeyStore, MemoryApiKeyStore};
