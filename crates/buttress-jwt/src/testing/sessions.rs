//! How sessions begin, and how many there may be.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{
    StoreHarness,
    client::{Client, IDLE, LIFE, end, subject},
};
use crate::{EndReason, SessionId, Verdict, Which};

const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn a_session_is_kept_as_it_was_begun(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("it’s a \"subject\" ☂ with\nlines {and} braces");
    let (mut client, mut beginning) = Client::beginning(&subject, 9);
    beginning.label = Some("Firefox ☂ on 'Linux'".to_owned());
    beginning.context = Some("{\"scopes\":[\"a:b\"]}".to_owned());
    let begun = store.begin(&beginning).await.expect("a session begins");
    assert!(begun.ended.is_empty());
    let session = begun.session;

    assert_eq!(session.id, beginning.id);
    assert_eq!(session.subject, subject);
    assert_eq!(session.label, beginning.label);
    assert_eq!(session.context, beginning.context);
    assert_eq!(session.idle_timeout, IDLE);
    assert_eq!(session.last_used_at, session.started_at);
    assert_eq!(session.ends_at - session.started_at, delta(LIFE));
    assert_eq!(session.expires_at() - session.started_at, delta(IDLE));
    assert_eq!(session.ended, None);

    let listed = harness.store().await.list(&subject).await.expect("a list");
    assert_eq!(listed, std::slice::from_ref(&session));

    harness.advance(100 * SECOND).await;
    let aged = harness.store().await.list(&subject).await.expect("a list");
    let rotated = client.rotate(&*harness.store().await).await;
    assert_eq!(rotated.label, session.label);
    assert_eq!(rotated.context, session.context);
    assert_eq!(rotated.started_at, aged[0].started_at);
    assert_eq!(rotated.ends_at, aged[0].ends_at);
    let unused = rotated.last_used_at - rotated.started_at;
    assert!(unused >= delta(100 * SECOND), "{unused}");
    assert!(unused < delta(190 * SECOND), "{unused}");
}

pub(super) async fn an_id_is_given_once(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let (mut client, beginning) = Client::beginning(&subject("twice"), 9);
    store.begin(&beginning).await.expect("a session begins");
    let (_, mut other) = Client::beginning(&subject("twice"), 9);
    other.id = beginning.id;
    assert!(store.begin(&other).await.is_err());
    client.rotate(&*store).await;
    assert_eq!(store.list(&other.subject).await.expect("a list"), []);
}

pub(super) async fn sessions_are_listed_last_used_first(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("listed");
    assert_eq!(store.list(&subject).await.expect("a list"), []);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::begin(&*store, &subject).await);
        harness.advance(SECOND).await;
    }
    clients[1].rotate(&*store).await;
    let expected = [clients[1].id(), clients[2].id(), clients[0].id()];
    assert_eq!(ids(&*store, &subject).await, expected);

    // The one that was rotated lives longer.
    harness.advance(IDLE - SECOND).await;
    assert_eq!(ids(&*store, &subject).await, expected[..1]);
}

pub(super) async fn one_too_many_ends_the_least_recently_used(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("limited");
    let other = Client::begin(&*store, &format!("{subject}, another")).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let (client, evicted) = Client::begin_limited(&*store, &subject, 3).await;
        assert_eq!(evicted, []);
        clients.push(client);
        harness.advance(SECOND).await;
    }
    clients[0].rotate(&*store).await;
    harness.advance(SECOND).await;

    let (fourth, evicted) = Client::begin_limited(&*store, &subject, 3).await;
    assert_eq!(evicted, [clients[1].id()]);
    let reason = clients[1].end_reason(&*store).await;
    assert_eq!(reason, EndReason::Evicted);

    // What has ended does not count.
    harness.advance(SECOND).await;
    let which = Which::One(clients[2].id());
    assert_eq!(end(&*store, which).await.len(), 1);
    let (fifth, evicted) = Client::begin_limited(&*store, &subject, 3).await;
    assert_eq!(evicted, []);

    // A lower limit ends more than one.
    harness.advance(SECOND).await;
    let (sixth, evicted) = Client::begin_limited(&*store, &subject, 2).await;
    let evicted: HashSet<SessionId> = evicted.into_iter().collect();
    assert_eq!(evicted, HashSet::from([clients[0].id(), fourth.id()]));
    assert_eq!(ids(&*store, &subject).await, [sixth.id(), fifth.id()]);

    let (seventh, evicted) = Client::begin_limited(&*store, &subject, 1).await;
    assert_eq!(evicted.len(), 2);
    assert_eq!(ids(&*store, &subject).await, [seventh.id()]);
    assert_eq!(
        ids(&*store, &format!("{subject}, another")).await,
        [other.id()]
    );
}

