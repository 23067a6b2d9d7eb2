//! A refresh that stops at each of its points.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, Ending, Endings, Error, Grant, Judged, Proposal, RefreshStore, Session,
    SessionId, Sessions, Verifier,
};
use tokio::task::yield_now;

use super::sessions_and_verifier;

/// Where a refresh waits, in that order.
pub(super) const POINTS: [&str; 5] = [
    "before the store",
    "after the store",
    "before the claims",
    "within the claims",
    "after the claims",
];

/// What is done at a point, before the refresh goes on.
pub(super) type Action =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The points that a refresh has passed.
#[derive(Clone)]
pub(super) struct Steps(Arc<Inner>);

struct Inner {
    /// Until it was done: once.
    action: Mutex<Option<(&'static str, Action)>>,
    passed: Mutex<Vec<&'static str>>,
}

impl Steps {
    pub(super) fn new(action: Option<(&'static str, Action)>) -> Self {
        Self(Arc::new(Inner {
            action: Mutex::new(action),
            passed: Mutex::default(),
        }))
    }

    pub(super) fn passed(&self) -> Vec<&'static str> {
        self.0.passed.lock().unwrap().clone()
    }

    async fn pass(&self, point: &'static str) {
        self.0.passed.lock().unwrap().push(point);
        yield_now().await;
        let is_here = |(at, _): &mut (&str, Action)| *at == point;
        let action = self.0.action.lock().unwrap().take_if(is_here);
        if let Some((_, action)) = action {
            action().await;
        }
    }
}

/// Sessions whose refreshes take these steps.
pub(super) fn stepping(store: Arc<dyn RefreshStore>, steps: &Steps) -> (Sessions, Verifier) {
    let store = Stepping {
        store,
        steps: steps.clone(),
    };
    let (sessions, verifier) = sessions_and_verifier(Arc::new(store));
    let steps = steps.clone();
    let sessions = sessions.with_claims(move |session: Session| {
        let steps = steps.clone();
        async move {
            for point in &POINTS[2..] {
                steps.pass(point).await;
            }
            Ok::<_, io::Error>(Some(Grant::new(session.subject)))
        }
    });
    (sessions, verifier)
}

struct Stepping {
    store: Arc<dyn RefreshStore>,
    steps: Steps,
}

impl std::fmt::Debug for Stepping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl RefreshStore for Stepping {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.store.begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        self.steps.pass(POINTS[0]).await;
        let judged = self.store.rotate(proposal).await;
        self.steps.pass(POINTS[1]).await;
        judged
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.store.end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.store.list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.store.find(id).await
    }
}
