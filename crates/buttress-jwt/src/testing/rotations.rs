//! What becomes of tokens that come one after the other.

use std::{sync::Arc, time::Duration};

use super::{
    StoreHarness,
    client::{Client, GRACE, IDLE, present, subject},
};
use crate::{EndReason, Proposal, RefreshStore, Verdict};

/// More than a slow machine lets pass by itself.
const MARGIN: Duration = Duration::from_secs(10);

pub(super) async fn an_unknown_session_is_unknown(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let (client, _) = Client::beginning(&subject("unknown"), 1);
    let judged = store.rotate(&client.proposal()).await.expect("an answer");
    assert_eq!(judged, None);
}

pub(super) async fn a_hundred_rotations_at_once_keep_their_order_and_the_end(
    harness: Arc<dyn StoreHarness>,
) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("hundred")).await;
    let first = client.clone();
    let session = client.rotate(&*store).await;
    for _ in 0..99 {
        let now = client.rotate(&*store).await;
        assert_eq!(now.started_at, session.started_at);
        assert_eq!(now.ends_at, session.ends_at);
        assert!(now.last_used_at >= session.last_used_at);
    }
    assert_eq!(client.0.generation, 100);
    let verdict = first.verdict(&*store).await;
    let generations = 100;
    assert!(
        matches!(verdict, Verdict::Reused { generations: g, .. } if g == generations),
        "{verdict:?}"
    );
}

pub(super) async fn a_retry_gets_the_same_and_does_not_prolong_the_grace(
    harness: Arc<dyn StoreHarness>,
) {
    let store = harness.store().await;
    let parent = Client::begin(&*store, &subject("retry")).await;
    let proposal = parent.proposal();
    let first = present(&*store, &proposal).await;
    assert_eq!(first.verdict, Verdict::Rotated);

    for _ in 0..2 {
        harness.advance(MARGIN).await;
        let again = present(&*store, &parent.proposal()).await;
        let Verdict::Reissued {
            salt,
            since,
            same_attempt,
        } = again.verdict
        else {
            panic!("a retry gets the same: {:?}", again.verdict);
        };
        assert_eq!(salt, proposal.salt);
        assert!(!same_attempt);
        assert!(since >= MARGIN && since < GRACE, "{since:?}");
        // A retry is not a use: it does not keep a session alive that nobody continues.
        assert!(again.session.last_used_at <= first.session.last_used_at);
    }
    harness.advance(MARGIN).await;
    let verdict = parent.verdict(&*store).await;
    let Verdict::Reused {
        generations: 1,
        since,
    } = verdict
    else {
        panic!("the grace is over: {verdict:?}");
    };
    assert!(since >= GRACE && since < GRACE + MARGIN, "{since:?}");
    let child = parent.next(&proposal.salt);
    assert_eq!(child.end_reason(&*store).await, EndReason::Reused);
}

pub(super) async fn a_proven_retry_is_served_however_late(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let parent = Client::begin(&*store, &subject("attempt")).await;
    let proposal = Proposal {
        grace: Duration::ZERO,
        ..parent.attempt("one")
    };
    let verdict = present(&*store, &proposal).await.verdict;
    assert_eq!(verdict, Verdict::Rotated);

    harness.advance(IDLE - MARGIN).await;
    let retry = Proposal {
        grace: Duration::ZERO,
        ..parent.attempt("one")
    };
    let verdict = present(&*store, &retry).await.verdict;
    let Verdict::Reissued {
        salt, same_attempt, ..
    } = verdict
    else {
        panic!("a proven retry gets the same: {verdict:?}");
    };
    assert!(same_attempt);
    assert_eq!(salt, proposal.salt);

    // Of the newest generation alone: a rotation without a name takes the name away.
    let mut child = parent.next(&salt);
    let middle = child.clone();
    child.rotate(&*store).await;
    let verdict = present(&*store, &parent.attempt("one")).await.verdict;
    assert!(
        matches!(verdict, Verdict::Reused { generations: 2, .. }),
        "{verdict:?}"
    );
    assert_eq!(middle.end_reason(&*store).await, EndReason::Reused);
}

