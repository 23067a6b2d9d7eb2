//! The rules against a reference that keeps every token ever made and thinks in histories.

use proptest::{collection::vec, prelude::*};

use super::*;

/// One token of the past.
struct Made {
    digest: Digest,
    /// What replaced it: when, with which salt, in which attempt.
    replaced: Option<(i64, Salt, Option<Digest>)>,
}

struct History {
    made: Vec<Made>,
    started: i64,
    used: i64,
    ended: bool,
    /// When the newest was made, and how often it was given out again.
    made_at: i64,
    given: u32,
}

/// No salt that anybody proposes.
const KEPT: Salt = [0xff; 32];

fn min_age(proposal: &Proposal) -> i64 {
    i64::try_from(proposal.min_age.as_secs()).unwrap()
}

#[derive(Debug, PartialEq)]
enum Expected {
    Successor,
    Same(Salt),
    Ended,
    Expired,
    Forged,
    Theft,
    Lost,
}

impl History {
    fn present(&mut self, proposal: &Proposal, now: i64) -> Expected {
        if self.ended {
            return Expected::Ended;
        }
        let idle = i64::try_from(IDLE.as_secs()).unwrap();
        let life = i64::try_from(LIFE.as_secs()).unwrap();
        if now - self.used >= idle || now - self.started >= life {
            self.ended = true;
            return Expected::Expired;
        }
        let position = usize::try_from(proposal.generation).unwrap();
        let newest = self.made.len() - 1;
        let Some(token) = self.made.get_mut(position) else {
            return Expected::Lost;
        };
        let authentic = token.digest.matches(&proposal.presented);
        match token.replaced {
            None if authentic && (now - self.made_at).max(0) < min_age(proposal) => {
                self.used = now;
                Expected::Same(KEPT)
            }
            None if authentic => {
                self.made_at = now;
                self.given = 0;
                token.replaced = Some((now, proposal.salt, proposal.attempt));
                self.made.push(Made {
                    digest: proposal.successor,
                    replaced: None,
                });
                self.used = now;
                Expected::Successor
            }
            None => {
                self.ended = true;
                Expected::Forged
            }
            Some((when, salt, attempt)) if authentic && position + 1 == newest => {
                let grace = i64::try_from(proposal.grace.as_secs()).unwrap();
                let retry = attempt.is_some()
                    && Digest::both_match(attempt.as_ref(), proposal.attempt.as_ref());
                let in_time = retry || (now - when).max(0) < grace;
                if in_time && self.given < proposal.reissue_limit {
                    self.given += 1;
                    return Expected::Same(salt);
                }
                self.ended = true;
                Expected::Theft
            }
            Some(_) => {
                self.ended = true;
                Expected::Theft
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Step {
    /// Seconds, sometimes back.
    pass: i64,
    /// How many generations before the newest.
    back: i64,
    wrong_secret: bool,
    attempt: Option<u8>,
    grace: u64,
    min_age: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pass = prop_oneof![6 => 0..40_i64, 2 => 0..400_i64, 1 => 0..1500_i64, 1 => -60..0_i64];
    let back = prop_oneof![8 => Just(0_i64), 5 => Just(1), 1 => 2..5_i64, 1 => -3..0_i64];
    let attempt = proptest::option::of(0..3_u8);
    let grace = prop_oneof![4 => Just(30_u64), 1 => Just(0_u64), 1 => Just(300_u64)];
    let wrong = prop::bool::weighted(0.05);
    let min_age = prop_oneof![4 => Just(0_u64), 1 => Just(20_u64)];
    let step = (pass, back, wrong, attempt, grace, min_age).prop_map(
        |(pass, back, wrong_secret, attempt, grace, min_age)| Step {
            pass,
            back,
            wrong_secret,
            attempt,
            grace,
            min_age,
        },
    );
    vec(step, 1..60)
}

fn summary(verdict: Verdict) -> Expected {
    match verdict {
        Verdict::Rotated => Expected::Successor,
        Verdict::Reissued { salt, .. } => Expected::Same(salt),
        Verdict::Kept { .. } => Expected::Same(KEPT),
        Verdict::Ended(_) => Expected::Ended,
        Verdict::Expired => Expected::Expired,
        Verdict::Forged => Expected::Forged,
        Verdict::Reused { .. } => Expected::Theft,
        Verdict::Ahead { .. } | Verdict::CaughtUp => Expected::Lost,
    }
}

proptest! {
    #[test]
    fn counting_is_as_good_as_remembering(steps in steps()) {
        let mut family = begun();
        let mut history = History {
            made: vec![Made { digest: digest(0), replaced: None }],
            started: 0,
            used: 0,
            ended: false,
            made_at: 0,
            given: 0,
        };
        let mut now = 0;
        for (index, step) in steps.into_iter().enumerate() {
            now += step.pass;
            let newest = i64::try_from(history.made.len()).unwrap() - 1;
            let generation = (newest - step.back).max(0);
            let known = usize::try_from(generation)
                .ok()
                .and_then(|position| history.made.get(position))
                .map_or(digest(0xee), |made| made.digest);
            let number = u8::try_from(index).unwrap();
            let proposal = Proposal {
                generation: u32::try_from(generation).unwrap(),
                presented: if step.wrong_secret { digest(0xdd) } else { known },
                successor: digest(number + 1),
                salt: [number + 101; 32],
                attempt: step.attempt.map(digest),
                grace: Duration::from_secs(step.grace),
                reissue_limit: 3,
                min_age: Duration::from_secs(step.min_age),
                ..present(0)
            };
            let expected = history.present(&proposal, now);
            prop_assert_eq!(summary(family.rotate(&proposal, at(now))), expected);
            prop_assert_eq!(family.session.ended.is_some(), history.ended);
            let newest = u32::try_from(history.made.len()).unwrap() - 1;
            prop_assert_eq!(family.generation, newest);
        }
    }
}
