//! The rules of rotation, as a function of what is kept, what is presented, and the time.
//!
//! A session with everything that rotation needs is a *family* of tokens, each the successor of the one
//! before. What is kept of it never grows: the generations are counted, and of all secrets only the hashes of
//! the newest and of its parent are known. The MAC vouches for tokens that are older.

mod family;
mod proposal;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{EndReason, Ended};
pub use family::Family;
pub use proposal::{Proposal, Verdict};

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
            Verdict::Rotated | Verdict::CaughtUp => {
                // `judge` has seen to it that there is a next generation.
                self.generation = proposal.generation.saturating_add(1);
                self.previous = Some(proposal.presented);
                self.current = proposal.successor;
                self.salt = Some(proposal.salt);
                self.rotated_at = Some(now);
                self.attempt = proposal.attempt;
                self.reissues = 0;
                self.session.last_used_at = now;
            }
            Verdict::Kept { .. } => self.session.last_used_at = now,
            // The time of the rotation stays, or each retry would prolong the grace.
            Verdict::Reissued { .. } => self.reissues = self.reissues.saturating_add(1),
            Verdict::Expired => {
                self.end(EndReason::Expired, now);
            }
            Verdict::Reused { .. } => {
                self.end(EndReason::Reused, now);
            }
            Verdict::Forged => {
                self.end(EndReason::Forged, now);
            }
            Verdict::Ended(_) | Verdict::Ahead { .. } => {}
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
            let has_next = proposal.generation < u32::MAX;
            return if generations == 1 && has_next && proposal.accept_ahead {
                Verdict::CaughtUp
            } else {
                Verdict::Ahead { generations }
            };
        }
        let since = elapsed(self.rotated_at.unwrap_or(self.session.started_at), now);
        if proposal.generation == self.generation {
            return if !proposal.presented.matches(&self.current) {
                Verdict::Forged
            } else if since < proposal.min_age {
                Verdict::Kept { since }
            } else {
                Verdict::Rotated
            };
        }

        let generations = self.generation - proposal.generation;
        if generations == 1
            && let (Some(previous), Some(salt)) = (&self.previous, self.salt)
            && proposal.presented.matches(previous)
        {
            let same_attempt = match (&proposal.attempt, &self.attempt) {
                (Some(attempt), Some(first)) => attempt.matches(first),
                _ => false,
            };
            let in_time = since < proposal.grace || same_attempt;
            if in_time && self.reissues < proposal.reissue_limit {
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

/// How long ago something was; nothing, if the clock has been set back since.
fn elapsed(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