pub(super) async fn another_attempt_is_no_retry(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    for (first, second) in [
        (Some("one"), Some("two")),
        (Some("one"), None),
        (None, Some("one")),
    ] {
        let proposal = |client: &Client, name: Option<&str>| match name {
            Some(name) => client.attempt(name),
            None => client.proposal(),
        };
        let parent = Client::begin(&*store, &subject("attempts")).await;
        let verdict = present(&*store, &proposal(&parent, first)).await.verdict;
        assert_eq!(verdict, Verdict::Rotated);
        let verdict = present(&*store, &proposal(&parent, second)).await.verdict;
        let same_attempt = false;
        assert!(
            matches!(verdict, Verdict::Reissued { same_attempt: s, .. } if s == same_attempt),
            "{verdict:?}"
        );
        harness.advance(GRACE + MARGIN).await;
        let verdict = present(&*store, &proposal(&parent, second)).await.verdict;
        assert!(matches!(verdict, Verdict::Reused { .. }), "{verdict:?}");
    }
}

pub(super) async fn the_grandparent_ends_the_session_within_the_grace(
    harness: Arc<dyn StoreHarness>,
) {
    let store = harness.store().await;
    let grandparent = Client::begin(&*store, &subject("grandparent")).await;
    let mut client = grandparent.clone();
    client.rotate(&*store).await;
    client.rotate(&*store).await;
    let judged = present(&*store, &grandparent.proposal()).await;
    assert!(
        matches!(judged.verdict, Verdict::Reused { generations: 2, since } if since < GRACE),
        "{:?}",
        judged.verdict
    );
    let ended = judged.session.ended.expect("the session has ended");
    assert_eq!(ended.reason, EndReason::Reused);
    assert_eq!(client.verdict(&*store).await, Verdict::Ended(ended));
    let subject = &judged.session.subject;
    assert_eq!(store.list(subject).await.expect("a list"), []);
}

pub(super) async fn without_grace_the_parent_ends_the_session(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let parent = Client::begin(&*store, &subject("strict")).await;
    let mut client = parent.clone();
    client.rotate(&*store).await;
    let strict = Proposal {
        grace: Duration::ZERO,
        ..parent.proposal()
    };
    let verdict = present(&*store, &strict).await.verdict;
    assert!(
        matches!(verdict, Verdict::Reused { generations: 1, .. }),
        "{verdict:?}"
    );
    assert_eq!(client.end_reason(&*store).await, EndReason::Reused);
}

pub(super) async fn a_forged_token_ends_the_session(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    for generation in 0..2 {
        let mut client = Client::begin(&*store, &subject("forged")).await;
        for _ in 0..generation {
            client.rotate(&*store).await;
        }
        let judged = present(&*store, &client.forged(generation)).await;
        assert_eq!(judged.verdict, Verdict::Forged);
        let ended = judged.session.ended.expect("the session has ended");
        assert_eq!(ended.reason, EndReason::Forged);
        assert_eq!(client.verdict(&*store).await, Verdict::Ended(ended));
        let listed = store.list(&judged.session.subject).await;
        assert_eq!(listed.expect("a list"), []);
    }
}

pub(super) async fn retries_have_an_end(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    for name in [None, Some("one")] {
        let parent = Client::begin(&*store, &subject("retries")).await;
        let proposal = || Proposal {
            reissue_limit: 3,
            ..name.map_or_else(|| parent.proposal(), |name| parent.attempt(name))
        };
        let verdict = present(&*store, &proposal()).await.verdict;
        assert_eq!(verdict, Verdict::Rotated);
        for _ in 0..3 {
            let verdict = present(&*store, &proposal()).await.verdict;
            assert!(matches!(verdict, Verdict::Reissued { .. }), "{verdict:?}");
        }
        let verdict = present(&*store, &proposal()).await.verdict;
        assert!(matches!(verdict, Verdict::Reused { .. }), "{verdict:?}");
        assert_eq!(parent.end_reason(&*store).await, EndReason::Reused);
    }
}

pub(super) async fn a_young_token_is_kept_and_counts_as_used(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("young")).await;
    let patient = |client: &Client| Proposal {
        min_age: MARGIN * 3,
        ..client.proposal()
    };
    // It is as old as the session at first, and then as its rotation.
    for _ in 0..2 {
        harness.advance(MARGIN).await;
        let judged = present(&*store, &patient(&client)).await;
        let Verdict::Kept { since } = judged.verdict else {
            panic!("it is too young: {:?}", judged.verdict);
        };
        assert!(since >= MARGIN && since < MARGIN * 3, "{since:?}");
        let listed = store.list(&judged.session.subject).await.expect("a list");
        assert_eq!(listed, [judged.session]);
        harness.advance(MARGIN * 2).await;
        let proposal = patient(&client);
        let verdict = present(&*store, &proposal).await.verdict;
        assert_eq!(verdict, Verdict::Rotated);
        client = client.next(&proposal.salt);
    }
    // Who comes often enough stays.
    let long = |client: &Client| Proposal {
        min_age: IDLE * 2,
        ..client.proposal()
    };
    for _ in 0..2 {
        harness.advance(IDLE - MARGIN).await;
        let verdict = present(&*store, &long(&client)).await.verdict;
        assert!(matches!(verdict, Verdict::Kept { .. }), "{verdict:?}");
    }
}

