//! What users move between threads, keep and print.

use std::fmt::Debug;

use buttress_ratelimit::{
    Clock, Decision, Error, Key, MemoryStore, PeerAddr, PeerIp, Quota, QuotaState, Quotas, Rate,
    RateLimiter,
};

fn is_plain<T: Send + Sync + Unpin + Debug + 'static>() {}

fn is_cloned<T: Clone>() {}

#[test]
fn everything_can_be_sent_shared_and_printed() {
    is_plain::<Clock>();
    is_plain::<Decision>();
    is_plain::<Error>();
    is_plain::<Key>();
    is_plain::<MemoryStore>();
    is_plain::<PeerAddr>();
    is_plain::<PeerIp>();
    is_plain::<Quota>();
    is_plain::<QuotaState<'static>>();
    is_plain::<Quotas>();
    is_plain::<Rate>();
    is_plain::<RateLimiter>();
    is_cloned::<Decision>();
    is_cloned::<RateLimiter>();
}
