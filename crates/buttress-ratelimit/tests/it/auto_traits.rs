//! What users move between threads, keep and print.

use std::fmt::Debug;

use buttress_ratelimit::{
    And, Basis, ClientIp, Clock, Decision, Error, ExtensionKey, Global, HeaderKey, Key,
    MemoryStore, Networks, OnStoreError, Or, PeerAddr, PeerIp, Quota, QuotaState, Quotas, Rate,
    RateLimitHeaders, RateLimiter, SharedStore, Unless,
};
use http::request::Parts;

fn is_plain<T: Send + Sync + Unpin + Debug + 'static>() {}

fn is_cloned<T: Clone>() {}

#[test]
fn everything_can_be_sent_shared_and_printed() {
    is_plain::<And<Global, Global>>();
    is_plain::<Basis>();
    is_plain::<ClientIp>();
    is_plain::<Clock>();
    is_plain::<Decision>();
    is_plain::<Error>();
    is_plain::<ExtensionKey<u8, fn(&u8) -> Key>>();
    is_plain::<Global>();
    is_plain::<HeaderKey>();
    is_plain::<Key>();
    is_plain::<MemoryStore>();
    is_plain::<Networks>();
    is_plain::<OnStoreError>();
    is_plain::<Or<Global, Global>>();
    is_plain::<PeerAddr>();
    is_plain::<PeerIp>();
    is_plain::<Quota>();
    is_plain::<QuotaState<'static>>();
    is_plain::<Quotas>();
    is_plain::<Rate>();
    is_plain::<RateLimiter>();
    is_plain::<RateLimitHeaders>();
    is_plain::<SharedStore>();
    is_plain::<Unless<Global, fn(&Parts) -> bool>>();
    is_cloned::<Decision>();
    is_cloned::<RateLimiter>();
}

#[cfg(feature = "governor")]
#[test]
fn a_store_of_governor_can_be_sent_shared_and_printed() {
    fn is_shared<T: Send + Sync + Debug + 'static>() {}
    is_shared::<buttress_ratelimit::GovernorStore>();
}
