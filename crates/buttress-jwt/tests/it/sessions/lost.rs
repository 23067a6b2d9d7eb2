//! What the store has done is told, whether or not its answer arrives.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, Ending, Endings, Error, ErrorKind, Judged, MemoryRefreshStore, Proposal,
    RefreshError, RefreshStore, Refusal, RevocationList, Session, SessionId,
};
use tokio::sync::Semaphore;

use super::{HOUR, Login, SECOND};

/// A store that does everything, and whose answers do not all arrive.
#[derive(Debug)]
struct Mute {
    store: MemoryRefreshStore,
    answers: Answers,
}

#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<Fate>>);

/// What becomes of the answers.
#[derive(Clone, Debug, Default)]
enum Fate {
    #[default]
    Arrive,
    Lost,
    /// One arrives for each permit.
    Late(Arc<Semaphore>),
}

impl Answers {
    fn set(&self, fate: Fate) {
        *self.0.lock().unwrap() = fate;
    }

    fn late(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.set(Fate::Late(Arc::clone(&gate)));
        gate
    }

    async fn after<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        let fate = self.0.lock().unwrap().clone();
        match fate {
            Fate::Arrive => answer,
            Fate::Lost => Err(Error::store(io::Error::from(io::ErrorKind::BrokenPipe))),
            Fate::Late(gate) => {
                gate.acquire().await.unwrap().forget();
                answer
            }
        }
    }
}

#[async_trait]
impl RefreshStore for Mute {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.answers.after(self.store.begin(beginning).await).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        self.answers.after(self.store.rotate(proposal).await).await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.answers.after(self.store.end(ending).await).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.store.list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.store.find(id).await
    }
}

fn login() -> (Login, Answers) {
    let answers = Answers::default();
    let mut login = Login::with_store(|store| Mute {
        store,
        answers: answers.clone(),
    });
    login.sessions = login
        .sessions
        .with_store_timeout(Duration::from_millis(1))
        .unwrap();
    (login, answers)
}

/// Waits until so much was told.
async fn told(login: &Login, count: usize) -> Vec<String> {
    while login.told.lock().unwrap().len() < count {
        tokio::task::yield_now().await;
    }
    login.told()
}

#[tokio::test]
async fn an_end_is_told_when_the_answer_comes_too_late() {
    let (login, answers) = login();
    let pair = login.sessions.start("user-1").await.unwrap();
    login.told();
    let gate = answers.late();
    let error = login.sessions.end_all("user-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(login.told().is_empty());
    gate.add_permits(1);
    assert_eq!(told(&login, 1).await, ["ended user-1: signed-out"]);
    answers.set(Fate::Arrive);
    assert!(login.sessions.refresh(&pair.refresh_token).await.is_err());
}

#[tokio::test]
async fn a_reuse_is_told_when_the_answer_comes_too_late() {
    let (login, answers) = login();
    let first = login.sessions.start("user-1").await.unwrap();
    login.sessions.refresh(&first.refresh_token).await.unwrap();
    login.advance(HOUR);
    login.told();
    let gate = answers.late();
    let error = login.sessions.refresh(&first.refresh_token).await;
    assert!(matches!(error, Err(RefreshError::Failed(_))), "{error:?}");
    gate.add_permits(1);
    let expected = [
        "refused user-1: stale-tab (1 generations old, replaced 3600 s ago)",
        "ended user-1: reused",
    ];
    assert_eq!(told(&login, 2).await, expected);
}

#[tokio::test]
async fn who_repeats_a_logout_after_a_lost_answer_tells_it() {
    let (login, answers) = login();
    let one = login.sessions.start("user-1").await.unwrap();
    let other = login.sessions.start("user-1").await.unwrap();
    login.told();
    let sessions = &login.sessions;
    answers.set(Fate::Lost);
    assert!(sessions.end("user-1", one.session.id).await.is_err());
    assert!(sessions.end_by_token(&other.refresh_token).await.is_err());
    assert!(login.told().is_empty());

    answers.set(Fate::Arrive);
    assert!(!sessions.end("user-1", one.session.id).await.unwrap());
    assert_eq!(login.told(), ["ended user-1 again: signed-out"]);
    let ended = sessions.end_by_token(&other.refresh_token).await.unwrap();
    assert_eq!(ended, None);
    assert_eq!(login.told(), ["ended user-1 again: signed-out"]);
    assert_eq!(sessions.end_all("user-1").await.unwrap(), []);
    assert_eq!(login.told(), ["ended user-1 again: signed-out"; 2]);

    // By then no access token of theirs is valid.
    login.advance(login.sessions.denial_time() + SECOND);
    assert_eq!(sessions.end_all("user-1").await.unwrap(), []);
    assert!(login.told().is_empty());
}

#[tokio::test]
async fn a_refresh_after_the_end_tells_it() {
    let (login, answers) = login();
    let pair = login.sessions.start("user-1").await.unwrap();
    answers.set(Fate::Lost);
    assert!(login.sessions.end_all("user-1").await.is_err());
    answers.set(Fate::Arrive);
    login.told();
    let error = login.sessions.refresh(&pair.refresh_token).await;
    let refusal = error.unwrap_err().refusal();
    assert!(matches!(refusal, Some(Refusal::Ended(_))), "{refusal:?}");
    let expected = [
        "refused user-1: ended (signed-out)",
        "ended user-1 again: signed-out",
    ];
    assert_eq!(login.told(), expected);
}

#[tokio::test]
async fn an_eviction_is_told_and_a_session_that_nobody_has_ends() {
    let (mut login, answers) = login();
    login.sessions = login
        .sessions
        .with_session_limit(std::num::NonZeroU32::new(1).unwrap());
    login.sessions.start("user-1").await.unwrap();
    login.told();
    let gate = answers.late();
    assert!(login.sessions.start("user-1").await.is_err());
    gate.add_permits(2);
    let told = told(&login, 3).await;
    // The session that began too late is ended before or after that is told.
    let expected = ["ended user-1: evicted", "started user-1"];
    assert!(
        expected
            .iter()
            .all(|event| told.contains(&(*event).to_owned()))
    );
    assert!(
        told.contains(&"ended user-1: denied".to_owned()),
        "{told:?}"
    );
    assert_eq!(login.sessions.list("user-1").await.unwrap(), []);
}

#[tokio::test]
async fn a_list_has_what_ended_until_no_token_can_be_valid() {
    let mut login = Login::new();
    let list = RevocationList::new(1).with_clock(login.here.clock());
    login.sessions = login.sessions.with_events(list.clone());
    let pair = login.sessions.start("user-1").await.unwrap();
    let (expires_at, leeway) = (pair.access_token.expires_at, 300 * SECOND);
    assert_eq!(list.len(), 0);
    login.sessions.end_all("user-1").await.unwrap();
    login.sessions.end_all("user-1").await.unwrap();
    assert_eq!(list.len(), 1);
    assert!(list.revoke_session("another", expires_at).is_err());
    let times = [15 * 60 * SECOND, 5 * SECOND, 5 * SECOND, leeway];
    let denial: Duration = times.iter().sum();
    assert_eq!(login.sessions.denial_time(), denial);
    login.advance(denial + leeway - SECOND);
    assert!(list.revoke_session("another", expires_at).is_err());
    login.advance(SECOND);
    list.revoke_session("another", expires_at).unwrap();
}
