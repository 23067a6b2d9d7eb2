//! Many at once.

use std::{sync::Arc, time::Duration};

use tokio::sync::Barrier;

use super::{
    ApiKeyStoreHarness,
    client::{
        OVERLAP, all_of, assert_digests, find, issuance, issue, kept, list, rotation, subject,
    },
};
use crate::{ApiKeyStore, KeyRotated, WhichKeys};

const RACERS: usize = 64;
/// How many stores they use, as if from so many processes.
const STORES: usize = 4;

pub(super) async fn one_of_many_rotations_is_done(harness: Arc<dyn ApiKeyStoreHarness>) {
    let stores = stores(&*harness).await;
    let issuance = issuance(&subject("race"));
    let key = issue(&*stores[0], &issuance).await;
    let barrier = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (store, barrier) = (Arc::clone(&stores[racer % STORES]), Arc::clone(&barrier));
            let rotation = rotation(&key, OVERLAP);
            tokio::spawn(async move {
                barrier.wait().await;
                let rotated = store.rotate(&rotation).await.expect("a verdict");
                (rotation.digest, rotated)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for racer in racers {
        match racer.await.expect("no panic") {
            (digest, KeyRotated::Done(_)) => winners.push(digest),
            (_, KeyRotated::Overlapping(_)) => {}
            (_, other) => panic!("the key is there: {other:?}"),
        }
    }
    let kept = kept(&*stores[0], key.id).await;
    assert_eq!(winners.len(), 1);
    assert_digests(&kept, winners[0], Some(issuance.digest));
}

pub(super) async fn a_revocation_wins_against_rotations_and_uses(
    harness: Arc<dyn ApiKeyStoreHarness>,
) {
    let stores = stores(&*harness).await;
    for round in 0..12 {
        let subject = subject("revocation");
        let key = issue(&*stores[0], &issuance(&subject)).await;
        let started = Arc::new(Barrier::new(STORES + 1));
        let others: Vec<_> = stores
            .iter()
            .map(|store| {
                let (store, started, key) = (Arc::clone(store), Arc::clone(&started), key.clone());
                tokio::spawn(async move {
                    started.wait().await;
                    // Until it is gone.
                    loop {
                        store.note_use(key.id, Duration::ZERO).await.expect("a use");
                        let rotation = rotation(&key, Duration::ZERO);
                        let rotated = store.rotate(&rotation).await.expect("a verdict");
                        if rotated == KeyRotated::Unknown {
                            store
                                .note_use(key.id, Duration::ZERO)
                                .await
                                .expect("nothing");
                            return;
                        }
                        // A store that never waits would keep the others from their turn.
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        started.wait().await;
        let which = if round % 2 == 0 {
            WhichKeys::One(key.id)
        } else {
            all_of(&subject)
        };
        let revoked = stores[round % STORES].revoke(&which).await;
        assert_eq!(revoked.expect("a revocation").len(), 1);
        for other in others {
            other.await.expect("no panic");
        }
        assert_eq!(find(&*stores[0], key.id).await, None);
        assert_eq!(list(&*stores[0], &all_of(&subject)).await, []);
    }
}

async fn stores(harness: &dyn ApiKeyStoreHarness) -> Vec<Arc<dyn ApiKeyStore>> {
    let mut stores = Vec::new();
    for _ in 0..STORES {
        stores.push(harness.store().await);
    }
    stores
}
