use std::sync::Arc;

use super::{StoreHarness, check, missing, new_key};
use crate::{Key, Quota, RateLimiter};

const TASKS: u32 = 64;

/// Runs this in as many tasks at once, and adds up what they say.
async fn race<F>(limiter: &RateLimiter, key: &Key, work: fn(RateLimiter, Key, u32) -> F) -> u32
where
    F: Future<Output = u32> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(work(limiter.clone(), key.clone(), task)))
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    sum
}

async fn five_at_once(limiter: RateLimiter, key: Key, _: u32) -> u32 {
    let mut allowed = 0;
    for _ in 0..5 {
        allowed += u32::from(check(&limiter, &key, 1).await.is_allowed());
    }
    allowed
}

/// Test 7 of the specification, for every store.
pub(super) async fn as_many_are_let_in_as_there_are_tokens(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_day(100)]).await;
    let key = new_key();
    assert_eq!(race(&limiter, &key, five_at_once).await, 100);
    assert!(!check(&limiter, &key, 1).await.is_allowed());
}

pub(super) async fn all_quotas_hold_in_a_race(harness: Arc<dyn StoreHarness>) {
    let quotas = vec![
        Quota::per_day(1_000),
        Quota::per_hour(37),
        Quota::per_minute(11).shadow(),
    ];
    let limiter = harness.limiter(quotas).await;
    let key = new_key();
    assert_eq!(race(&limiter, &key, five_at_once).await, 37);
    let day = 86_400_000_000_000_u128;
    assert_eq!(
        missing(&limiter, &key).await,
        [
            37 * (day / 1_000),
            37 * (day / 24).div_ceil(37),
            11 * (day / 1_440).div_ceil(11)
        ]
    );
}

async fn several_at_once(limiter: RateLimiter, key: Key, task: u32) -> u32 {
    let count = 1 + task % 20;
    let answer = limiter.charge_many(&key, 1, count).await;
    let (quotas, before) = answer.expect("an answer");
    quotas.granted(&before, 1, count)
}

pub(super) async fn charges_of_several_race_like_others(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_day(500)]).await;
    let key = new_key();
    assert_eq!(race(&limiter, &key, several_at_once).await, 500);
}

async fn back_and_forth(limiter: RateLimiter, key: Key, task: u32) -> u32 {
    let mut kept = 0;
    for round in task..task + 4 {
        assert!(check(&limiter, &key, 3).await.is_allowed());
        kept += match round % 3 {
            0 => {
                limiter.refund(&key, 2).await.expect("a refund");
                1
            }
            1 => {
                limiter.penalize(&key, 1).await.expect("a penalty");
                4
            }
            _ => 3,
        };
    }
    kept
}

pub(super) async fn no_token_is_won_or_lost_in_a_race_with_refunds(harness: Arc<dyn StoreHarness>) {
    let limiter = harness.limiter(vec![Quota::per_day(1_000)]).await;
    let key = new_key();
    let kept = u128::from(race(&limiter, &key, back_and_forth).await);
    assert_eq!(missing(&limiter, &key).await, [kept * 86_400_000_000]);
}
