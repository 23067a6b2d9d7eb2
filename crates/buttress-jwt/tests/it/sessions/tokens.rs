use std::time::Duration;

use buttress_jwt::{ErrorKind, NewSession, Refresh, RefreshKeys, Refusal, Sessions};

use super::Login;
use crate::log::Log;

#[tokio::test]
async fn nothing_shows_a_token() {
    let login = Login::new();
    let pair = login.sessions.start("user-1").await.unwrap();
    let refresh = Refresh::new(&pair.refresh_token).with_attempt("a name that is secret");
    let shown = format!(
        "{pair:?} {:?} {:?} {refresh:?}",
        login.sessions, login.store
    );
    for secret in [
        &pair.refresh_token[10..20],
        &pair.access_token.token[..20],
        "that is secret",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn texts_that_cannot_be_kept_are_refused() {
    let login = Login::new();
    for new in [
        NewSession::new(""),
        NewSession::new("u".repeat(256)),
        NewSession::new("u\0"),
        NewSession::new("u").with_label("l".repeat(257)),
        NewSession::new("u").with_label("\0"),
        NewSession::new("u").with_context("c".repeat(4097)),
        NewSession::new("u").with_context("c\0"),
    ] {
        let error = login.sessions.start(new).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSession);
    }
    let most = NewSession::new("u".repeat(255))
        .with_label("l".repeat(256))
        .with_context("c".repeat(4096));
    login.sessions.start(most).await.unwrap();
}

#[tokio::test]
async fn the_grace_has_a_limit() {
    let login = Login::new();
    let sessions = login.sessions.clone();
    assert!(sessions.with_grace(Duration::from_secs(300)).is_ok());
    let error = login
        .sessions
        .with_grace(Duration::from_secs(301))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
}

#[tokio::test]
async fn a_subject_that_cannot_be_kept_has_no_sessions() {
    let login = Login::new();
    let pair = login.sessions.start("user-1").await.unwrap();
    let sessions = &login.sessions;
    assert_eq!(sessions.list("user-1\0").await.unwrap(), []);
    assert!(!sessions.end("user-1\0", pair.session.id).await.unwrap());
    assert_eq!(sessions.end_all("\0").await.unwrap(), []);
    let others = sessions.end_all_but("\0", pair.session.id).await.unwrap();
    assert_eq!(others, []);
    assert_eq!(sessions.list("user-1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_lives_for_a_while() {
    let login = Login::new();
    let (none, some) = (Duration::from_micros(999), Duration::from_millis(1));
    let sessions = || login.sessions.clone();
    for error in [
        sessions().with_idle_timeout(none).unwrap_err(),
        sessions().with_lifetime(none).unwrap_err(),
        sessions()
            .start(NewSession::new("u").with_idle_timeout(none))
            .await
            .unwrap_err(),
        sessions()
            .start(NewSession::new("u").with_lifetime(Duration::ZERO))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    }
    assert!(sessions().with_lifetime(some).is_ok());
    let new = NewSession::new("u").with_idle_timeout(some);
    sessions().start(new).await.unwrap();
}

#[tokio::test]
async fn a_key_is_replaced_without_a_logout() {
    let login = Login::new();
    let old = login.sessions.start("user-1").await.unwrap();
    let sessions = |keys| Sessions::new(login.issuer.clone(), keys, login.store.clone());
    let new = RefreshKeys::new(2, [8; 32]).unwrap();
    let both = sessions(new.clone().with_recognised(1, [7; 32]).unwrap());

    let error = sessions(new.clone())
        .refresh(&old.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Malformed));
    let renewed = both.refresh(&old.refresh_token).await.unwrap();
    sessions(new).refresh(&renewed.refresh_token).await.unwrap();
}

#[tokio::test]
async fn the_log_says_what_happened_and_nothing_of_whom() {
    let login = Login::new();
    let (pair, log) = Log::of(async {
        let pair = login.sessions.start("user-1").await.unwrap();
        login.sessions.refresh(&pair.refresh_token).await.unwrap();
        login.sessions.end_all("user-1").await.unwrap();
        login
            .sessions
            .refresh(&pair.refresh_token)
            .await
            .unwrap_err();
        pair
    })
    .await;
    let id = pair.session.id;
    for line in [
        format!("DEBUG buttress_jwt::sessions: a session began session={id}"),
        format!("DEBUG buttress_jwt::sessions: a session was continued session={id}"),
        format!("INFO buttress_jwt::sessions: a session ended session={id} reason=signed-out"),
        format!("a refresh token was refused session={id} refusal=\"ended\""),
    ] {
        assert!(log.contains(&line), "{line}\n{log}");
    }
    assert!(!log.contains("user-1"), "{log}");
    assert!(!log.contains(&pair.refresh_token[10..20]), "{log}");
}
