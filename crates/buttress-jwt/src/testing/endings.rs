//! How sessions end.

use std::{sync::Arc, time::Duration};

use super::{
    StoreHarness,
    client::{Client, IDLE, present, subject},
    sessions::ids,
};
use crate::{EndReason, RefreshStore, Session, SessionId, Verdict, Which};

pub(super) async fn what_has_ended_stays_ended(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let parent = Client::begin(&*store, &subject("ended")).await;
    let mut client = parent.clone();
    client.rotate(&*store).await;
    let ended = end(&*store, Which::One(client.id())).await;
    assert_eq!(ended.len(), 1);
    let first = ended[0].ended.expect("it has ended");
    assert_eq!(first.reason, EndReason::SignedOut);

    let future = client.next(&[7; 32]);
    for proposal in [
        client.proposal(),
        parent.proposal(),
        parent.attempt("one"),
        future.proposal(),
        client.forged(1),
    ] {
        let judged = present(&*store, &proposal).await;
        assert_eq!(judged.verdict, Verdict::Ended(first));
        assert_eq!(judged.session, ended[0]);
    }

    // It has ended once and for one reason, also when its time comes.
    let again = store.end(&Which::One(client.id()), EndReason::Denied).await;
    assert_eq!(again.expect("an answer"), []);
    harness.advance(IDLE).await;
    assert_eq!(client.end_reason(&*store).await, EndReason::SignedOut);
}

pub(super) async fn one_ends_alone(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("alone");
    let mut one = Client::begin(&*store, &subject).await;
    let other = Client::begin(&*store, &subject).await;
    let ended = end(&*store, Which::One(other.id())).await;
    assert_eq!(names(&ended), [other.id()]);
    assert_eq!(ids(&*store, &subject).await, [one.id()]);
    one.rotate(&*store).await;

    let (unknown, _) = Client::beginning(&subject, 1);
    assert_eq!(end(&*store, Which::One(unknown.id())).await, []);
}

pub(super) async fn only_the_owner_ends_by_name(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let owner = subject("owner");
    let client = Client::begin(&*store, &owner).await;
    let by = |subject: &str| Which::OneOf {
        subject: subject.to_owned(),
        id: client.id(),
    };
    for stranger in [&*subject("stranger"), "", "%", "+"] {
        assert_eq!(end(&*store, by(stranger)).await, []);
    }
    assert_eq!(ids(&*store, &owner).await, [client.id()]);
    assert_eq!(names(&end(&*store, by(&owner)).await), [client.id()]);
    assert_eq!(client.end_reason(&*store).await, EndReason::SignedOut);
}

pub(super) async fn all_end_but_one(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("but one");
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::begin(&*store, &subject).await);
    }
    let which = Which::AllOf {
        subject: subject.clone(),
        except: Some(clients[2].id()),
    };
    let mut expected = vec![clients[0].id(), clients[1].id(), clients[3].id()];
    expected.sort_unstable();
    assert_eq!(names(&end(&*store, which.clone()).await), expected);
    assert_eq!(ids(&*store, &subject).await, [clients[2].id()]);
    clients[2].rotate(&*store).await;
    assert_eq!(clients[3].end_reason(&*store).await, EndReason::SignedOut);
    assert_eq!(end(&*store, which).await, []);
}

pub(super) async fn all_end_of_the_subject_alone(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("all");
    let other = Client::begin(&*store, &format!("{subject}2")).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(Client::begin(&*store, &subject).await.id());
    }
    expected.sort_unstable();
    let which = Which::AllOf {
        subject: subject.clone(),
        except: None,
    };
    let ended = end(&*store, which).await;
    assert_eq!(names(&ended), expected);
    for session in &ended {
        let reason = session.ended.map(|ended| ended.reason);
        assert_eq!(reason, Some(EndReason::SignedOut));
    }
    assert_eq!(ids(&*store, &subject).await, []);
    assert_eq!(ids(&*store, &format!("{subject}2")).await, [other.id()]);
}

pub(super) async fn only_live_sessions_are_ended(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("live");
    let lapsed = Client::begin(&*store, &subject).await;
    harness.advance(IDLE + Duration::from_secs(1)).await;
    let live = Client::begin(&*store, &subject).await;
    assert_eq!(end(&*store, Which::One(lapsed.id())).await, []);
    let which = Which::AllOf {
        subject,
        except: None,
    };
    assert_eq!(names(&end(&*store, which).await), [live.id()]);
    assert_eq!(lapsed.verdict(&*store).await, Verdict::Expired);
}

async fn end(store: &dyn RefreshStore, which: Which) -> Vec<Session> {
    let ended = store.end(&which, EndReason::SignedOut).await;
    ended.expect("an answer")
}

fn names(sessions: &[Session]) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    ids.sort_unstable();
    ids
}
