//! Counted allocations, for claims such as "the allowed path does not allocate".
//!
//! The counting allocator comes from the crate `allocation-counter`, which declares it as the
//! global one of every binary that links this module. It counts per thread, so tests that run in
//! parallel do not disturb each other; and it sees only what the measuring thread allocates, not
//! what a task on another thread does on its behalf.
//!
//! ```
//! use buttress_testkit::alloc;
//!
//! let growing = alloc::count(|| vec![0_u8; 64]);
//! assert_eq!((growing.count, growing.bytes), (1, 64));
//! ```

use std::future::{Future, poll_fn};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

/// What was allocated. Freeing does not lower the numbers, and a reallocation counts as a new
/// allocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How many allocations there were.
    pub count: u64,
    /// How many bytes they asked for, all together.
    pub bytes: u64,
}

impl AddAssign for Allocations {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// Runs `work` and counts what it allocates, what it allocates to drop its own result included.
pub fn count<T>(work: impl FnOnce() -> T) -> Allocations {
    measure(|| drop(work())).0
}

/// Drives `future` to its end and counts what its polls allocate on the thread that polls it.
///
/// Making the future is not counted, since that happened before; count `async {
/// service.call(request).await }` to include it.
pub async fn count_future<F: Future>(future: F) -> (F::Output, Allocations) {
    let mut future = pin!(future);
    let mut total = Allocations::default();
    let output = poll_fn(|context| {
        let (allocations, poll) = measure(|| future.as_mut().poll(context));
        total += allocations;
        poll
    })
    .await;
    (output, total)
}

/// A panic in `work` must not leave the counter's stack one level too deep for the tests that use
/// this thread later, so it is caught inside the measurement and goes on outside of it.
fn measure<T>(work: impl FnOnce() -> T) -> (Allocations, T) {
    let mut result = None;
    let info = allocation_counter::measure(|| result = Some(catch_unwind(AssertUnwindSafe(work))));
    let allocations = Allocations {
        count: info.count_total,
        bytes: info.bytes_total,
    };
    match result {
        Some(Ok(value)) => (allocations, value),
        Some(Err(panic)) => resume_unwind(panic),
        None => unreachable!("the counter runs what it is given"),
    }
}
