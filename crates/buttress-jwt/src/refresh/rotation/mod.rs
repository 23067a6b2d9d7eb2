//! The rules of rotation, as a function of what is kept, what is presented, and the time.
//!
//! A session with everything that rotation needs is a *family* of tokens, each the successor of the one
//! before. What is kept of it never grows: the generations are counted, and of all secrets only the hashes of
//! the newest and of its parent are known. The MAC vouches for tokens that are older.

use std::{fmt, time::Duration};

use aws_lc_rs::constant_time;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Digest, EndReason, Ended, Salt, Session, SessionId};

/// A session as a store keeps it: with what its next rotation is judged by.
///
/// No field is a secret that opens anything: hashes, a salt, times and counts. A store may keep it in columns
/// of its own or as serde writes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Family {
    /// The session.
    pub session: Session,
    /// How often it has been rotated.
    pub generation: u32,
    /// SHA-256 of the secret in the newest token.
    pub current: Digest,
    /// SHA-256 of the secret in the token before that.
    pub previous: Option<Digest>,
    /// What the newest secret was derived with from the one before it.
    pub salt: Option<Salt>,
    /// When the newest token replaced the one before it.
    pub rotated_at: Option<DateTime<Utc>>,
    /// A hash of the client's name for the attempt that did this.
    pub attempt: Option<Digest>,
    /// How often the newest token was given out again.
    pub reissues: u32,
}

/// A token that was presented, and what is to follow it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Proposal {
    /// The session that the token names. Its MAC has been checked.
    pub session: SessionId,
    /// The generation that the token names. Its MAC has been checked.
    pub generation: u32,
    /// SHA-256 of the token's secret.
    pub presented: Digest,
    /// SHA-256 of the secret that follows from the token's with this salt.
    pub successor: Digest,
    /// Random bytes, new for this attempt.
    pub salt: Salt,
    /// A hash of the client's name for this attempt, which it uses again if it has to retry.
    pub attempt: Option<Digest>,
    /// How long the parent of the newest token is taken for a racer or a retry.
    pub grace: Duration,
}

/// What becomes of a token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It was the newest, and has been replaced by the successor that was proposed.
    Rotated,
    /// It is the parent of the newest, and comes from a racer or as a retry: its holder gets the same
    /// successor as whoever came first, derived with this salt.
    Reissued {
        /// What the newest secret was derived with.
        salt: Salt,
        /// How long ago the newest token replaced this one.
        since: Duration,
        /// Whether it came with the same name for the attempt as the first one.
        same_attempt: bool,
    },
    /// The session had ended before.
    Ended(Ended),
    /// The session has ended by time, which is kept from now on.
    Expired,
    /// It claims a generation whose secret is another one. The key of the MAC is known to someone else, or the
    /// store was restored and went on from there. Nothing is changed.
    Forged,
    /// It was replaced, and comes too late or is too old for a race or a retry: it has two holders. The
    /// session is ended by this.
    Reused {
        /// How many times the session had been rotated since this was its newest token.
        generations: u32,
        /// How long ago the newest token came into being.
        since: Duration,
    },
    /// It is newer than anything that the store has seen: the store has lost writes. Nothing is changed.
    Ahead {
        /// How many rotations were lost, at least.
        generations: u32,
    },
}

impl Family {
    /// Judges a rotation of this family, and changes the family as the verdict says.
    ///
    /// A store that reads a family, calls this and writes the family back, in one transaction that no other
    /// writer of the family can interleave with, does all that [`RefreshStore::rotate`] promises.
    ///
    /// [`RefreshStore::rotate`]: crate::RefreshStore::rotate
    #[must_use]
    pub fn rotate(&mut self, proposal: &Proposal, now: DateTime<Utc>) -> Verdict {
        let verdict = self.judge(proposal, now);
        match verdict {
            Verdict::Rotated => {
                // `judge` has seen to it that there is a next generation.
                self.generation = self.generation.saturating_add(1);
                self.previous = Some(self.current);
                self.current = proposal.successor;
                self.salt = Some(proposal.salt);
                self.rotated_at = Some(now);
                self.attempt = proposal.attempt;
                self.reissues = 0;
                self.session.last_used_at = now;
            }
            // The time of the rotation stays, or each retry would prolong the grace.
            Verdict::Reissued { .. } => self.reissues = self.reissues.saturating_add(1),
            Verdict::Expired => {
                self.end(EndReason::Expired, now);
            }
            Verdict::Reused { .. } => {
                self.end(EndReason::Reused, now);
            }
            Verdict::Ended(_) | Verdict::Forged | Verdict::Ahead { .. } => {}
        }
        verdict
    }

