use std::num::NonZeroU32;

use buttress_jwt::{EndReason, NewSession, Refusal, SessionId};

use super::{DAY, Login, SECOND};

#[tokio::test]
async fn devices_are_listed_with_what_they_are_called() {
    let login = Login::new();
    let phone = NewSession::new("user-1")
        .with_label("Telefon ☎")
        .with_context("a:read");
    let phone = login.sessions.start(phone).await.unwrap();
    login.advance(SECOND);
    let laptop = login.sessions.start("user-1").await.unwrap();
    login.sessions.start("user-2").await.unwrap();
    let list = login.sessions.list("user-1").await.unwrap();
    assert_eq!(list, [laptop.session, phone.session]);
    assert_eq!(list[1].label.as_deref(), Some("Telefon ☎"));
    assert_eq!(list[1].context.as_deref(), Some("a:read"));
}

#[tokio::test]
async fn one_ends_and_only_its_owner_ends_it() {
    let login = Login::new();
    let pair = login.sessions.start("user-1").await.unwrap();
    login.told();
    assert!(!login.sessions.end("user-2", pair.session.id).await.unwrap());
    let unknown = SessionId::new("user-1").unwrap();
    assert!(!login.sessions.end("user-1", unknown).await.unwrap());
    assert!(login.told().is_empty());
    assert!(login.sessions.end("user-1", pair.session.id).await.unwrap());
    assert_eq!(login.told(), ["ended user-1: signed-out"]);
    assert!(!login.sessions.end("user-1", pair.session.id).await.unwrap());
    assert_eq!(login.told(), ["ended user-1 again: signed-out"]);
    assert!(login.sessions.refresh(&pair.refresh_token).await.is_err());
}

#[tokio::test]
async fn a_token_logs_out_however_old() {
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    let ended = login
        .sessions
        .end_by_token(&first.refresh_token)
        .await
        .unwrap();
    assert_eq!(ended.map(|session| session.id), Some(first.session.id));
    assert!(login.sessions.refresh(&second.refresh_token).await.is_err());
    let again = login
        .sessions
        .end_by_token(&second.refresh_token)
        .await
        .unwrap();
    assert_eq!(again, None);
    assert_eq!(login.sessions.end_by_token("rt1.junk").await.unwrap(), None);
}

#[tokio::test]
async fn all_end_and_all_but_one() {
    let login = Login::new();
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(login.sessions.start("user-1").await.unwrap());
    }
    let mine = pairs[1].session.id;
    login.told();
    let ended = login.sessions.end_all_but("user-1", mine).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!(login.told(), ["ended user-1: signed-out"; 2]);
    let pair = login
        .sessions
        .refresh(&pairs[1].refresh_token)
        .await
        .unwrap();
    assert_eq!(login.sessions.end_all("user-1").await.unwrap().len(), 1);
    assert!(login.sessions.refresh(&pair.refresh_token).await.is_err());
}

#[tokio::test]
async fn one_too_many_ends_the_one_that_is_not_used() {
    let mut login = Login::new();
    login.sessions = login
        .sessions
        .with_session_limit(NonZeroU32::new(2).unwrap());
    let old = login.sessions.start("user-1").await.unwrap();
    login.advance(SECOND);
    let unused = login.sessions.start("user-1").await.unwrap();
    login.advance(SECOND);
    let old = login.sessions.refresh(&old.refresh_token).await.unwrap();
    login.told();
    login.sessions.start("user-1").await.unwrap();
    assert_eq!(login.told(), ["ended user-1: evicted", "started user-1"]);
    login.sessions.refresh(&old.refresh_token).await.unwrap();
    let error = login
        .sessions
        .refresh(&unused.refresh_token)
        .await
        .unwrap_err();
    assert!(matches!(error.refusal(), Some(Refusal::Ended(_))));
}

#[tokio::test]
async fn a_session_is_found_when_it_has_ended() {
    let login = Login::new();
    let pair = login.sessions.start("user-1").await.unwrap();
    let id = pair.session.id;
    let find = || async { login.sessions.find(id).await.unwrap() };
    assert_eq!(find().await, Some(pair.session));
    login.advance(14 * DAY);
    let ended = find().await.unwrap().ended.unwrap();
    assert_eq!(ended.reason, EndReason::Expired);
    assert_eq!(login.sessions.end_all("user-1").await.unwrap(), []);
    assert_eq!(login.told()[1..], ["ended user-1: expired"]);
    let unknown = SessionId::new("user-1").unwrap();
    assert_eq!(login.sessions.find(unknown).await.unwrap(), None);
}
