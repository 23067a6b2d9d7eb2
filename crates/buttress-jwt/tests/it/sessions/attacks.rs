//! Those who hold a part of something, or come at the worst moment.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, EndReason, Ending, Endings, Error, Grant, Judged, MemoryRefreshStore,
    Proposal, RefreshStore, Refusal, Session, SessionId, Which,
};

use super::Login;

/// A store that counts what it is asked.
#[derive(Debug)]
struct Counting {
    store: MemoryRefreshStore,
    asked: Arc<AtomicUsize>,
}

impl Counting {
    fn store(&self) -> &MemoryRefreshStore {
        self.asked.fetch_add(1, Ordering::SeqCst);
        &self.store
    }
}

#[async_trait]
impl RefreshStore for Counting {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.store().begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        self.store().rotate(proposal).await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.store().end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.store().list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.store().find(id).await
    }
}

/// Whoever knows the id of a session could end it by a token of an old generation, if they could make one.
#[tokio::test]
async fn a_forged_token_of_an_old_generation_ends_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let login = Login::with_store(|store| Counting {
        store,
        asked: Arc::clone(&asked),
    });
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    let third = login.sessions.refresh(&second.refresh_token).await.unwrap();
    login.told();
    let before = asked.load(Ordering::SeqCst);
    let old = &first.refresh_token;
    for at in old.len() - 22..old.len() {
        let other = if &old[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &old[..at], &old[at + 1..]);
        let error = login.sessions.refresh(&*forged).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Malformed), "{at}");
        let ended = login.sessions.end_by_token(&forged).await.unwrap();
        assert_eq!(ended, None, "{at}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), before);
    assert!(
        login
            .told()
            .iter()
            .all(|told| told.starts_with("refused: "))
    );
    login.sessions.refresh(&third.refresh_token).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), before + 1);

    // The authentic one does.
    let error = login.sessions.refresh(old).await.unwrap_err();
    assert!(matches!(error.refusal(), Some(Refusal::Reused { .. })));
    assert_eq!(login.sessions.list("user-1").await.unwrap(), []);
}

/// The store has committed, and the access token is not made yet.
#[tokio::test]
async fn an_end_between_the_commit_and_the_token_wins() {
    let login = Login::new();
    let (store, asked) = (login.store.clone(), Arc::new(AtomicUsize::new(0)));
    let sessions = login.sessions.with_claims(move |session: Session| {
        let (store, number) = (store.clone(), asked.fetch_add(1, Ordering::SeqCst));
        async move {
            if number == 1 {
                let which = Which::One(session.id);
                let ending = Ending::new(which, EndReason::SignedOut);
                store.end(&ending).await.unwrap();
            }
            Ok::<_, io::Error>(Some(Grant::new(session.subject)))
        }
    });
    let first = sessions.start("user-1").await.unwrap();
    // Its access token is denied as long as `Sessions::denial_time` says, which counts this in.
    let second = sessions.refresh(&first.refresh_token).await.unwrap();
    for token in [&first.refresh_token, &second.refresh_token] {
        let error = sessions.refresh(token).await.unwrap_err();
        let ended = Some(Refusal::Ended(EndReason::SignedOut));
        assert_eq!(error.refusal(), ended);
    }
    let found = sessions.find(first.session.id).await.unwrap();
    assert!(found.unwrap().ended.is_some());
}
