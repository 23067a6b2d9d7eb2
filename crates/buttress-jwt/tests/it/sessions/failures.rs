//! Stores that fail, claims that fail, clients that hang up.

use std::{
    io,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, EndReason, Ending, Endings, Error, ErrorKind, Grant, Judged,
    MemoryRefreshStore, NewSession, OnRollback, Proposal, RefreshError, RefreshStore, Refusal,
    Session, SessionId, Verdict,
};
use tokio::sync::Semaphore;

use super::{Login, SECOND};

/// What happens at the next rotation.
#[derive(Debug)]
struct Faulty {
    store: MemoryRefreshStore,
    calls: Arc<AtomicUsize>,
    fault: Fault,
}

#[derive(Clone, Debug)]
enum Fault {
    /// It is done, and the answer is lost.
    After,
    /// It is not done.
    Before,
    /// It is not done, and there is no answer.
    Silence,
    /// It is acknowledged and then lost, as in a failover.
    Lost,
    /// It is done when it is let.
    Gate(Arc<Semaphore>),
}

#[async_trait]
impl RefreshStore for Faulty {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.store.begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if let Fault::Gate(gate) = &self.fault {
            gate.acquire().await.unwrap().forget();
            return self.store.rotate(proposal).await;
        }
        if call > 0 {
            return self.store.rotate(proposal).await;
        }
        let broken = || Error::store(io::Error::from(io::ErrorKind::BrokenPipe));
        match self.fault {
            Fault::After => {
                self.store.rotate(proposal).await?;
                Err(broken())
            }
            Fault::Before => Err(broken()),
            Fault::Lost => {
                let session = self.store.list("user-1").await?.remove(0);
                let verdict = Verdict::Rotated;
                Ok(Some(Judged { verdict, session }))
            }
            Fault::Silence | Fault::Gate(_) => std::future::pending().await,
        }
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.store.end(ending).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.store.find(id).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.store.list(subject).await
    }
}

fn login(fault: &Fault) -> (Login, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let login = Login::with_store(|store| Faulty {
        store,
        calls: Arc::clone(&calls),
        fault: fault.clone(),
    });
    (login, calls)
}

