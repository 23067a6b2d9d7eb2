//! What is remembered of keys that were refused, until it no longer keeps anyone out.
//!
//! What a store has said was missing of a bucket can only have become more since, but for the time that has passed, and for
//! tokens that are put back. So who is refused by what is remembered would be refused by the store.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Levels, Quotas};

/// How many keys are looked at for one: those whose hashes meet.
const SLOTS: usize = 8;

pub(crate) struct Refusals {
    sets: Box<[Mutex<Set>]>,
}

#[derive(Default)]
struct Set {
    /// How often something was forgotten. What was asked before is not to be remembered after.
    epoch: u64,
    slots: Vec<Refusal>,
}

struct Refusal {
    hash: u64,
    /// Of which quotas the buckets are.
    quotas: u64,
    span: Span,
    missing: Levels,
}

/// Between these times the store looked at the buckets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
}

/// What nothing is known of. What is asked about it now may be remembered, unless something is forgotten meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown {
    epoch: u64,
}

impl Refusals {
    pub(crate) fn new(keys: usize) -> Self {
        let sets = keys.div_ceil(SLOTS).max(1);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// What is missing of the buckets of a key that is refused this cost for sure.
    pub(crate) fn look(
        &self,
        hash: u64,
        quotas: &Quotas,
        cost: u32,
        now: u64,
    ) -> Result<Levels, Unknown> {
        let set = self.set(hash);
        let known = set
            .slots
            .iter()
            .find(|slot| slot.hash == hash && slot.quotas == quotas.id());
        // Whether it is refused: by the earliest time at which the store may have looked.
        let refusal = known.filter(|slot| {
            let least = slot.missing.later(now.saturating_sub(slot.span.asked));
            quotas.granted(&least, cost, 1) == 0
        });
        // And until when: by the latest, so that who waits for it has waited long enough.
        refusal
            .map(|slot| slot.missing.later(now.saturating_sub(slot.span.answered)))
            .ok_or(Unknown { epoch: set.epoch })
    }

    /// Remembers what is missing now of a key that the store has refused something, or of one that is known already.
    pub(crate) fn remember(
        &self,
        hash: u64,
        unknown: Unknown,
        quotas: &Quotas,
        span: Span,
        missing: &Levels,
        refused: bool,
    ) {
        let mut set = self.set(hash);
        if set.epoch != unknown.epoch {
            return;
        }
        let known = set.slots.iter_mut().find(|slot| slot.hash == hash);
        if known.is_none() && !refused {
            return;
        }
        let refusal = Refusal {
            hash,
            quotas: quotas.id(),
            span,
            missing: *missing,
        };
        if let Some(slot) = known {
            // Answers may overtake each other.
            if slot.quotas != quotas.id() || slot.span.asked <= span.asked {
                *slot = refusal;
            }
        } else if set.slots.len() < SLOTS {
            set.slots.push(refusal);
        } else if let Some(slot) = set.slots.iter_mut().min_by_key(|slot| slot.until()) {
            *slot = refusal;
        }
    }

    /// Forgets a key, and what is being asked about it.
    pub(crate) fn forget(&self, hash: u64) {
        let mut set = self.set(hash);
        set.epoch += 1;
        set.slots.retain(|slot| slot.hash != hash);
    }

    fn set(&self, hash: u64) -> MutexGuard<'_, Set> {
        let at = ((u128::from(hash) * self.sets.len() as u128) >> 64) as usize;
        self.sets[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    /// When its buckets are full at last.
    fn until(&self) -> u64 {
        let longest = self.missing.iter().max().copied().unwrap_or(0);
        self.span.asked.saturating_add(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;

    const TENTH: u64 = 100_000_000;

    fn quotas() -> Quotas {
        Quotas::new([Quota::per_second(10)]).expect("a quota")
    }

    fn unknown(refusals: &Refusals, hash: u64, quotas: &Quotas) -> Unknown {
        refusals
            .look(hash, quotas, 1, 0)
            .expect_err("nothing is known")
    }

    fn span(asked: u64, answered: u64) -> Span {
        Span { asked, answered }
    }

    #[test]
    fn a_refusal_holds_until_it_may_have_passed() {
        let (refusals, quotas) = (Refusals::new(1), quotas());
        let first = unknown(&refusals, 7, &quotas);
        // An empty bucket, and an answer that took three nanoseconds.
        let missing: Levels = [10 * TENTH].into_iter().collect();
        refusals.remember(7, first, &quotas, span(50, 53), &missing, true);
        let look = |cost, now| refusals.look(7, &quotas, cost, now).ok();
        assert_eq!(look(1, 53), Some(missing));
        assert_eq!(look(1, 50 + TENTH - 1), Some(missing.later(TENTH - 4)));
        assert_eq!(look(1, 50 + TENTH), None);
        // More is refused for longer, and what costs nothing is not.
        assert!(look(5, 50 + 5 * TENTH - 1).is_some());
        assert_eq!(look(5, 50 + 5 * TENTH), None);
        assert_eq!(look(0, 53), None);
        assert!(refusals.look(8, &quotas, 1, 53).is_err());
    }

    #[test]
    fn what_was_asked_before_is_not_remembered_after() {
        let (refusals, quotas) = (Refusals::new(1), quotas());
        let missing: Levels = [10 * TENTH].into_iter().collect();
        let first = unknown(&refusals, 7, &quotas);
        refusals.forget(7);
        refusals.remember(7, first, &quotas, span(0, 0), &missing, true);
        let second = unknown(&refusals, 7, &quotas);
        refusals.remember(7, second, &quotas, span(0, 0), &missing, true);
        assert!(refusals.look(7, &quotas, 1, 0).is_ok());
        refusals.forget(7);
        assert!(refusals.look(7, &quotas, 1, 0).is_err());
    }

    #[test]
    fn what_is_known_is_kept_up_to_date() {
        let (refusals, quotas) = (Refusals::new(1), quotas());
        let first = unknown(&refusals, 7, &quotas);
        let levels = |nanos: u64| -> Levels { [nanos].into_iter().collect() };
        refusals.remember(7, first, &quotas, span(0, 0), &levels(5), false);
        assert!(refusals.look(7, &quotas, 10, 0).is_err());
        refusals.remember(7, first, &quotas, span(9, 9), &levels(TENTH), true);
        refusals.remember(7, first, &quotas, span(9, 9), &levels(3 * TENTH), false);
        assert_eq!(
            refusals.look(7, &quotas, 8, 9).ok(),
            Some(levels(3 * TENTH))
        );
        // What was seen before is known already.
        refusals.remember(7, first, &quotas, span(8, 9), &levels(TENTH), true);
        assert_eq!(
            refusals.look(7, &quotas, 8, 9).ok(),
            Some(levels(3 * TENTH))
        );
    }

    #[test]
    fn other_quotas_have_refused_nobody() {
        let (refusals, quotas) = (Refusals::new(1), quotas());
        let first = unknown(&refusals, 7, &quotas);
        let missing: Levels = [10 * TENTH].into_iter().collect();
        refusals.remember(7, first, &quotas, span(0, 0), &missing, true);
        assert!(refusals.look(7, &self::quotas(), 1, 0).is_err());
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (refusals, quotas) = (Refusals::new(100), quotas());
        for number in 1..=10_000_u64 {
            let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let first = unknown(&refusals, hash, &quotas);
            let missing: Levels = [10 * TENTH + number].into_iter().collect();
            refusals.remember(hash, first, &quotas, span(0, 0), &missing, true);
            assert!(refusals.look(hash, &quotas, 1, 0).is_ok());
        }
        let kept: usize = refusals
            .sets
            .iter()
            .map(|set| set.lock().unwrap().slots.len())
            .sum();
        assert_eq!(kept, 104);
    }
}
