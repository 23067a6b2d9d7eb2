//! Those who listen: one that panics, and a list that has no room.

use std::time::Duration;

use buttress_jwt::{BearerLayer, ErrorKind, RevocationList, SessionEvent, Sessions};

use super::{DAY, Login, SECOND, refresh_keys, revocation::status};
use crate::log::Log;

#[tokio::test(start_paused = true)]
async fn one_that_panics_keeps_nobody_from_being_told() {
    let login = Login::new();
    let list = RevocationList::new(10).with_clock(login.here.clock());
    let sessions = Sessions::new(login.issuer.clone(), refresh_keys(), login.store.clone())
        .with_events(|event: &SessionEvent<'_>| {
            assert!(
                !matches!(event, SessionEvent::Ended { .. }),
                "a listener panics"
            );
        })
        .with_events(list.clone());
    let revocation = sessions.revocation();
    let layer = || BearerLayer::new(login.verifier.clone()).with_revocation(revocation.clone());
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let token = sessions.start("user-1").await.unwrap().access_token.token;
        assert_eq!(status(layer(), token.clone()).await, 200);
        tokens.push(token);
    }

    let (ended, log) = Log::of(sessions.end_all("user-1")).await;
    assert_eq!(ended.unwrap().len(), 3);
    assert_eq!(
        log.matches("a listener of sessions panicked").count(),
        3,
        "{log}"
    );
    assert_eq!(list.len(), 3);
    for token in tokens {
        assert_eq!(status(layer(), token).await, 401);
    }
}

#[tokio::test]
async fn a_list_without_room_refuses_every_token_from_before() {
    let mut login = Login::new();
    let list = RevocationList::new(1).with_clock(login.here.clock());
    login.sessions = login.sessions.with_events(list.clone());
    let sessions = &login.sessions;
    let layer = || BearerLayer::new(login.verifier.clone()).with_revocation(list.clone());
    let mut pairs = Vec::new();
    for user in ["user-1", "user-2", "user-3", "user-4"] {
        pairs.push(sessions.start(user).await.unwrap());
    }
    let passes = async |token: &str| status(layer(), token.to_owned()).await == 200;

    sessions.end_all("user-1").await.unwrap();
    assert!(!passes(&pairs[0].access_token.token).await);
    assert!(passes(&pairs[1].access_token.token).await);

    login.advance(SECOND);
    let (_, log) = Log::of(sessions.end_all("user-2")).await;
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    for pair in &pairs {
        assert!(!passes(&pair.access_token.token).await);
    }
    assert_eq!(list.len(), 1);

    // Whoever refreshes goes on.
    login.advance(SECOND);
    let fresh = sessions.refresh(&pairs[2].refresh_token).await.unwrap();
    assert!(passes(&fresh.access_token.token).await);
    // One who asks for room hears that there is none, and it changes nothing for the others.
    let error = list.revoke_session("another", fresh.access_token.expires_at);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::CapacityExhausted);
    assert!(passes(&fresh.access_token.token).await);

    // It is said once.
    let (_, log) = Log::of(sessions.end_all("user-4")).await;
    assert_eq!(log.matches("ERROR").count(), 0, "{log}");
    assert!(!passes(&fresh.access_token.token).await);

    // When there is room, one end is the end of one session, and what has no room later is told again.
    login.advance(sessions.denial_time() + Duration::from_secs(300));
    let others = sessions.refresh(&fresh.refresh_token).await.unwrap();
    for errors in [0, 1] {
        assert!(passes(&others.access_token.token).await);
        let (_, log) = Log::of(async {
            sessions.start("user-5").await.unwrap();
            sessions.end_all("user-5").await.unwrap();
        })
        .await;
        assert_eq!(log.matches("ERROR").count(), errors, "{log}");
    }
    assert!(!passes(&others.access_token.token).await);
}

/// Whoever sets the clock right again lets everybody in again.
#[tokio::test]
async fn a_clock_that_was_ahead_shuts_nobody_out_for_good() {
    let mut login = Login::new();
    let list = RevocationList::new(0).with_clock(login.here.clock());
    login.sessions = login.sessions.with_events(list.clone());
    let sessions = &login.sessions;
    let passes = async |subject: &str| {
        let layer = BearerLayer::new(login.verifier.clone()).with_revocation(list.clone());
        let token = sessions.start(subject).await.unwrap().access_token.token;
        status(layer, token).await == 200
    };
    sessions.start("user-1").await.unwrap();
    login.advance(DAY);
    sessions.end_all("user-1").await.unwrap();

    // As much as clocks may disagree, it holds: a token from before may be from a moment later.
    for hand in [&login.here, &login.there] {
        hand.set_back(300 * SECOND);
    }
    assert!(!passes("user-2").await);
    login.advance(300 * SECOND);
    assert!(!passes("user-2").await);
    login.advance(SECOND);
    assert!(passes("user-2").await);

    for hand in [&login.here, &login.there] {
        hand.set_back(DAY);
    }
    assert!(!passes("user-3").await);
    login.advance(SECOND);
    assert!(passes("user-3").await);
}
