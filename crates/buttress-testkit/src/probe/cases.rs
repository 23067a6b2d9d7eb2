use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::sleep;
use tower_service::Service;

use super::InnerError;
use super::case::{Case, DEADLINE};

/// Long enough, in paused time, for every task that can run to have run.
const MOMENT: Duration = Duration::from_millis(1);

/// What becomes of the inner future when the response future is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDrop {
    Drops,
    Finishes,
}

impl<S, B> Case<'_, S, B>
where
    S: Service<http::Request<B>, Error = InnerError> + Clone,
{
    /// Requests one after another on one service, then on a fresh clone each.
    pub(super) async fn one_after_another(self) {
        let mut service = self.service();
        for _ in 0..3 {
            self.ready(&mut service, "a request after another").await;
            self.complete(&mut service, "a request after another").await;
            self.idle("after a request").await;
        }
        for _ in 0..2 {
            let mut clone = service.clone();
            self.ready(&mut clone, "a request on a clone").await;
            self.complete(&mut clone, "a request on a clone").await;
        }
        self.idle("after a request on a clone").await;
        self.reached(5);
    }

    /// Requests from several clones at once.
    pub(super) async fn at_once(self) {
        let service = self.service();
        let one = || async {
            let mut clone = service.clone();
            self.ready(&mut clone, "concurrent requests").await;
            self.complete(&mut clone, "concurrent requests").await;
        };
        tokio::join!(one(), one(), one(), one());
        self.idle("after concurrent requests").await;
        self.reached(4);
    }

    /// Not ready while the inner service is not, ready as soon as it is.
    pub(super) async fn readiness(self) {
        let mut service = self.service();
        self.shared.get().permits = 0;
        assert!(
            poll_now(&mut service).is_pending(),
            "`poll_ready` does not forward: it said that it was ready (or failed) while the inner service was not ready"
        );
        let shared = self.shared.clone();
        let release = async move {
            tokio::task::yield_now().await;
            shared.change(|state| state.permits = 1);
        };
        let ((), ()) = tokio::join!(
            self.ready(&mut service, "waiting for the inner service"),
            release
        );
        assert!(
            self.shared.get().reserved == 1,
            "`poll_ready` does not forward: it said that it was ready without asking the inner service"
        );

        // The same service while its own request is in flight.
        self.shared.get().held = true;
        let response = service.call((self.request)());
        let shared = self.shared.clone();
        let next = async {
            let unreached = "a request never reached the inner service";
            self.until(DEADLINE, unreached, |state| state.calls == 1)
                .await;
            assert!(
                poll_now(&mut service).is_pending(),
                "`poll_ready` does not forward: the readiness that a call used up was taken for the next one's"
            );
            shared.change(|state| state.held = false);
            self.ready(&mut service, "the request after one in flight")
                .await;
        };
        let (response, ()) = tokio::join!(self.within("a request in flight", response), next);
        self.succeeded(response.map(drop), "a request in flight");
    }

    /// The inner service's errors come out as they are.
    pub(super) async fn errors(self) {
        let mut service = self.service();
        self.shared.get().unready = Some(InnerError(17));
        let readiness = self
            .within(
                "readiness that fails",
                poll_fn(|context| service.poll_ready(context)),
            )
            .await;
        assert!(
            readiness == Err(InnerError(17)),
            "`poll_ready` does not forward: the inner service failed with {:?}, but it said {readiness:?}",
            InnerError(17)
        );

        let mut service = self.service();
        self.shared.change(|state| {
            state.unready = None;
            state.failing = Some(InnerError(18));
        });
        self.ready(&mut service, "a call that fails").await;
        let response = service.call((self.request)());
        let response = self.within("a call that fails", response).await.map(drop);
        self.reached(1);
        assert!(
            response == Err(InnerError(18)),
            "the inner service failed with {:?}, but the layer made of it {response:?}",
            InnerError(18)
        );
        self.idle("after a call that failed").await;
    }

    /// A clone is readied by itself, and lives when its original is gone.
    pub(super) async fn clones(self) {
        let mut original = self.service();
        self.ready(&mut original, "readiness of the original").await;
        let mut clone = original.clone();
        assert!(
            poll_now(&mut clone).is_pending(),
            "a clone took its original's readiness for its own: it said that it was ready while the original had the only permit"
        );
        drop(original);
        self.ready(&mut clone, "readiness of a clone whose original is gone")
            .await;
        self.complete(&mut clone, "a request on a clone whose original is gone")
            .await;
        self.reached(1);
    }

    /// A client that goes away takes its request with it, or does not, as promised.
    pub(super) async fn dropped(self, on_drop: OnDrop) {
        let mut service = self.service();
        self.ready(&mut service, "a request that is dropped unpolled")
            .await;
        drop(service.call((self.request)()));
        self.idle("after a response future was dropped unpolled")
            .await;

        let before = self.shared.get().calls;
        self.ready(&mut service, "a request that is dropped midway")
            .await;
        self.shared.get().held = true;
        let mut response = Box::pin(service.call((self.request)()));
        tokio::select! {
            biased;
            response = &mut response => {
                self.succeeded(response.map(drop), "a request that is dropped midway");
                self.reached(before + 1);
                unreachable!("a held inner future does not finish");
            }
            () = self.until(DEADLINE, "a request never reached the inner service", |state| state.calls > before) => {}
        }
        let finished = self.shared.get().finished;
        drop(response);
        match on_drop {
            OnDrop::Drops => {
                let lives_on =
                    "the response future was dropped midway, but the inner future lives on";
                self.until(MOMENT, lives_on, |state| state.in_flight == 0)
                    .await;
            }
            OnDrop::Finishes => {
                sleep(MOMENT).await;
                assert!(
                    self.shared.get().in_flight == 1,
                    "the response future was dropped midway, and the inner future with it, though it was to be finished"
                );
                self.shared.change(|state| state.held = false);
                let unfinished =
                    "the response future was dropped midway, and the inner future was not finished";
                self.until(DEADLINE, unfinished, |state| state.finished > finished)
                    .await;
            }
        }
        self.shared.change(|state| state.held = false);
        self.ready(&mut service, "the request after a dropped one")
            .await;
        self.complete(&mut service, "the request after a dropped one")
            .await;
    }
}

/// Asks once whether the service is ready, without waiting.
fn poll_now<S: Service<R>, R>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}