pub(super) async fn one_ahead_is_believed_if_that_is_wanted(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("believed")).await;
    client.rotate(&*store).await;
    // As if the store had lost a rotation.
    let lost = client.next(&[7; 32]);
    let believe = |client: &Client| Proposal {
        accept_ahead: true,
        ..client.proposal()
    };
    let generations = 2;
    let verdict = present(&*store, &believe(&lost.next(&[8; 32])))
        .await
        .verdict;
    assert_eq!(verdict, Verdict::Ahead { generations });
    let proposal = believe(&lost);
    let judged = present(&*store, &proposal).await;
    assert_eq!(judged.verdict, Verdict::CaughtUp);
    let listed = store.list(&judged.session.subject).await.expect("a list");
    assert_eq!(listed, [judged.session]);
    // A racer gets the same, and who is behind is too late.
    let verdict = present(&*store, &believe(&lost)).await.verdict;
    let Verdict::Reissued { salt, .. } = verdict else {
        panic!("a racer gets the same: {verdict:?}");
    };
    assert_eq!(salt, proposal.salt);
    let mut next = lost.next(&salt);
    next.rotate(&*store).await;
    let verdict = client.verdict(&*store).await;
    assert!(matches!(verdict, Verdict::Reused { .. }), "{verdict:?}");
}

pub(super) async fn a_token_from_the_future_changes_nothing(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("ahead")).await;
    client.rotate(&*store).await;
    // As if the store had lost one rotation, or many.
    let lost = client.next(&[7; 32]);
    let verdict = Verdict::Ahead { generations: 1 };
    unchanged_by(&*store, &client, &lost.proposal(), verdict).await;
    let generations = u32::MAX - 1;
    let verdict = Verdict::Ahead { generations };
    let mut far = client.forged(5);
    far.generation = u32::MAX;
    unchanged_by(&*store, &client, &far, verdict).await;
    client.rotate(&*store).await;
}

pub(super) async fn a_session_that_is_not_used_expires(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("idle")).await;
    harness.advance(IDLE - MARGIN).await;
    let session = client.rotate(&*store).await;
    harness.advance(IDLE - MARGIN).await;
    client.rotate(&*store).await;
    harness.advance(IDLE).await;
    assert_eq!(store.list(&session.subject).await.expect("a list"), []);
    let judged = present(&*store, &client.proposal()).await;
    assert_eq!(judged.verdict, Verdict::Expired);
    let reason = judged.session.ended.map(|ended| ended.reason);
    assert_eq!(reason, Some(EndReason::Expired));
    assert_eq!(client.end_reason(&*store).await, EndReason::Expired);
}

pub(super) async fn a_session_expires_however_much_it_is_used(harness: Arc<dyn StoreHarness>) {
    let store = harness.store().await;
    let mut client = Client::begin(&*store, &subject("absolute")).await;
    for _ in 0..5 {
        harness.advance(IDLE - MARGIN).await;
        client.rotate(&*store).await;
    }
    // 4950 of 5000 seconds have passed.
    harness.advance(3 * MARGIN).await;
    client.rotate(&*store).await;
    harness.advance(2 * MARGIN).await;
    // From here on the store may forget it.
    let judged = store.rotate(&client.proposal()).await.expect("an answer");
    let verdict = judged.map(|judged| judged.verdict);
    assert!(
        matches!(verdict, None | Some(Verdict::Expired)),
        "{verdict:?}"
    );
}

/// Presents a token, and expects a verdict that leaves no trace.
async fn unchanged_by(
    store: &dyn RefreshStore,
    client: &Client,
    proposal: &Proposal,
    expected: Verdict,
) {
    let judged = present(store, proposal).await;
    assert_eq!(judged.verdict, expected);
    let listed = store.list(&judged.session.subject).await.expect("a list");
    assert_eq!(listed, [judged.session]);
    assert_eq!(listed[0].id, client.id());
}
