//! What every [`ApiKeyStore`] has to pass.

mod client;
mod issues;
mod races;
mod revocations;
mod rotations;

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::ApiKeyStore;

/// A store of API keys under test.
#[async_trait]
pub trait ApiKeyStoreHarness: Send + Sync + 'static {
    /// A store on what is kept. Each call is as if from another process: what it returns shares nothing with the others
    /// but what is kept.
    async fn store(&self) -> Arc<dyn ApiKeyStore>;

    /// Lets this time pass on the store's clock, or makes what is kept so much older. No case runs beside another.
    async fn advance(&self, by: Duration);
}

/// Runs every case for stores of API keys, one after the other, on keys of their own.
///
/// # Panics
///
/// Panics when a case fails, after all have run, with their names; each has said why by then.
pub async fn check_api_key_store(harness: impl ApiKeyStoreHarness) {
    let harness: Arc<dyn ApiKeyStoreHarness> = Arc::new(harness);
    let mut failed = Vec::new();
    for (name, case) in CASES {
        // A task of its own catches the panic.
        if tokio::spawn(case(Arc::clone(&harness))).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases failed: {}",
        failed.len(),
        CASES.len(),
        failed.join(", ")
    );
}

type Case = fn(Arc<dyn ApiKeyStoreHarness>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A case and its name.
macro_rules! cases {
    ($($module:ident::$name:ident,)*) => {
        &[$((stringify!($name), |harness| Box::pin($module::$name(harness)))),*]
    };
}

const CASES: &[(&str, Case)] = cases![
    issues::a_key_is_kept_as_it_was_issued,
    issues::an_id_is_given_once,
    issues::keys_are_listed_newest_first,
    issues::environments_are_apart,
    issues::an_expired_key_is_still_there,
    issues::a_use_is_noted_once_in_a_while,
    rotations::both_keys_are_there_during_the_overlap,
    rotations::an_overlap_is_not_cut_short_but_by_none,
    rotations::an_overlap_ends_with_the_key,
    rotations::only_the_owner_rotates,
    rotations::verdicts_are_those_of_the_rules,
    revocations::what_is_revoked_is_gone,
    revocations::only_the_owner_revokes,
    revocations::all_of_the_subject_are_revoked_there_alone,
    races::one_of_many_rotations_is_done,
    races::a_revocation_wins_against_rotations_and_uses,
];
