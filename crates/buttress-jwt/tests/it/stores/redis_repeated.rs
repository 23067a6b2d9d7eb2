//! The Redis stores when each call is done twice, as by a client of a cluster that repeats it because the connection
//! broke before there was an answer.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKey, ApiKeyId, ApiKeyStore, ApiKeys, Beginning, Begun, EndReason, Ending, Endings,
    Environment, Error, Judged, KeptKey, KeyIssuance, KeyRotated, KeyRotation, Proposal,
    RedisApiKeyStore, RedisRefreshStore, RefreshError, RefreshStore, Session, SessionEvent,
    SessionId, WhichKeys,
};
use buttress_testkit::RedisServer;
use redis::Client;

use super::sessions;

/// Does everything twice, and has the second answer only.
#[derive(Debug)]
struct Twice<S>(S);

#[async_trait]
impl<S: RefreshStore> RefreshStore for Twice<S> {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.0.begin(beginning).await?;
        self.0.begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        self.0.rotate(proposal).await?;
        self.0.rotate(proposal).await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.0.end(ending).await?;
        self.0.end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.0.list(subject).await?;
        self.0.list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.0.find(id).await?;
        self.0.find(id).await
    }
}

#[async_trait]
impl<S: ApiKeyStore> ApiKeyStore for Twice<S> {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        self.0.insert(issuance).await?;
        self.0.insert(issuance).await
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        self.0.find(which).await?;
        self.0.find(which).await
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        self.0.rotate(rotation).await?;
        self.0.rotate(rotation).await
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        self.0.revoke(which).await?;
        self.0.revoke(which).await
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        self.0.note_use(id, apart).await?;
        self.0.note_use(id, apart).await
    }
}

async fn store() -> RedisRefreshStore {
    let server = RedisServer::shared().await;
    let client = Client::open(server.url()).expect("a client");
    let store = RedisRefreshStore::new(client).with_prefix(&server.key_prefix());
    store.expect("a prefix")
}

async fn keys() -> ApiKeys {
    let server = RedisServer::shared().await;
    let client = Client::open(server.url()).expect("a client");
    let store = RedisApiKeyStore::new(client).with_prefix(&server.key_prefix());
    let store = Twice(store.expect("a prefix"));
    let keys = ApiKeys::new("shop", Environment::Live, store).expect("keys");
    // A slow machine is no failure of a store.
    keys.with_store_timeout(Duration::from_secs(60)).unwrap()
}

/// Without any grace, so that nothing else excuses the repetition.
#[tokio::test]
async fn a_repeated_rotation_is_no_theft() {
    let store = store().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let sessions = sessions(Arc::new(Twice(store)))
        .with_grace(Duration::ZERO)
        .expect("no grace")
        .with_events(move |event: &SessionEvent<'_>| {
            let name = match event {
                SessionEvent::Started { .. } => "started",
                SessionEvent::Rotated { .. } => "rotated",
                SessionEvent::Refused { .. } => "refused",
                SessionEvent::Ended { .. } => "ended",
                _ => "other",
            };
            teller.lock().expect("events").push(name);
        });
    let first = sessions.start("user-1").await.expect("a session");
    let mut pair = first.clone();
    for _ in 0..3 {
        pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    }
    assert_eq!(
        *told.lock().expect("events"),
        ["started", "rotated", "rotated", "rotated"]
    );

    // Another call with an old token is one still.
    let error = sessions.refresh(&first.refresh_token).await.unwrap_err();
    assert!(matches!(error, RefreshError::Refused(_)), "{error:?}");
    assert!(sessions.refresh(&pair.refresh_token).await.is_err());
}

/// The parent of the newest, which nothing but its salt tells from a repetition.
#[tokio::test]
async fn another_rotation_of_the_same_token_is_a_theft_still() {
    let store = Arc::new(store().await);
    let sessions = sessions(store)
        .with_grace(Duration::ZERO)
        .expect("no grace");
    let first = sessions.start("user-1").await.expect("a session");
    let second = sessions
        .refresh(&first.refresh_token)
        .await
        .expect("a pair");
    let error = sessions.refresh(&first.refresh_token).await.unwrap_err();
    assert!(matches!(error, RefreshError::Refused(_)), "{error:?}");
    let found = sessions.find(second.session.id).await.expect("an answer");
    let ended = found.expect("a session").ended.expect("an end");
    assert_eq!(ended.reason, EndReason::Reused);
}

#[tokio::test]
async fn a_repeated_beginning_is_one_and_names_those_that_it_ended() {
    let store = store().await;
    let ended = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&ended);
    let sessions = sessions(Arc::new(Twice(store)))
        .with_session_limit(NonZeroU32::MIN)
        .with_events(move |event: &SessionEvent<'_>| {
            if let SessionEvent::Ended {
                session, reason, ..
            } = event
            {
                teller.lock().expect("ends").push((session.id, *reason));
            }
        });
    let first = sessions.start("user-1").await.expect("a session");
    assert_eq!(*ended.lock().expect("ends"), []);
    let second = sessions.start("user-1").await.expect("a session");
    assert_eq!(
        *ended.lock().expect("ends"),
        [(first.session.id, EndReason::Evicted)]
    );
    let listed = sessions.list("user-1").await.expect("a list");
    assert_eq!(listed, [second.session]);
    sessions
        .refresh(&second.refresh_token)
        .await
        .expect("a pair");
}

#[tokio::test]
async fn an_api_key_that_is_kept_twice_is_one() {
    let keys = keys().await;
    let issued = keys.issue("user-1").await.expect("a key");
    let key = keys.authenticate(&issued.secret.reveal()).await;
    assert_eq!(*key.expect("a key"), issued.key);
    let listed = keys.list("user-1").await.expect("a list");
    let listed: Vec<_> = listed.iter().map(|key| key.id).collect();
    assert_eq!(listed, [issued.key.id]);
}

#[tokio::test]
async fn an_api_key_that_is_rotated_twice_to_the_same_is_rotated_once() {
    let keys = keys().await;
    let issued = keys.issue("user-1").await.expect("a key");
    let (id, first) = (issued.key.id, issued.secret.reveal());
    let overlap = Duration::from_secs(1000);
    let rotated = keys.rotate("user-1", id, overlap).await;
    let rotated = rotated.expect("a rotation").expect("a key");
    assert!(rotated.key.overlaps_until.is_some());
    let second = rotated.secret.reveal();
    for secret in [&first, &second] {
        keys.authenticate(secret).await.expect("a key");
    }
    // Another one is not taken for a repetition.
    assert!(keys.rotate("user-1", id, overlap).await.is_err());

    let rotated = keys.rotate("user-1", id, Duration::ZERO).await;
    let third = rotated.expect("a rotation").expect("a key").secret.reveal();
    keys.authenticate(&third).await.expect("a key");
    for secret in [&first, &second] {
        keys.authenticate(secret).await.unwrap_err();
    }
}

/// One that is given out again is counted once.
#[tokio::test]
async fn a_repeated_reissue_is_one() {
    let sessions = sessions(Arc::new(Twice(store().await))).with_reissue_limit(2);
    let first = sessions.start("user-1").await.expect("a session");
    let second = sessions
        .refresh(&first.refresh_token)
        .await
        .expect("a pair");
    for _ in 0..2 {
        let again = sessions
            .refresh(&first.refresh_token)
            .await
            .expect("a pair");
        assert_eq!(again.refresh_token, second.refresh_token);
    }
    let error = sessions.refresh(&first.refresh_token).await;
    assert!(error.is_err(), "it was given out too often");
}
