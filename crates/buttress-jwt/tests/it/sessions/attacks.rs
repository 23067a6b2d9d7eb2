//! Those who hold a part of something, or come at the worst moment.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use buttress_jwt::{EndReason, Ending, Grant, RefreshStore, Refusal, Session, Which};

use super::Login;

/// Whoever knows the id of a session could end it by a token of an old generation, if they could make one.
#[tokio::test]
async fn a_forged_token_of_an_old_generation_ends_nothing() {
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    let third = login.sessions.refresh(&second.refresh_token).await.unwrap();
    login.told();
    let old = &first.refresh_token;
    for at in old.len() - 22..old.len() {
        let other = if &old[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &old[..at], &old[at + 1..]);
        let error = login.sessions.refresh(&*forged).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Malformed), "{at}");
    }
    assert!(
        login
            .told()
            .iter()
            .all(|told| told.starts_with("refused: "))
    );
    login.sessions.refresh(&third.refresh_token).await.unwrap();

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
