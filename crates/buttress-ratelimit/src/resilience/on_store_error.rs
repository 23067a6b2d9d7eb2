/// What a limiter decides when its [store](crate::SharedStore) fails, does not answer in time, or is left alone because
/// it has failed too often.
///
/// By default it limits locally, with the whole of each quota: the limits hold in each process, and an outage of the store is
/// no outage of the service. Of several instances each lets pass as much then as all may together, so say which share is
/// theirs: `Local { share: 0.25 }` for four of them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// Everything is allowed: for limits that save costs, and keep nobody out.
    Allow,
    /// Nothing is decided: an error of the kind [`Store`](crate::ErrorKind::Store), which the layer answers with 503. For
    /// limits without which nothing may happen, such as those of attempts to sign in.
    Deny,
    /// Buckets in this process decide, with this share of each quota: more than 0, and 1 at most. Bursts are rounded down, but
    /// not below a single token. Rates are not rounded up.
    ///
    /// They begin full at the first outage, and are those of the last one at the next. A cost that is more than such a
    /// bucket holds waits for a full one, and leaves it in debt. What they have let pass is not charged to the store
    /// afterwards.
    Local {
        /// Of each quota: one through the number of instances.
        share: f64,
    },
}

impl Default for OnStoreError {
    fn default() -> Self {
        Self::Local { share: 1.0 }
    }
}