#[tokio::test]
async fn a_crash_on_either_side_of_the_commit_is_mended_by_a_retry() {
    for fault in [Fault::Before, Fault::After] {
        let (login, _) = login(&fault);
        let first = login.sessions.start("user-1").await.unwrap();
        let error = login
            .sessions
            .refresh(&first.refresh_token)
            .await
            .unwrap_err();
        let RefreshError::Failed(error) = error else {
            panic!("it did not fail: {error:?}");
        };
        assert_eq!(error.kind(), ErrorKind::Store);
        login.advance(SECOND);
        let pair = login.sessions.refresh(&first.refresh_token).await.unwrap();
        login.sessions.refresh(&pair.refresh_token).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_waited_for() {
    let (login, _) = login(&Fault::Silence);
    let sessions = login
        .sessions
        .clone()
        .with_store_timeout(Duration::from_millis(1))
        .unwrap();
    let first = sessions.start("user-1").await.unwrap();
    let error = sessions.refresh(&first.refresh_token).await.unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it did not fail: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    sessions.refresh(&first.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_rotation_goes_on_when_the_client_hangs_up() {
    let gate = Arc::new(Semaphore::new(0));
    let (login, calls) = login(&Fault::Gate(Arc::clone(&gate)));
    let first = login.sessions.start("user-1").await.unwrap();
    login.told();

    let (sessions, token) = (login.sessions.clone(), first.refresh_token.clone());
    let request = tokio::spawn(async move { sessions.refresh(&token).await });
    while calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert!(login.told().is_empty());
    gate.add_permits(1);
    while login.told.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(login.told(), ["rotated"]);

    gate.add_permits(1);
    login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(login.told(), ["reissued: race after 0 s"]);
}

#[tokio::test]
async fn no_more_calls_than_allowed_wait_for_a_store_that_hangs() {
    let gate = Arc::new(Semaphore::new(0));
    let (login, calls) = login(&Fault::Gate(Arc::clone(&gate)));
    let sessions = login
        .sessions
        .clone()
        .with_store_calls(NonZeroU32::new(2).unwrap());
    let first = sessions.start("user-1").await.unwrap();
    let refresh = || {
        let (sessions, token) = (sessions.clone(), first.refresh_token.clone());
        tokio::spawn(async move { sessions.refresh(&token).await })
    };
    let waiting = [refresh(), refresh()];
    while calls.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    // Who has gone away leaves the place to the call, which goes on.
    waiting[0].abort();
    let error = refresh().await.unwrap().unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it did not fail: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(sessions.list("user-1").await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    gate.add_permits(3);
    let [_, second] = waiting;
    second.await.unwrap().unwrap();
    refresh().await.unwrap().unwrap();
}

#[test]
fn no_time_at_all_is_no_timeout() {
    let sessions = || Login::new().sessions;
    for refused in [
        sessions().with_store_timeout(Duration::ZERO),
        sessions().with_claims_timeout(Duration::ZERO),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    }
}

#[tokio::test]
async fn junk_never_reaches_the_store() {
    let (login, calls) = login(&Fault::Before);
    let pair = login.sessions.start("user-1").await.unwrap();
    let token = &pair.refresh_token;
    let other = if token.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{other}", &token[..token.len() - 1]);
    for junk in ["", "junk", &forged, &token[..95], &"é".repeat(48)] {
        let error = login.sessions.refresh(junk).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Malformed));
        assert_eq!(login.sessions.end_by_token(junk).await.unwrap(), None);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(login.sessions.list("user-1").await.unwrap(), [pair.session]);
}

#[tokio::test]
async fn a_store_that_lost_a_rotation_is_seen_and_the_session_left_alone() {
    let (login, _) = login(&Fault::Lost);
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    login.told();
    let error = login
        .sessions
        .refresh(&second.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Ahead { generations: 1 }));
    let told = ["refused user-1: store-rollback (1 generations lost)"];
    assert_eq!(login.told(), told);

    // Another tab had not yet refreshed, and goes on. What the store lost is now another token.
    login.sessions.refresh(&first.refresh_token).await.unwrap();
    let error = login
        .sessions
        .refresh(&second.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Forged));
    let told = ["rotated", "refused user-1: forged", "ended user-1: forged"];
    assert_eq!(login.told(), told);
    assert_eq!(login.sessions.list("user-1").await.unwrap(), []);
}

#[tokio::test]
async fn one_that_lost_a_rotation_can_be_made_to_catch_up() {
    let (mut login, _) = login(&Fault::Lost);
    login.sessions = login.sessions.with_rollback(OnRollback::AcceptOneAhead);
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    login.told();
    let third = login.sessions.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(login.told(), ["caught up"]);
    let racer = login.sessions.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(racer.refresh_token, third.refresh_token);
    login.sessions.refresh(&third.refresh_token).await.unwrap();
}

#[cfg(feature = "metrics")]
#[tokio::test]
async fn rotations_that_were_lost_are_counted_apart() {
    let counts = crate::metrics::Counts::default();
    let _here = metrics::set_default_local_recorder(&counts);
    let (mut login, _) = login(&Fault::Lost);
    login.sessions = login
        .sessions
        .with_rollback(OnRollback::AcceptOneAhead)
        .with_events(buttress_jwt::SessionMetrics::new());
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    login.sessions.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(
        counts.get(),
        [
            "buttress_jwt_refreshes_caught_up_total{} 1",
            "buttress_jwt_refreshes_rotated_total{} 1",
            "buttress_jwt_sessions_started_total{} 1",
        ]
    );
}

#[tokio::test]
async fn claims_are_those_of_now() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut login = Login::new();
    login.sessions = login.sessions.with_claims({
        let count = Arc::clone(&count);
        move |session: Session| {
            let role = format!("role-{}", count.fetch_add(1, Ordering::SeqCst));
            async move {
                assert_eq!(session.context.as_deref(), Some("tenant-1"));
                Ok::<_, io::Error>(Some(Grant::new(session.subject).with_roles([role])))
            }
        }
    });
    let new = NewSession::new("user-1").with_context("tenant-1");
    let first = login.sessions.start(new).await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(login.claims(&first).roles, ["role-0"]);
    assert_eq!(login.claims(&second).roles, ["role-1"]);
}

#[tokio::test]
async fn claims_that_fail_are_mended_by_a_retry() {
    let count = Arc::new(AtomicUsize::new(0));
    let mut login = Login::new();
    login.sessions = login.sessions.with_claims({
        let count = Arc::clone(&count);
        move |session: Session| {
            let fails = count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            async move {
                if fails {
                    return Err(io::Error::other("no database"));
                }
                Ok(Some(Grant::new(session.subject)))
            }
        }
    });
    let first = login.sessions.start("user-1").await.unwrap();
    let error = login
        .sessions
        .refresh(&first.refresh_token)
        .await
        .unwrap_err();
    let RefreshError::Failed(error) = error else {
        panic!("it did not fail: {error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Claims);
    login.advance(SECOND);
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(login.told()[2], "reissued: race after 1 s");
    // The other way round: nobody has the token of a session that could not begin.
    assert!(login.sessions.start("user-2").await.is_err());
    assert_eq!(login.sessions.list("user-2").await.unwrap(), []);
    login.sessions.refresh(&second.refresh_token).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn claims_that_take_for_ever_are_not_waited_for() {
    let hangs = Arc::new(AtomicUsize::new(0));
    let mut login = Login::new();
    login.sessions = login.sessions.with_claims({
        let hangs = Arc::clone(&hangs);
        move |session: Session| {
            let hangs = hangs.load(Ordering::SeqCst) == 1;
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Ok::<_, io::Error>(Some(Grant::new(session.subject)))
            }
        }
    });
    let first = login.sessions.start("user-1").await.unwrap();
    hangs.store(1, Ordering::SeqCst);
    let start = tokio::time::Instant::now();
    let error = login.sessions.refresh(&first.refresh_token).await;
    let RefreshError::Failed(error) = error.unwrap_err() else {
        panic!("it did not fail");
    };
    assert_eq!(error.kind(), ErrorKind::Claims);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let hasty = login.sessions.clone().with_claims_timeout(SECOND).unwrap();
    assert!(hasty.start("user-2").await.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(6));
    assert_eq!(login.sessions.list("user-2").await.unwrap(), []);
    hangs.store(0, Ordering::SeqCst);
    login.sessions.refresh(&first.refresh_token).await.unwrap();
}

#[tokio::test]
async fn claims_that_are_refused_end_the_session() {
    let locked = Arc::new(AtomicUsize::new(0));
    let mut login = Login::new();
    login.sessions = login.sessions.with_claims({
        let locked = Arc::clone(&locked);
        move |session: Session| {
            let grant = Grant::new(session.subject);
            let grant = (locked.load(Ordering::SeqCst) == 0).then_some(grant);
            std::future::ready(Ok::<_, io::Error>(grant))
        }
    });
    let pair = login.sessions.start("user-1").await.unwrap();
    locked.store(1, Ordering::SeqCst);
    let error = login
        .sessions
        .refresh(&pair.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Denied));
    let told = [
        "started user-1",
        "rotated",
        "ended user-1: denied",
        "refused user-1: denied",
    ];
    assert_eq!(login.told(), told);
    locked.store(0, Ordering::SeqCst);
    let error = login
        .sessions
        .refresh(&pair.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Ended(EndReason::Denied)));
}

#[tokio::test]
async fn claims_of_somebody_else_are_no_claims() {
    let mut login = Login::new();
    login.sessions = login
        .sessions
        .with_claims(|_| std::future::ready(Ok::<_, io::Error>(Some(Grant::new("admin")))));
    let error = login.sessions.start("user-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Claims);
}
