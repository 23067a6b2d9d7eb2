//! Every store against the conformance suite.

mod columns;
#[cfg(feature = "sqlite")]
mod crashes;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod hang_ups;
mod interleaved;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod lost_answers;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_held;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod postgres_statements;
#[cfg(all(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod processes;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis-cluster")]
mod redis_cluster;
#[cfg(feature = "redis")]
mod redis_connection;
#[cfg(feature = "redis")]
mod redis_repeated;
#[cfg(feature = "redis-sentinel")]
mod redis_sentinel;
#[cfg(feature = "redis-cluster")]
mod redis_slots;
#[cfg(all(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod rollbacks;
#[cfg(feature = "redis-cluster")]
pub(crate) mod slot;
#[cfg(feature = "sqlite")]
mod sqlite;
mod steps;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod through;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use buttress_jwt::{
    Algorithm, Issuer, KeyRing, RefreshKeys, RefreshStore, Sessions, SigningKey, Verifier,
};

/// A day in 2023.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Sessions on a store, with the same refresh keys in every process.
fn sessions(store: Arc<dyn RefreshStore>) -> Sessions {
    sessions_and_verifier(store).0
}

fn sessions_and_verifier(store: Arc<dyn RefreshStore>) -> (Sessions, Verifier) {
    let key = SigningKey::generate(Algorithm::EdDSA).expect("a key");
    let keys = KeyRing::new(key).expect("a ring");
    let verifier = Verifier::new("https://api.example.com", "shop", keys.clone());
    let issuer = Issuer::new("https://api.example.com", "shop", keys);
    let refresh_keys = RefreshKeys::new(1, [7; 32]).expect("a key");
    // A slow machine is no failure of a store.
    let sessions = Sessions::new(issuer, refresh_keys, store)
        .with_store_timeout(Duration::from_secs(60))
        .expect("a timeout");
    (sessions, verifier)
}
