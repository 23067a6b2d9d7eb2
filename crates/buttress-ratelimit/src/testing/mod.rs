//! For tests: what every [`RateLimitStore`](crate::RateLimitStore) has to pass. The stores of this crate do, and a store of
//! your own should.
//!
//! ```
//! use std::{sync::{Arc, Mutex}, time::Duration};
//! use buttress_ratelimit::{Clock, MemoryStore, Quota, RateLimiter, testing::{self, StoreHarness}};
//!
//! struct Memory(Arc<Mutex<Duration>>);
//!
//! #[async_trait::async_trait]
//! impl StoreHarness for Memory {
//!     async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter {
//!         let time = Arc::clone(&self.0);
//!         let store = MemoryStore::new().with_clock(Clock::new(move || *time.lock().unwrap()));
//!         RateLimiter::with_memory(&store, quotas).unwrap()
//!     }
//!
//!     async fn advance(&self, by: Duration) {
//!         *self.0.lock().unwrap() += by;
//!     }
//! }
//!
//! # #[tokio::main(flavor = "multi_thread")] async fn main() {
//! testing::check_store(Memory(Arc::default())).await;
//! # }
//! ```

mod changes;
mod charges;
mod races;
mod random;
mod reference;
mod replaced;
mod windows;

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;

use self::random::Random;
use crate::{Decision, Key, Quota, RateLimiter};

/// A store under test.
#[async_trait]
pub trait StoreHarness: Send + Sync + 'static {
    /// A limiter on the store.
    async fn limiter(&self, quotas: Vec<Quota>) -> RateLimiter;

    /// Lets this time pass on the store's clock, a whole number of microseconds. No other time passes on it, so that what is
    /// missing can be told to the nanosecond. No case runs beside another.
    async fn advance(&self, by: Duration);
}

/// Runs every case of the suite, one after the other, on keys of their own.
///
/// # Panics
///
/// Panics when a case fails, after all have run, with their names; each has said why by then.
pub async fn check_store(harness: impl StoreHarness) {
    run(Arc::new(harness), CASES).await;
}

/// Runs those cases that need no more than charges of one quota, for a store that can do nothing else: what it cannot do is
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
///
/// # Panics
///
/// As [`check_store`].
pub async fn check_charges(harness: impl StoreHarness) {
    run(Arc::new(harness), CHARGES).await;
}

async fn run(harness: Arc<dyn StoreHarness>, cases: &[(&str, Case)]) {
    let mut failed = Vec::new();
    for (name, case) in cases {
        // A task of its own catches the panic.
        if tokio::spawn(case(Arc::clone(&harness))).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases failed: {}",
        failed.len(),
        cases.len(),
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
    charges::a_key_that_was_never_seen_has_full_buckets,
    charges::a_cost_is_taken_from_all_buckets,
    charges::a_refusal_takes_nothing_from_any_bucket,
    charges::who_waits_as_told_is_let_in_and_who_comes_sooner_is_not,
    charges::a_bucket_that_is_full_again_is_one_that_was_never_seen,
    charges::what_only_counts_refuses_nothing,
    charges::several_charges_are_granted_as_far_as_there_is_room,
    charges::the_largest_buckets_are_exact,
    charges::as_many_of_the_slowest_are_granted_as_there_are,
    charges::keys_have_buckets_of_their_own,
    changes::a_peek_changes_nothing,
    changes::no_refund_makes_a_bucket_fuller_than_full,
    changes::a_penalty_leaves_no_more_debt_than_allowed,
    changes::a_debt_is_paid_by_time_alone,
    changes::what_is_set_is_what_is_left,
    replaced::what_was_spent_is_inherited_by_name,
    replaced::a_share_or_nothing_is_inherited,
    replaced::what_was_spent_is_inherited_however_often_they_were_replaced_since,
    replaced::what_was_inherited_is_not_inherited_again,
    replaced::what_is_set_is_not_inherited_over,
    replaced::quotas_that_come_back_have_what_was_spent_since,
    races::as_many_are_let_in_as_there_are_tokens,
    races::all_quotas_hold_in_a_race,
    races::charges_of_several_race_like_others,
    races::no_token_is_won_or_lost_in_a_race_with_refunds,
    windows::no_window_admits_more_than_its_burst_and_its_rate,
    windows::who_sends_at_the_rate_is_never_refused,
    reference::levels_are_those_of_the_rules,
    reference::levels_of_deep_buckets_are_those_of_the_rules,
];

const CHARGES: &[(&str, Case)] = cases![
    charges::keys_have_buckets_of_their_own,
    races::as_many_are_let_in_as_there_are_tokens,
    windows::who_sends_at_the_rate_is_never_refused,
];

/// A key that nobody else has.
fn new_key() -> Key {
    Key::from("case").and(Random::new().number())
}

async fn check(limiter: &RateLimiter, key: &Key, cost: u32) -> Decision {
    let decision = limiter.check(key, cost).await;
    decision.expect("a decision")
}

/// What is missing of each bucket, in nanoseconds.
async fn missing(limiter: &RateLimiter, key: &Key) -> Vec<u128> {
    let decision = limiter.peek(key).await.expect("a decision");
    decision
        .states()
        .map(|state| state.reset.as_nanos())
        .collect()
}

async fn left(limiter: &RateLimiter, key: &Key) -> Vec<u32> {
    let decision = limiter.peek(key).await.expect("a decision");
    decision.states().map(|state| state.remaining).collect()
}
