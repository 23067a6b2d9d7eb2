//! The store beside the rules: whatever comes, the verdict is that of [`Family::rotate`](crate::Family).

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    StoreHarness,
    client::{Client, present, subject},
};
use crate::{EndReason, Ending, Family, Proposal, Verdict, Which};

const SEQUENCES: u64 = 12;
const STEPS: usize = 40;

/// Time passes in steps of ten seconds and all limits lie five seconds beside, so that what passes by itself
/// while the store works changes no verdict.
const IDLE: Duration = Duration::from_secs(305);
const LIFE: Duration = Duration::from_secs(2005);
const GRACES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(25),
    Duration::from_secs(45),
    Duration::from_secs(295),
];

pub(super) async fn verdicts_are_those_of_the_rules(harness: Arc<dyn StoreHarness>) {
    for seed in 1..=SEQUENCES {
        sequence(&*harness, seed).await;
    }
}

async fn sequence(harness: &dyn StoreHarness, seed: u64) {
    let mut random = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let store = harness.store().await;
    let (first, mut beginning) = Client::beginning(&subject("rules"), 3);
    beginning.idle_timeout = IDLE;
    beginning.lifetime = LIFE;
    store.begin(&beginning).await.expect("a session begins");
    let mut now = DateTime::<Utc>::UNIX_EPOCH;
    let mut family = beginning.family(now);
    let mut made = vec![first];

    for step in 0..STEPS {
        let case = format!("step {step} of sequence {seed}");
        let seconds = random.pick(&[0, 0, 0, 0, 10, 10, 20, 30, 40, 100, 280, 290, 300, 310]);
        if seconds > 0 {
            harness.advance(Duration::from_secs(seconds)).await;
            now += TimeDelta::seconds(i64::try_from(seconds).expect("a short time"));
        }
        if random.below(40) == 0 {
            let ending = Ending::new(Which::One(made[0].id()), EndReason::Evicted);
            let ended = store.end(&ending).await.expect("an answer").ended;
            let expected = family.end(EndReason::Evicted, now);
            assert_eq!(ended.len(), usize::from(expected), "{case}");
        }
        let proposal = proposal(&mut random, &made);
        let expected = family.rotate(&proposal, now);
        let judged = present(&*store, &proposal).await;
        let verdict = judged.verdict;
        assert_eq!(
            rough(verdict),
            rough(expected),
            "{case}: {verdict:?}, not {expected:?}"
        );
        // Of a token that was not made here, the sequence does not know the next.
        if expected == Verdict::CaughtUp {
            break;
        }
        let ended = judged.session.ended.map(|ended| ended.reason);
        let should = family.session.ended.map(|ended| ended.reason);
        assert_eq!(ended, should, "{case}");
        assert_eq!(idle_since(&judged.session, &family), 0, "{case}");
        if verdict == Verdict::Rotated {
            let client = made[made.len() - 1].next(&proposal.salt);
            made.push(client);
        }
    }
}

/// Mostly the newest token or its parent, sometimes an older or a newer one, or a forged one.
fn proposal(random: &mut Numbers, made: &[Client]) -> Proposal {
    let newest = &made[made.len() - 1];
    let back = random.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3]);
    let client = &made[(made.len() - 1).saturating_sub(back)];
    let mut proposal = match random.below(40) {
        0 => newest.next(&[1; 32]).proposal(),
        1 => client.forged(client.0.generation),
        _ => match random.below(4) {
            0 => client.attempt("one"),
            1 => client.attempt("two"),
            _ => client.proposal(),
        },
    };
    proposal.grace = random.pick(&GRACES);
    proposal.reissue_limit = random.pick(&[1, 2, 100]);
    let seconds = random.pick(&[0, 0, 0, 15, 105]);
    proposal.min_age = Duration::from_secs(seconds);
    proposal.accept_ahead = random.below(2) == 0;
    proposal
}

/// A verdict without what depends on the exact time.
#[derive(Debug, PartialEq)]
enum Rough {
    Reissued([u8; 32], u64, bool),
    Reused(u32, u64),
    Kept(u64),
    Ended(EndReason),
    Other(Verdict),
}

fn rough(verdict: Verdict) -> Rough {
    let tens = |since: Duration| since.as_secs() / 10;
    match verdict {
        Verdict::Reissued {
            salt,
            since,
            same_attempt,
        } => Rough::Reissued(salt, tens(since), same_attempt),
        Verdict::Reused { generations, since } => Rough::Reused(generations, tens(since)),
        Verdict::Kept { since } => Rough::Kept(tens(since)),
        Verdict::Ended(ended) => Rough::Ended(ended.reason),
        other => Rough::Other(other),
    }
}

/// By how many tens of seconds two differ in how long the session had been in use.
fn idle_since(session: &crate::Session, family: &Family) -> i64 {
    let used = |session: &crate::Session| (session.last_used_at - session.started_at).num_seconds();
    (used(session) - used(&family.session)) / 10
}

/// Numbers that look random, and are the same each time: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let length = u64::try_from(from.len()).expect("a short list");
        from[usize::try_from(self.below(length)).expect("a short list")]
    }
}
