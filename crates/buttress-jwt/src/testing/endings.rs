//! How sessions end.

use std::{sync::Arc, time::Duration};

use super::{
    StoreHarness,
    client::{Client, IDLE, end, end_again, present, subject},
    sessions::ids,
};
use crate::{EndReason, Ending, Endings, Session, SessionId, Verdict, Which};

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
    let ending = Ending::new(Which::One(client.id()), EndReason::Denied);
    let again = store.end(&ending).await.expect("an answer");
    assert_eq!(again.ended, []);
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

pub(super) async fn what_is_past_its_time_ends_for_that_reason(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("lapsed");
    let lapsed = [
        Client::begin(&*store, &subject).await,
        Client::begin(&*store, &subject).await,
    ];
    harness.advance(IDLE + Duration::from_secs(1)).await;
    let one = end(&*store, Which::One(lapsed[0].id())).await;
    assert_eq!(names(&one), [lapsed[0].id()]);
    let live = Client::begin(&*store, &format!("{subject}2")).await;
    let all = end(
        &*store,
        Which::AllOf {
            subject,
            except: None,
        },
    )
    .await;
    assert_eq!(names(&all), [lapsed[1].id()]);
    for session in one.iter().chain(&all) {
        let reason = session.ended.map(|ended| ended.reason);
        assert_eq!(reason, Some(EndReason::Expired));
    }
    // It is kept, so that a clock that is set back revives none.
    for client in lapsed {
        assert_eq!(client.end_reason(&*store).await, EndReason::Expired);
    }
    assert_eq!(end(&*store, Which::One(live.id())).await.len(), 1);
}

/// Long enough for a slow machine, and shorter than anything else.
const AGAIN: Duration = Duration::from_secs(60);

pub(super) async fn what_has_ended_shortly_before_is_named_again(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let subject = subject("again");
    let one = Client::begin(&*store, &subject).await;
    let other = Client::begin(&*store, &subject).await;
    let mut reused = Client::begin(&*store, &subject).await;
    let all = |except| Which::AllOf {
        subject: subject.clone(),
        except,
    };
    let by = |subject: &str| Which::OneOf {
        subject: subject.to_owned(),
        id: one.id(),
    };
    let parent = reused.clone();
    reused.rotate(&*store).await;
    reused.rotate(&*store).await;
    let verdict = parent.verdict(&*store).await;
    assert!(matches!(verdict, Verdict::Reused { .. }), "{verdict:?}");

    // As if none of these answers had arrived.
    let ended = end(&*store, Which::One(one.id())).await;
    let again = end_again(&*store, Which::One(one.id()), AGAIN).await;
    assert_eq!((&*again.ended, &again.earlier), (&[][..], &ended));
    let again = end_again(&*store, by(&subject), AGAIN).await;
    assert_eq!((&*again.ended, &again.earlier), (&[][..], &ended));
    let again = end_again(&*store, by("another"), AGAIN).await;
    assert_eq!(again, Endings::default());

    let again = end_again(&*store, all(Some(other.id())), AGAIN).await;
    assert_eq!(again.ended, []);
    assert_eq!(names(&again.earlier), sorted([one.id(), reused.id()]));
    let again = end_again(&*store, all(Some(one.id())), AGAIN).await;
    assert_eq!(names(&again.ended), [other.id()]);
    assert_eq!(names(&again.earlier), [reused.id()]);
    let again = end_again(&*store, all(None), AGAIN).await;
    assert_eq!(again.ended, []);
    let expected = sorted([one.id(), other.id(), reused.id()]);
    assert_eq!(names(&again.earlier), expected);

    harness.advance(AGAIN + Duration::from_secs(1)).await;
    for which in [Which::One(one.id()), by(&subject), all(None)] {
        let again = end_again(&*store, which, AGAIN).await;
        assert_eq!(again, Endings::default());
    }
    let again = end_again(&*store, all(None), IDLE).await;
    assert_eq!(names(&again.earlier), expected);
}

fn sorted<const N: usize>(mut ids: [SessionId; N]) -> [SessionId; N] {
    ids.sort_unstable();
    ids
}

fn names(sessions: &[Session]) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    ids.sort_unstable();
    ids
}
