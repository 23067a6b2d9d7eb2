//! Many who change one product at once, over sockets.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::server::{Answer, Server, empty_shop, lamp};

/// Waits for all, and passes on what they panicked with.
async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.expect("no panic"));
    }
    results
}

fn stock(product: &Value) -> i64 {
    product["stock"].as_i64().expect("has a stock")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_100_changes_to_one_version_exactly_one_is_made() {
    const WRITERS: i64 = 100;
    let shop = Arc::new(empty_shop().await);
    let created = Arc::new(shop.post("/v1/products", &lamp()).await);
    let start = Arc::new(Barrier::new(WRITERS as usize));
    let mut writers = JoinSet::new();
    for pieces in 0..WRITERS {
        let (shop, created, start) = (shop.clone(), created.clone(), start.clone());
        writers.spawn(async move {
            let path = created.header("location").expect("says where");
            // Opens the connections, which would else put the writers into a row.
            assert_eq!(shop.get(path).await.etag(), created.etag());
            start.wait().await;
            // No two want the same, and none wants what is there.
            let patch = json!({ "stock": 1000 + pieces });
            shop.patch(path, created.etag(), &patch).await
        });
    }
    let path = created.header("location").expect("says where");
    let is_made = |answer: &Answer| answer.status == 200;
    let (made, refused): (Vec<_>, Vec<_>) = all(writers).await.into_iter().partition(is_made);

    assert_eq!(made.len(), 1, "{made:?}");
    let product = made[0].json();
    assert_eq!((&product["version"], made[0].etag()), (&json!(2), "\"2\""));
    assert_eq!(shop.get(path).await.json(), product);
    assert_eq!(refused.len(), 99);
    for answer in refused {
        let problem = answer.problem(412, "PRECONDITION_FAILED", path);
        // Nobody is told a state from before or in the middle of the change.
        assert_eq!(problem["currentEtag"], "\"2\"");
    }
}

/// Takes what is there and adds one, as often as it takes, and returns how often it was refused.
/// Each refusal is somebody else's increment.
async fn add_one(shop: &Server, path: &str, increments: i64) -> i64 {
    for refusals in 0..increments {
        let current = shop.get(path).await;
        let more = json!({ "stock": stock(&current.json()) + 1 });
        let answer = shop.patch(path, current.etag(), &more).await;
        if answer.status == 200 {
            return refusals;
        }
        answer.problem(412, "PRECONDITION_FAILED", path);
    }
    panic!("was refused more often than there was a reason to")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_try_again_lose_no_increment() {
    const CLIENTS: i64 = 10;
    const EACH: i64 = 10;
    let shop = Arc::new(empty_shop().await);
    let created = shop.post("/v1/products", &lamp()).await;
    let path: Arc<str> = created.header("location").expect("says where").into();
    let start = Arc::new(Barrier::new(CLIENTS as usize));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (shop, path, start) = (shop.clone(), path.clone(), start.clone());
        clients.spawn(async move {
            start.wait().await;
            let mut refusals = 0;
            for _ in 0..EACH {
                refusals += add_one(&shop, &path, CLIENTS * EACH).await;
            }
            refusals
        });
    }
    let refusals: i64 = all(clients).await.into_iter().sum();

    let product = shop.get(&path).await.json();
    let increments = CLIENTS * EACH;
    assert_eq!(stock(&product), stock(&created.json()) + increments);
    assert_eq!(product["version"], 1 + increments);
    assert!(refusals > 0, "nobody met anybody, so nothing was shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_and_a_deletion_of_one_version_do_not_both_happen() {
    let shop = Arc::new(empty_shop().await);
    for _ in 0..20 {
        let created = shop.post("/v1/products", &lamp()).await;
        let path = created.header("location").expect("says where");
        let (patch, tag) = (json!({ "stock": 1 }), created.etag());
        let (patched, deleted) =
            tokio::join!(shop.patch(path, tag, &patch), shop.delete(path, tag));
        match (patched.status.as_u16(), deleted.status.as_u16()) {
            (200, 412) => assert_eq!(shop.get(path).await.json(), patched.json()),
            (404, 204) => assert_eq!(shop.get(path).await.status, 404),
            both => panic!("{both:?}"),
        }
    }
}
