//! For tests: which routes of a service require nothing, and what the others do ([`Routes`]); and what every
//! [`RefreshStore`] and every [`ApiKeyStore`](crate::ApiKeyStore) has to pass: the stores of this crate do, and a store
//! of your own should.
//!
//! ```
//! use std::{sync::{Arc, Mutex}, time::{Duration, SystemTime}};
//! use buttress_jwt::{Clock, MemoryRefreshStore, RefreshStore, testing::{self, StoreHarness}};
//!
//! struct Memory(MemoryRefreshStore, Arc<Mutex<SystemTime>>);
//!
//! #[async_trait::async_trait]
//! impl StoreHarness for Memory {
//!     async fn store(&self) -> Arc<dyn RefreshStore> {
//!         Arc::new(self.0.clone())
//!     }
//!
//!     async fn advance(&self, by: Duration) {
//!         *self.1.lock().unwrap() += by;
//!     }
//! }
//!
//! # #[tokio::main(flavor = "multi_thread")] async fn main() {
//! let time = Arc::new(Mutex::new(SystemTime::now()));
//! let clock = Clock::new({ let time = time.clone(); move || *time.lock().unwrap() });
//! testing::check_store(Memory(MemoryRefreshStore::new().with_clock(clock), time)).await;
//! # }
//! ```

mod api_keys;
mod client;
mod endings;
mod races;
mod reference;
mod rotations;
mod routes;
mod sessions;

pub use self::routes::{OpenRoutes, Requirements, Routes};

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use api_keys::{ApiKeyStoreHarness, check_api_key_store};

use crate::RefreshStore;

/// A store under test.
#[async_trait]
pub trait StoreHarness: Send + Sync + 'static {
    /// A store on what is kept. Each call is as if from another process: what it returns shares nothing with
    /// the others but what is kept.
    async fn store(&self) -> Arc<dyn RefreshStore>;

    /// Lets this time pass on the store's clock, or makes what is kept so much older. No case runs beside
    /// another.
    async fn advance(&self, by: Duration);
}

/// Runs every case of the suite, one after the other, on sessions of their own.
///
/// # Panics
///
/// Panics when a case fails, after all have run, with their names; each has said why by then.
pub async fn check_store(harness: impl StoreHarness) {
    let harness: Arc<dyn StoreHarness> = Arc::new(harness);
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

type Case = fn(Arc<dyn StoreHarness>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A case and its name.
macro_rules! cases {
    ($($module:ident::$name:ident,)*) => {
        &[$((stringify!($name), |harness| Box::pin($module::$name(harness)))),*]
    };
}

const CASES: &[(&str, Case)] = cases![
    sessions::a_session_is_kept_as_it_was_begun,
    sessions::an_id_is_given_once,
    sessions::sessions_are_listed_last_used_first,
    sessions::one_too_many_ends_the_least_recently_used,
    sessions::what_is_past_its_time_ends_when_another_begins,
    sessions::a_session_is_found_as_it_is,
    sessions::the_limit_holds_for_those_that_begin_at_once,
    rotations::an_unknown_session_is_unknown,
    rotations::a_hundred_rotations_at_once_keep_their_order_and_the_end,
    rotations::a_retry_gets_the_same_and_does_not_prolong_the_grace,
    rotations::a_proven_retry_is_served_however_late,
    rotations::another_attempt_is_no_retry,
    rotations::the_grandparent_ends_the_session_within_the_grace,
    rotations::without_grace_the_parent_ends_the_session,
    rotations::a_forged_token_ends_the_session,
    rotations::retries_have_an_end,
    rotations::a_young_token_is_kept_and_counts_as_used,
    rotations::one_ahead_is_believed_if_that_is_wanted,
    rotations::a_token_from_the_future_changes_nothing,
    rotations::a_session_that_is_not_used_expires,
    rotations::a_session_expires_however_much_it_is_used,
    endings::what_has_ended_stays_ended,
    endings::one_ends_alone,
    endings::only_the_owner_ends_by_name,
    endings::all_end_but_one,
    endings::all_end_of_the_subject_alone,
    endings::what_is_past_its_time_ends_for_that_reason,
    endings::what_has_ended_shortly_before_is_named_again,
    races::one_rotates_and_all_get_the_same,
    races::racers_of_a_whole_family_agree,
    races::an_end_wins_against_rotations,
    races::the_end_of_all_wins_against_rotations,
    races::reuse_wins_against_rotations,
    races::proven_retries_race_like_all,
    reference::verdicts_are_those_of_the_rules,
];
