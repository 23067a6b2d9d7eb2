//! Many at once: whoever comes first, all have to agree.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Barrier, task::JoinHandle};

use super::{
    StoreHarness,
    client::{Client, end, present, subject},
};
use crate::{EndReason, Proposal, RefreshStore, Verdict, Which};

const RACERS: usize = 64;
/// How many stores they use, as if from so many processes.
const STORES: usize = 4;

pub(super) async fn one_rotates_and_all_get_the_same(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    let client = Client::begin(&*stores[0], &subject("race")).await;
    let (winner, losers) = race(&stores, &client, Client::proposal).await;
    assert_eq!(losers.len(), RACERS - 1);
    for (salt, same_attempt) in losers {
        assert_eq!(salt, winner.salt);
        assert!(!same_attempt);
    }
    let mut child = client.next(&winner.salt);
    assert_eq!(child.0.generation, 1);
    child.rotate(&*stores[1]).await;
}

pub(super) async fn racers_of_a_whole_family_agree(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    let mut client = Client::begin(&*stores[0], &subject("races")).await;
    for generation in 0..8 {
        assert_eq!(client.0.generation, generation);
        let (winner, losers) = race(&stores, &client, Client::proposal).await;
        assert!(losers.iter().all(|(salt, _)| *salt == winner.salt));
        client = client.next(&winner.salt);
    }
    client.rotate(&*stores[0]).await;
}

pub(super) async fn proven_retries_race_like_all(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    let client = Client::begin(&*stores[0], &subject("retries")).await;
    let strict = |client: &Client| Proposal {
        grace: Duration::ZERO,
        ..client.attempt("one")
    };
    let (winner, losers) = race(&stores, &client, strict).await;
    assert_eq!(losers.len(), RACERS - 1);
    for (salt, same_attempt) in losers {
        assert_eq!(salt, winner.salt);
        assert!(same_attempt);
    }
}

pub(super) async fn an_end_wins_against_rotations(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    for round in 0..24 {
        let client = Client::begin(&*stores[0], &subject("end")).await;
        let rotator = Rotator::start(&stores[round % STORES], &client, EndReason::SignedOut);
        rotator.wait_for(round % 6).await;
        let which = Which::One(client.id());
        let ended = end(&*stores[(round / 2) % STORES], which).await;
        rotator.over.store(true, Ordering::SeqCst);
        assert_eq!(ended.len(), 1);
        rotator.task.await.expect("rotations until the end");
        assert_eq!(client.end_reason(&*stores[0]).await, EndReason::SignedOut);
    }
}

pub(super) async fn the_end_of_all_wins_against_rotations(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    for round in 0..6 {
        let subject = subject("end of all");
        let mut rotators = Vec::new();
        for index in 0..8 {
            let client = Client::begin(&*stores[0], &subject).await;
            let store = &stores[index % STORES];
            rotators.push(Rotator::start(store, &client, EndReason::SignedOut));
        }
        rotators[0].wait_for(round % 4).await;
        let which = Which::AllOf {
            subject: subject.clone(),
            except: None,
        };
        let ended = end(&*stores[round % STORES], which).await;
        for rotator in &rotators {
            rotator.over.store(true, Ordering::SeqCst);
        }
        assert_eq!(ended.len(), rotators.len());
        for rotator in rotators {
            rotator.task.await.expect("rotations until the end");
        }
        assert_eq!(stores[0].list(&subject).await.expect("a list"), []);
    }
}

pub(super) async fn reuse_wins_against_rotations(harness: Arc<dyn StoreHarness>) {
    let stores = stores(&*harness).await;
    for round in 0..12 {
        let client = Client::begin(&*stores[0], &subject("reuse")).await;
        let rotator = Rotator::start(&stores[round % STORES], &client, EndReason::Reused);
        rotator.wait_for(2 + round % 4).await;
        let verdict = client.verdict(&*stores[(round / 2) % STORES]).await;
        rotator.over.store(true, Ordering::SeqCst);
        assert!(matches!(verdict, Verdict::Reused { .. }), "{verdict:?}");
        rotator.task.await.expect("rotations until the end");
        assert_eq!(client.end_reason(&*stores[0]).await, EndReason::Reused);
    }
}

async fn stores(harness: &dyn StoreHarness) -> Vec<Arc<dyn RefreshStore>> {
    let mut stores = Vec::new();
    for _ in 0..STORES {
        stores.push(harness.store().await);
    }
    stores
}

/// Lets all present the client's token at once. Returns what the one who rotated had proposed, and what the
/// others were told.
async fn race(
    stores: &[Arc<dyn RefreshStore>],
    client: &Client,
    proposal: impl Fn(&Client) -> Proposal,
) -> (Proposal, Vec<([u8; 32], bool)>) {
    let start = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|index| {
            let store = Arc::clone(&stores[index % stores.len()]);
            let start = Arc::clone(&start);
            let proposal = proposal(client);
            tokio::spawn(async move {
                start.wait().await;
                let verdict = present(&*store, &proposal).await.verdict;
                (proposal, verdict)
            })
        })
        .collect();
    let mut winners = Vec::new();
    let mut losers = Vec::new();
    for racer in racers {
        let (proposal, verdict) = racer.await.expect("a verdict");
        match verdict {
            Verdict::Rotated => winners.push(proposal),
            Verdict::Reissued {
                salt, same_attempt, ..
            } => losers.push((salt, same_attempt)),
            other => panic!("a racer loses nothing: {other:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "one rotates");
    (winners.remove(0), losers)
}

/// Rotates one token after the other, until the session has ended.
struct Rotator {
    task: JoinHandle<()>,
    rotations: Arc<AtomicUsize>,
    /// Set when the end has been acknowledged.
    over: Arc<AtomicBool>,
}

impl Rotator {
    fn start(store: &Arc<dyn RefreshStore>, client: &Client, reason: EndReason) -> Self {
        let rotations = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let (store, mut client) = (Arc::clone(store), client.clone());
        let (count, acknowledged) = (Arc::clone(&rotations), Arc::clone(&over));
        let task = tokio::spawn(async move {
            loop {
                let late = acknowledged.load(Ordering::SeqCst);
                let proposal = client.proposal();
                match present(&*store, &proposal).await.verdict {
                    Verdict::Rotated => {
                        assert!(!late, "it was rotated after its end");
                        client = client.next(&proposal.salt);
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    Verdict::Ended(ended) => {
                        assert_eq!(ended.reason, reason);
                        return;
                    }
                    other => panic!("it rotates or has ended: {other:?}"),
                }
                // A store in memory never waits by itself.
                tokio::task::yield_now().await;
            }
        });
        Self {
            task,
            rotations,
            over,
        }
    }

    async fn wait_for(&self, rotations: usize) {
        while self.rotations.load(Ordering::SeqCst) < rotations {
            assert!(!self.task.is_finished(), "it ended by itself");
            tokio::task::yield_now().await;
        }
    }
}