pub(super) async fn what_is_past_its_time_ends_when_another_begins(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("past");
    let lapsed = Client::begin(&*store, &subject).await;
    harness.advance(IDLE + SECOND).await;
    let (client, beginning) = Client::beginning(&subject, 1);
    let begun = store.begin(&beginning).await.expect("a session begins");
    let [ended] = &begun.ended[..] else {
        panic!("one has ended: {:?}", begun.ended);
    };
    assert_eq!(ended.id, lapsed.id());
    let reason = ended.ended.map(|ended| ended.reason);
    assert_eq!(reason, Some(EndReason::Expired));
    assert_eq!(lapsed.end_reason(&*store).await, EndReason::Expired);
    assert_eq!(ids(&*store, &subject).await, [client.id()]);
}

pub(super) async fn a_session_is_found_as_it_is(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("found");
    let (unknown, _) = Client::beginning(&subject, 1);
    assert_eq!(store.find(unknown.id()).await.expect("an answer"), None);

    let mut client = Client::begin(&*store, &subject).await;
    let find = async |client: &Client| {
        let found = harness.store().await.find(client.id()).await;
        found.expect("an answer").expect("it is known")
    };
    let listed = store.list(&subject).await.expect("a list");
    assert_eq!([find(&client).await], listed[..]);
    let rotated = client.rotate(&*store).await;
    assert_eq!(find(&client).await, rotated);
    let ended = end(&*store, Which::One(client.id())).await;
    assert_eq!([find(&client).await], ended[..]);

    // One that is past its time has ended, though nobody has said so.
    let lapsed = Client::begin(&*store, &subject).await;
    harness.advance(IDLE - SECOND * 10).await;
    assert_eq!(find(&lapsed).await.ended, None);
    harness.advance(SECOND * 10).await;
    let found = find(&lapsed).await;
    let ended = found.ended.expect("it is past its time");
    assert_eq!(
        (ended.reason, ended.at),
        (EndReason::Expired, found.expires_at())
    );
    assert_eq!(lapsed.verdict(&*store).await, Verdict::Expired);
    let ended = find(&lapsed).await.ended.expect("it has ended");
    assert_eq!(ended.reason, EndReason::Expired);
}

pub(super) async fn the_limit_holds_for_those_that_begin_at_once(harness: Arc<dyn StoreHarness>) {
    let subject = subject("rush");
    let mut tasks = Vec::new();
    for _ in 0..24 {
        let store = harness.store().await;
        let subject = subject.clone();
        tasks.push(tokio::spawn(async move {
            Client::begin_limited(&*store, &subject, 5).await
        }));
    }
    let mut begun = HashSet::new();
    let mut evicted = HashSet::new();
    for task in tasks {
        let (client, ended) = task.await.expect("a session begins");
        begun.insert(client.id());
        for id in ended {
            assert!(evicted.insert(id), "it was evicted twice");
        }
    }
    let live: HashSet<SessionId> = ids(&*harness.store().await, &subject)
        .await
        .into_iter()
        .collect();
    assert_eq!(live.len(), 5);
    let expected: HashSet<SessionId> = begun.difference(&evicted).copied().collect();
    assert_eq!(live, expected);
}

pub(super) async fn ids(store: &dyn crate::RefreshStore, subject: &str) -> Vec<SessionId> {
    let sessions = store.list(subject).await.expect("a list");
    sessions
        .into_iter()
        .map(|session| {
            assert_eq!(session.subject, subject);
            session.id
        })
        .collect()
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).expect("a short time")
}
