use std::{collections::HashSet, convert::Infallible, future::ready, time::Duration};

use buttress_jwt::{EndReason, ErrorKind, Grant, Refresh, RefreshError, Refusal, Session};

use super::{DAY, HOUR, Login, SECOND};

#[tokio::test]
async fn a_refresh_gives_a_new_pair_of_the_same_session() {
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let claims = login.claims(&first);
    assert_eq!(claims.subject, "user-1");
    assert_eq!(claims.session_id, Some(first.session.id.to_string()));
    assert!(first.refresh_token.starts_with("rt1."));

    login.advance(10 * SECOND);
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_eq!(second.session.id, first.session.id);
    let renewed = login.claims(&second);
    assert_eq!(renewed.session_id, claims.session_id);
    assert_ne!(renewed.token_id, claims.token_id);
    assert_eq!(login.told(), ["started user-1", "rotated"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tabs_get_the_same_token() {
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let tabs: Vec<_> = (0..64)
        .map(|_| {
            let (sessions, token) = (login.sessions.clone(), first.refresh_token.clone());
            tokio::spawn(async move { sessions.refresh(&token).await })
        })
        .collect();
    let mut tokens = HashSet::new();
    for tab in tabs {
        let pair = tab.await.unwrap().unwrap();
        login.claims(&pair);
        tokens.insert(pair.refresh_token);
    }
    assert_eq!(tokens.len(), 1);

    let mut told = login.told();
    told.sort_unstable();
    assert_eq!(told.iter().filter(|event| *event == "rotated").count(), 1);
    let races = told
        .iter()
        .filter(|event| *event == "reissued: race after 0 s");
    assert_eq!(races.count(), 63);
    let next = tokens.into_iter().next().unwrap();
    login.sessions.refresh(&next).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_a_copy_is_not() {
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let lost = login.sessions.refresh(&first.refresh_token).await.unwrap();
    login.advance(5 * SECOND);
    let retry = login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(retry.refresh_token, lost.refresh_token);
    assert_ne!(retry.access_token.token, lost.access_token.token);
    login.told();

    login.advance(26 * SECOND);
    let error = login
        .sessions
        .refresh(&first.refresh_token)
        .await
        .unwrap_err();
    let expected = Refusal::Reused {
        generations: 1,
        since: 31 * SECOND,
    };
    assert_eq!(error.refusal(), Some(expected));
    let told = [
        "refused user-1: stale-tab (1 generations old, replaced 31 s ago)",
        "ended user-1: reused",
    ];
    assert_eq!(login.told(), told);
    let error = login
        .sessions
        .refresh(&lost.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Ended(EndReason::Reused)));
    assert_eq!(login.sessions.list("user-1").await.unwrap(), []);
}

#[tokio::test]
async fn a_thief_who_trails_is_found_at_once() {
    let login = Login::new();
    let stolen = login.sessions.start("user-1").await.unwrap();
    let mut mine = stolen.clone();
    for _ in 0..2 {
        mine = login.sessions.refresh(&mine.refresh_token).await.unwrap();
    }
    let error = login
        .sessions
        .refresh(&stolen.refresh_token)
        .await
        .unwrap_err();
    let name = error.refusal().map(Refusal::as_str);
    assert_eq!(name, Some("reuse"));
    assert!(login.sessions.refresh(&mine.refresh_token).await.is_err());
}

#[tokio::test]
async fn a_proven_retry_has_hours_and_another_attempt_has_not() {
    let attempt = |token, name| Refresh::new(token).with_attempt(name);
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let token = first.refresh_token.as_str();
    let lost = login.sessions.refresh(attempt(token, A)).await.unwrap();
    login.advance(HOUR);
    let retry = login.sessions.refresh(attempt(token, A)).await.unwrap();
    assert_eq!(retry.refresh_token, lost.refresh_token);
    let told = [
        "started user-1",
        "rotated",
        "reissued: lost-response after 3600 s",
    ];
    assert_eq!(login.told(), told);

    let error = login.sessions.refresh(attempt(token, B)).await;
    let refusal = error.unwrap_err().refusal();
    assert!(matches!(refusal, Some(Refusal::Reused { .. })));
}

const A: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const B: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

#[tokio::test]
async fn a_name_that_could_be_guessed_proves_nothing() {
    let long = "a".repeat(256);
    for (name, proves) in [
        ("", false),
        ("1", false),
        (&long[..15], false),
        (&long[..16], true),
        (&long[..255], true),
        (&long[..], false),
    ] {
        let login = Login::new();
        let attempt = |token| Refresh::new(token).with_attempt(name);
        let first = login.sessions.start("user-1").await.unwrap();
        let token = first.refresh_token.as_str();
        login.sessions.refresh(attempt(token)).await.unwrap();
        login.advance(HOUR);
        let retry = login.sessions.refresh(attempt(token)).await;
        assert_eq!(retry.is_ok(), proves, "{} bytes", name.len());
    }
}

/// A client that names all its attempts the same proves nothing about the next token.
#[tokio::test]
async fn a_name_is_that_of_one_attempt() {
    let attempt = |token| Refresh::new(token).with_attempt(A);
    let login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let second = login.sessions.refresh(attempt(&first.refresh_token)).await;
    let second = second.unwrap();
    login
        .sessions
        .refresh(attempt(&second.refresh_token))
        .await
        .unwrap();
    let error = login.sessions.refresh(attempt(&first.refresh_token)).await;
    let refusal = error.unwrap_err().refusal();
    assert!(matches!(
        refusal,
        Some(Refusal::Reused { generations: 2, .. })
    ));
}

#[tokio::test]
async fn retries_have_an_end() {
    let mut login = Login::new();
    login.sessions = login.sessions.with_reissue_limit(2);
    let first = login.sessions.start("user-1").await.unwrap();
    for _ in 0..3 {
        login.sessions.refresh(&first.refresh_token).await.unwrap();
    }
    let error = login.sessions.refresh(&first.refresh_token).await;
    let refusal = error.unwrap_err().refusal();
    assert!(matches!(refusal, Some(Refusal::Reused { .. })));
}

#[tokio::test]
async fn a_young_token_is_given_back() {
    let mut login = Login::new();
    let age = 10 * SECOND;
    login.sessions = login.sessions.with_min_rotation_age(age).unwrap();
    let first = login.sessions.start("user-1").await.unwrap();
    login.advance(9 * SECOND);
    let second = login.sessions.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(second.refresh_token, first.refresh_token);
    assert_ne!(second.access_token.token, first.access_token.token);
    login.claims(&second);
    login.advance(SECOND);
    let third = login.sessions.refresh(&second.refresh_token).await.unwrap();
    assert_ne!(third.refresh_token, first.refresh_token);
    assert_eq!(
        login.told(),
        ["started user-1", "kept after 9 s", "rotated"]
    );
    let error = login.sessions.with_min_rotation_age(301 * SECOND);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidConfiguration);
}

#[tokio::test]
async fn a_grant_that_is_over_is_no_failure() {
    let mut login = Login::new();
    let first = login.sessions.start("user-1").await.unwrap();
    let end = login.here.clock().now();
    login.sessions = login.sessions.with_claims(move |session: Session| {
        let grant = Grant::new(session.subject).not_after(end);
        ready(Ok::<_, Infallible>(Some(grant)))
    });
    let error = login.sessions.refresh(&first.refresh_token).await;
    assert_eq!(error.unwrap_err().refusal(), Some(Refusal::Expired));
    let error = login.sessions.start("user-2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
}

#[tokio::test]
async fn without_grace_every_second_use_is_a_theft() {
    let mut login = Login::new();
    login.sessions = login.sessions.with_grace(Duration::ZERO).unwrap();
    let first = login.sessions.start("user-1").await.unwrap();
    login.sessions.refresh(&first.refresh_token).await.unwrap();
    let error = login
        .sessions
        .refresh(&first.refresh_token)
        .await
        .unwrap_err();
    assert!(matches!(error.refusal(), Some(Refusal::Reused { .. })));
}

#[tokio::test]
async fn a_thousand_rotations_do_not_move_the_end() {
    let login = Login::new();
    let mut pair = login.sessions.start("user-1").await.unwrap();
    let ends_at = pair.session.ends_at;
    // 90 days in a thousand steps of 7776 seconds, of which the last would be the end.
    for _ in 0..999 {
        login.advance(7776 * SECOND);
        pair = login.sessions.refresh(&pair.refresh_token).await.unwrap();
        assert_eq!(pair.session.ends_at, ends_at);
        assert!(pair.access_token.expires_at <= ends_at);
    }
    login.advance(7775 * SECOND);
    pair = login.sessions.refresh(&pair.refresh_token).await.unwrap();
    assert_eq!(pair.access_token.expires_at, ends_at);
    assert_eq!(pair.access_token.expires_in, SECOND);
    login.advance(SECOND);
    let error = login
        .sessions
        .refresh(&pair.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Expired));
}

#[tokio::test]
async fn the_clock_of_the_store_decides() {
    for skew in [-300_i64, 300] {
        let login = Login::new();
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 {
            login.here.set_back(by);
        } else {
            login.here.advance(by);
        }
        let pair = login.sessions.start("user-1").await.unwrap();
        login.there.advance(14 * DAY - SECOND);
        let pair = login.sessions.refresh(&pair.refresh_token).await.unwrap();
        login.there.advance(14 * DAY);
        let error = login
            .sessions
            .refresh(&pair.refresh_token)
            .await
            .unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Expired), "{skew}");
    }
}

