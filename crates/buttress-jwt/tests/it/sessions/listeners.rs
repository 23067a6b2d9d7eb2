//! Those who listen.

use buttress_jwt::{BearerLayer, RevocationList, SessionEvent, Sessions};

use super::{Login, refresh_keys, revocation::status};
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
