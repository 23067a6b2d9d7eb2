//! What is under way when everybody has gone.

use std::sync::Arc;

use buttress_jwt::{Grant, Session};
use tokio::{sync::Semaphore, time::timeout};

use super::{Login, SECOND};

#[tokio::test(start_paused = true)]
async fn a_shutdown_can_wait_for_what_clients_have_left() {
    let login = Login::new();
    let gate = Arc::new(Semaphore::new(0));
    let claims = Arc::clone(&gate);
    let sessions = login.sessions.clone().with_claims(move |session: Session| {
        let gate = Arc::clone(&claims);
        async move {
            gate.acquire().await?.forget();
            Ok::<_, tokio::sync::AcquireError>(Some(Grant::new(session.subject)))
        }
    });
    timeout(SECOND, sessions.idle()).await.unwrap();

    let begun = tokio::spawn({
        let sessions = sessions.clone();
        async move { sessions.start("user-1").await.map(drop) }
    });
    while login.told().is_empty() {
        tokio::task::yield_now().await;
    }
    begun.abort();
    assert!(begun.await.unwrap_err().is_cancelled());
    assert!(timeout(SECOND, sessions.idle()).await.is_err());
    // Clones are the same, also with other settings.
    let other = login.sessions.clone().with_reissue_limit(3);
    assert!(timeout(SECOND, other.idle()).await.is_err());

    gate.add_permits(1);
    timeout(SECOND, other.idle()).await.unwrap();
    assert_eq!(sessions.list("user-1").await.unwrap().len(), 1);
}