    /// Ends the session, unless it has ended, and says whether it did. One that is past its time ends for that
    /// reason, so that no clock that is set back revives it.
    pub fn end(&mut self, reason: EndReason, now: DateTime<Utc>) -> bool {
        if self.session.ended.is_some() {
            return false;
        }
        let reason = match self.session.is_live(now) {
            true => reason,
            false => EndReason::Expired,
        };
        self.session.ended = Some(Ended { reason, at: now });
        true
    }

    fn judge(&self, proposal: &Proposal, now: DateTime<Utc>) -> Verdict {
        if let Some(ended) = self.session.ended {
            return Verdict::Ended(ended);
        }
        // No session lives to be rotated as often as can be counted; if one did, it would have to begin anew.
        if !self.session.is_live(now) || self.generation == u32::MAX {
            return Verdict::Expired;
        }
        if proposal.generation > self.generation {
            let generations = proposal.generation - self.generation;
            return Verdict::Ahead { generations };
        }
        if proposal.generation == self.generation {
            return if same(&proposal.presented, &self.current) {
                Verdict::Rotated
            } else {
                Verdict::Forged
            };
        }

        let since = elapsed(self.rotated_at.unwrap_or(self.session.started_at), now);
        let generations = self.generation - proposal.generation;
        if generations == 1
            && let (Some(previous), Some(salt)) = (&self.previous, self.salt)
            && same(&proposal.presented, previous)
        {
            let same_attempt = match (&proposal.attempt, &self.attempt) {
                (Some(attempt), Some(first)) => same(attempt, first),
                _ => false,
            };
            if since < proposal.grace || same_attempt {
                return Verdict::Reissued {
                    salt,
                    since,
                    same_attempt,
                };
            }
        }
        Verdict::Reused { generations, since }
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .field("rotated_at", &self.rotated_at)
            .field("reissues", &self.reissues)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proposal")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

fn same(a: &Digest, b: &Digest) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// How long ago something was; nothing, if the clock has been set back since.
fn elapsed(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refresh::session::later;

    mod history;

    const GRACE: Duration = Duration::from_secs(30);
    const IDLE: Duration = Duration::from_secs(1000);
    const LIFE: Duration = Duration::from_secs(5000);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn digest(byte: u8) -> Digest {
        [byte; 32]
    }

    pub(super) fn begun() -> Family {
        Family {
            session: Session {
                id: SessionId::from_bytes([1; 16]),
                subject: "user-1".to_owned(),
                label: None,
                context: None,
                started_at: at(0),
                last_used_at: at(0),
                idle_timeout: IDLE,
                ends_at: later(at(0), LIFE),
                ended: None,
            },
            generation: 0,
            current: digest(0),
            previous: None,
            salt: None,
            rotated_at: None,
            attempt: None,
            reissues: 0,
        }
    }

    /// The token of a generation whose secret has the hash `generation` times one byte.
    pub(super) fn present(generation: u8) -> Proposal {
        Proposal {
            session: SessionId::from_bytes([1; 16]),
            generation: u32::from(generation),
            presented: digest(generation),
            successor: digest(generation + 1),
            salt: digest(100 + generation),
            attempt: None,
            grace: GRACE,
        }
    }

    fn with_attempt(proposal: Proposal, attempt: u8) -> Proposal {
        Proposal {
            attempt: Some(digest(attempt)),
            ..proposal
        }
    }

    fn with_grace(proposal: Proposal, grace: Duration) -> Proposal {
        Proposal { grace, ..proposal }
    }

    /// At generation 2, rotated at 100 and, with the attempt 9, at 200.
    fn grown() -> Family {
        let mut family = begun();
        assert_eq!(family.rotate(&present(0), at(100)), Verdict::Rotated);
        let second = with_attempt(present(1), 9);
        assert_eq!(family.rotate(&second, at(200)), Verdict::Rotated);
        family
    }

    fn reissued(since: u64, same_attempt: bool) -> Verdict {
        Verdict::Reissued {
            salt: digest(101),
            since: Duration::from_secs(since),
            same_attempt,
        }
    }

    fn reused(generations: u32, since: u64) -> Verdict {
        Verdict::Reused {
            generations,
            since: Duration::from_secs(since),
        }
    }

    #[test]
    fn a_rotation_keeps_two_generations_and_moves_the_idle_end_alone() {
        let family = grown();
        assert_eq!(family.generation, 2);
        assert_eq!(family.current, digest(2));
        assert_eq!(family.previous, Some(digest(1)));
        assert_eq!(family.salt, Some(digest(101)));
        assert_eq!(family.rotated_at, Some(at(200)));
        assert_eq!(family.attempt, Some(digest(9)));
        assert_eq!(family.session.last_used_at, at(200));
        assert_eq!(family.session.started_at, at(0));
        assert_eq!(family.session.ends_at, later(at(0), LIFE));
    }

    #[test]
    fn every_case_has_its_verdict() {
        let wrong = |proposal: Proposal| Proposal {
            presented: digest(77),
            ..proposal
        };
        let strict = Duration::ZERO;
        let ahead = |generations| Verdict::Ahead { generations };
        let cases = [
            ("the newest", present(2), 300, Verdict::Rotated),
            ("the newest at once", present(2), 200, Verdict::Rotated),
            (
                "the newest before it was made",
                present(2),
                50,
                Verdict::Rotated,
            ),
            ("a racer", present(1), 200, reissued(0, false)),
            ("a retry", present(1), 229, reissued(29, false)),
            (
                "a retry after the clock was set back",
                present(1),
                50,
                reissued(0, false),
            ),
            ("at the end of the grace", present(1), 230, reused(1, 30)),
            ("after the grace", present(1), 231, reused(1, 31)),
            (
                "without grace",
                with_grace(present(1), strict),
                200,
                reused(1, 0),
            ),
            (
                "a proven retry without grace",
                with_grace(with_attempt(present(1), 9), strict),
                200,
                reissued(0, true),
            ),
            (
                "a proven retry, late",
                with_attempt(present(1), 9),
                1199,
                reissued(999, true),
            ),
            (
                "a proven retry in the grace",
                with_attempt(present(1), 9),
                210,
                reissued(10, true),
            ),
            (
                "another attempt, late",
                with_attempt(present(1), 8),
                300,
                reused(1, 100),
            ),
            (
                "another attempt in the grace",
                with_attempt(present(1), 8),
                210,
                reissued(10, false),
            ),
            (
                "the grandparent in the grace",
                present(0),
                201,
                reused(2, 1),
            ),
            (
                "the grandparent with the attempt",
                with_attempt(present(0), 9),
                201,
                reused(2, 1),
            ),
            ("a wrong secret", wrong(present(2)), 300, Verdict::Forged),
            (
                "a wrong secret of the parent",
                wrong(present(1)),
                201,
                reused(1, 1),
            ),
            (
                "a wrong secret with the attempt",
                wrong(with_attempt(present(1), 9)),
                201,
                reused(1, 1),
            ),
            ("one ahead", present(3), 300, ahead(1)),
            ("more ahead", present(7), 300, ahead(5)),
            (
                "the newest just in time",
                present(2),
                1199,
                Verdict::Rotated,
            ),
            (
                "the newest when idle for too long",
                present(2),
                1200,
                Verdict::Expired,
            ),
            (
                "the parent when idle for too long",
                with_attempt(present(1), 9),
                1200,
                Verdict::Expired,
            ),
            (
                "the grandparent when idle for too long",
                present(0),
                1200,
                Verdict::Expired,
            ),
            (
                "one ahead when idle for too long",
                present(3),
                1200,
                Verdict::Expired,
            ),
        ];
        for (case, proposal, time, expected) in cases {
            let before = grown();
            let mut family = before.clone();
            assert_eq!(family.rotate(&proposal, at(time)), expected, "{case}");
            let ended = family.session.ended.map(|ended| (ended.reason, ended.at));
            match expected {
                Verdict::Rotated => assert_eq!(family.generation, 3, "{case}"),
                Verdict::Reissued { .. } => {
                    let reissues = 1;
                    assert_eq!(family, Family { reissues, ..before }, "{case}");
                }
                Verdict::Reused { .. } => {
                    assert_eq!(ended, Some((EndReason::Reused, at(time))), "{case}");
                }
                Verdict::Expired => {
                    assert_eq!(ended, Some((EndReason::Expired, at(time))), "{case}");
                }
                _ => assert_eq!(family, before, "{case}"),
            }
        }
    }

    #[test]
    fn the_absolute_end_comes_however_much_it_is_used() {
        let mut family = begun();
        for generation in 0..6 {
            let time = i64::from(generation) * 900;
            assert_eq!(
                family.rotate(&present(generation), at(time)),
                Verdict::Rotated
            );
        }
        let mut early = family.clone();
        assert_eq!(early.rotate(&present(6), at(4999)), Verdict::Rotated);
        assert_eq!(early.session.ends_at, at(5000));
        assert_eq!(early.session.expires_at(), at(5000));
        assert_eq!(family.rotate(&present(6), at(5000)), Verdict::Expired);
    }

    #[test]
    fn what_has_ended_stays_ended_for_the_first_reason() {
        let mut family = grown();
        assert!(family.end(EndReason::SignedOut, at(300)));
        let ended = family.clone();
        for proposal in [present(0), present(1), present(2), present(3)] {
            for time in [0, 300, 301, 9000] {
                let first = Ended {
                    reason: EndReason::SignedOut,
                    at: at(300),
                };
                assert_eq!(family.rotate(&proposal, at(time)), Verdict::Ended(first));
            }
        }
        assert!(!family.end(EndReason::Evicted, at(400)));
        assert_eq!(family, ended);
    }

    #[test]
    fn what_is_past_its_time_ends_for_that_reason() {
        let mut family = grown();
        assert!(family.end(EndReason::SignedOut, at(1200)));
        let ended = family.session.ended.unwrap();
        assert_eq!((ended.reason, ended.at), (EndReason::Expired, at(1200)));
        let verdict = family.rotate(&present(2), at(300));
        assert_eq!(verdict, Verdict::Ended(ended));
    }

    #[test]
    fn a_clock_that_is_set_back_revives_nothing() {
        let mut family = grown();
        assert_eq!(family.rotate(&present(2), at(1200)), Verdict::Expired);
        let verdict = family.rotate(&present(2), at(300));
        assert!(matches!(verdict, Verdict::Ended(_)), "{verdict:?}");
    }

    #[test]
    fn retries_do_not_prolong_the_grace() {
        let mut family = grown();
        for time in 200..230 {
            let since = u64::try_from(time - 200).unwrap();
            assert_eq!(family.rotate(&present(1), at(time)), reissued(since, false));
        }
        assert_eq!(family.reissues, 30);
        assert_eq!(family.rotate(&present(1), at(230)), reused(1, 30));
    }

    #[test]
    fn the_last_number_is_an_end_and_no_beginning() {
        let mut family = grown();
        family.generation = u32::MAX;
        let last = Proposal {
            generation: u32::MAX,
            ..present(2)
        };
        assert_eq!(family.rotate(&last, at(300)), Verdict::Expired);
    }

    #[test]
    fn what_opens_something_is_not_shown() {
        let shown = format!("{:?} {:?}", grown(), with_attempt(present(1), 9));
        assert!(!shown.contains("101, 101"), "{shown}");
        assert!(!shown.contains("1, 1, 1"), "{shown}");
    }
}
