//! The contract of a tower layer, checked with one call.
//!
//! [`layer`] wraps a mock service with the layer under test and checks, each in a runtime of its
//! own with paused time:
//!
//! 1. The inner service is called only on a value whose `poll_ready` said that it is ready. The
//!    wrong form is *clone + call*.
//! 2. A request completes when the inner service takes one at a time, also one after another and
//!    from several clones at once. *Clone + oneshot* is the wrong form: the readied service keeps
//!    the only permit while the clone waits for it for ever.
//! 3. Readiness is forwarded: pending while the inner service is, woken when it becomes ready,
//!    failing with its very error. The error of a call comes out unchanged, too.
//! 4. A clone does not take its original's readiness for its own.
//! 5. Dropping the response future, polled or not, drops the inner future and gives back its
//!    permit.
//!
//! What frameworks ask for is in the bounds, so a layer that breaks it does not compile against the
//! probe: `Clone + Send + Sync + 'static`, a `Send` future, the inner service's own error type.
//!
//! A hang is found at once and always: time is paused, so it jumps to the probe's deadline as soon
//! as nothing else can happen.
//!
//! ```
//! use buttress_testkit::probe;
//! # mod tower {
//! #     pub struct Identity;
//! #     impl Identity {
//! #         pub fn new() -> Self { Self }
//! #         pub fn layer<S>(&self, inner: S) -> S { inner }
//! #     }
//! # }
//!
//! // In a plain `#[test]`, without a runtime:
//! probe::layer(|inner| tower::Identity::new().layer(inner), || http::Request::new(()));
//! ```

mod case;
mod cases;
mod inner;
mod state;

pub use inner::{Inner, InnerError, InnerFuture};

use tokio::runtime::{Builder, Handle};
use tower_service::Service;

use case::Case;
use cases::OnDrop;

/// Checks that a layer keeps tower's contract.
///
/// `wrap` puts the layer around a fresh inner service, once per case, inside of the case's runtime.
/// `request` makes requests that the layer lets through to the inner service; it is called for
/// every request, so that each can have a key of its own.
///
/// # Panics
///
/// Panics when the layer breaks the contract, with a message that names the wrong form. Panics when
/// called inside of a runtime, whose clock may run.
#[track_caller]
pub fn layer<S, B>(wrap: impl Fn(Inner) -> S, request: impl Fn() -> http::Request<B>)
where
    S: Service<http::Request<B>, Error = InnerError> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    run(OnDrop::Drops, &wrap, &request);
}

/// Like [`layer`], for a layer whose work outlives the client's connection: after the response
/// future has been dropped midway, the inner future must run to its end.
///
/// # Panics
///
/// Panics as [`layer`] does.
#[track_caller]
pub fn detached_layer<S, B>(wrap: impl Fn(Inner) -> S, request: impl Fn() -> http::Request<B>)
where
    S: Service<http::Request<B>, Error = InnerError> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    run(OnDrop::Finishes, &wrap, &request);
}

#[track_caller]
fn run<S, B>(on_drop: OnDrop, wrap: &dyn Fn(Inner) -> S, request: &dyn Fn() -> http::Request<B>)
where
    S: Service<http::Request<B>, Error = InnerError> + Clone,
{
    assert!(
        Handle::try_current().is_err(),
        "the probe brings its own runtime, with paused time: call it from a plain #[test]"
    );
    let case = || Case::new(wrap, request);
    in_runtime(case().one_after_another());
    in_runtime(case().at_once());
    in_runtime(case().readiness());
    in_runtime(case().errors());
    in_runtime(case().clones());
    in_runtime(case().dropped(on_drop));
}

/// One runtime per case, so that the tasks which a layer spawned for one are gone before the next.
fn in_runtime(case: impl Future<Output = ()>) {
    match Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
    {
        Ok(runtime) => runtime.block_on(case),
        Err(error) => panic!("no runtime for the probe: {error}"),
    }
}