#[tokio::test]
async fn no_token_outlives_the_session_by_whatever_clock() {
    let login = Login::new();
    let mut pair = login.sessions.start("user-1").await.unwrap();
    for _ in 0..9 {
        login.advance(10 * DAY - SECOND);
        pair = login.sessions.refresh(&pair.refresh_token).await.unwrap();
        assert!(pair.access_token.expires_at <= pair.session.ends_at);
    }
    // Nine seconds are left, but not by this machine's clock.
    login.here.advance(300 * SECOND);
    let error = login
        .sessions
        .refresh(&pair.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Expired));
    login.here.set_back(600 * SECOND);
    let pair = login.sessions.refresh(&pair.refresh_token).await.unwrap();
    assert!(pair.access_token.expires_at <= pair.session.ends_at);
}

#[tokio::test]
async fn who_is_refused_is_told_nothing() {
    let login = Login::new();
    let pair = login.sessions.start("user-1").await.unwrap();
    login.sessions.end_all("user-1").await.unwrap();
    for token in [
        pair.refresh_token.as_str(),
        "",
        "junk",
        "rt1.",
        &"A".repeat(96),
    ] {
        let error = login.sessions.refresh(token).await.unwrap_err();
        assert!(matches!(error, RefreshError::Refused(_)));
        assert_eq!(error.to_string(), "the refresh token is not accepted");
        assert!(std::error::Error::source(&error).is_none());
    }
}
