//! Two threads, and every order of their steps that there is.
//!
//! Run by `cargo xtask test`, with `--cfg buttress_loom`: loom's own name for it would change tokio too. Loom sees
//! the locks of the parts of the table. That the limiter and its quotas are exchanged by arc-swap is not seen by it; what it
//! would see there, a charge by quotas that have been replaced, is made here on purpose.

use std::{sync::Arc, time::Duration};

use loom::{sync::Mutex, thread};

use super::{Memory, MemoryStore, Shard};
use crate::{Clock, Inherit, Key, Quota, Quotas};

/// How much may be taken at once, and nothing comes back while it is tried.
fn quotas(burst: u32) -> Quotas {
    let quota = Quota::per_hour(1).burst(burst).named("q");
    Quotas::new([quota]).expect("quotas")
}

fn memory(quotas: &Arc<Quotas>) -> Memory {
    let clock = Clock::new(|| Duration::from_secs(1 << 20));
    let store = MemoryStore::new().with_max_keys(8).with_clock(clock);
    Memory::new(&store, quotas)
}

/// As the limiter does it: by the quotas of before if these still are what the buckets are of.
fn admitted(memory: &Memory, key: &Key, quotas: &Arc<Quotas>) -> Option<bool> {
    let before = memory.charge(key, quotas, 1, 1)?;
    Some(quotas.granted(&before, 1, 1) == 1)
}

#[test]
fn loom_one_token_is_given_to_one_of_two() {
    loom::model(|| {
        let quotas = Arc::new(quotas(1));
        let memory = Arc::new(memory(&quotas));
        let (theirs, by) = (Arc::clone(&memory), Arc::clone(&quotas));
        let other = thread::spawn(move || admitted(&theirs, &"key".into(), &by));
        let one = admitted(&memory, &"key".into(), &quotas);
        let other = other.join().expect("no panic");
        assert_ne!(one, other);
        assert_eq!(admitted(&memory, &"key".into(), &quotas), Some(false));
    });
}

#[test]
fn loom_nothing_is_spent_twice_or_lost_while_quotas_are_replaced() {
    loom::model(|| {
        let old = Arc::new(quotas(2));
        let new = quotas(2).after(old.without_previous(), Inherit::Spent, 0);
        let new = Arc::new(new);
        let memory = Arc::new(memory(&old));
        let (theirs, by) = (Arc::clone(&memory), Arc::clone(&new));
        let replacing = thread::spawn(move || theirs.adopt(&by));
        let key = Key::from("key");
        // Whoever is told that their quotas are those of before tries again by the new ones.
        let charge = || {
            let by_old = admitted(&memory, &key, &old);
            by_old.or_else(|| admitted(&memory, &key, &new))
        };
        assert_eq!(charge(), Some(true));
        assert_eq!(charge(), Some(true));
        assert_eq!(charge(), Some(false));
        replacing.join().expect("no panic");
        assert_eq!(admitted(&memory, &key, &old), None);
        assert_eq!(admitted(&memory, &key, &new), Some(false));
    });
}

#[test]
fn loom_two_keys_do_not_get_the_last_place_both() {
    let quotas = Arc::new(quotas(1));
    // Keys that may go to the group in which there is a place.
    let mut able =
        hashes(1).filter(|hash| all_but_one(&quotas).table().claim(*hash, NOW).is_some());
    let hashes: [u64; 3] = std::array::from_fn(|_| able.next().expect("a key"));
    let admitted = |shard: &Mutex<Shard>, hash: u64, quotas: &Arc<Quotas>| {
        let mut shard = shard.lock().expect("no panic");
        let charge = |quotas: &Quotas, missing: &mut [u64]| quotas.charge_up_to(missing, 1, 1) > 0;
        let before = shard.change(hash, quotas, NOW, charge);
        quotas.granted(&before.expect("its quotas"), 1, 1) == 1
    };
    loom::model(move || {
        let [one, other, third] = hashes;
        let shard = loom::sync::Arc::new(Mutex::new(all_but_one(&quotas)));
        let (theirs, by) = (shard.clone(), Arc::clone(&quotas));
        let racer = thread::spawn(move || admitted(&theirs, other, &by));
        let first = admitted(&shard, one, &quotas);
        // Who comes second shares the bucket of those who have no place, of which nobody has taken anything before.
        assert!(racer.join().expect("no panic") && first);
        for hash in [one, other, third] {
            assert!(!admitted(&shard, hash, &quotas));
        }
        let mut shard = shard.lock().expect("no panic");
        assert_eq!(shard.table().taken().len(), 16);
        let placed = [one, other].map(|hash| shard.table().find(hash).is_some());
        assert_ne!(placed[0], placed[1]);
    });
}

const NOW: u64 = 1 << 50;

/// Different numbers, all odd or all even.
fn hashes(parity: u64) -> impl Iterator<Item = u64> {
    (0_u64..).map(move |number| (2 * number + parity).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A part of the table with two groups of eight places, of which one is free.
fn all_but_one(quotas: &Arc<Quotas>) -> Shard {
    let mut shard = Shard::new(2, quotas);
    let table = shard.table();
    for hash in hashes(0).take(1_000).skip(1) {
        if table.taken().len() < 15
            && let Some(place) = table.claim(hash, NOW)
        {
            *table.time(place, 0) = NOW + 1;
        }
    }
    assert_eq!(table.taken().len(), 15);
    shard
}
