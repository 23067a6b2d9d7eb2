//! What a script answers.

use buttress_redis::Reply;

use super::kept;
use crate::{Levels, Quotas};

pub(super) enum Answer {
    /// What was missing of the buckets.
    Missing(Levels),
    /// There are none yet, but this was kept of the quotas before.
    OfBefore {
        now: u64,
        kept: Vec<u8>,
        /// Which of those before.
        at: usize,
    },
}

impl Answer {
    /// What was missing, where nothing else is answered.
    pub(super) fn missing(reply: Reply, quotas: &Quotas) -> Option<Levels> {
        match Self::read(reply, quotas)? {
            Self::Missing(levels) => Some(levels),
            Self::OfBefore { .. } => None,
        }
    }

    /// `None` if it is nothing that a script answers, or if what is kept was written by somebody else.
    pub(super) fn read(reply: Reply, quotas: &Quotas) -> Option<Self> {
        let levels = match reply {
            Reply::Number(missing) => [u64::try_from(missing).ok()?].into_iter().collect(),
            Reply::Row(row) => match <[Reply; 4]>::try_from(row) {
                Ok([seconds, micros, value, Reply::Nothing]) if seconds.bytes().is_some() => {
                    kept::missing(value.bytes(), quotas, time(&seconds, &micros)?)?
                }
                Ok([seconds, micros, Reply::Bytes(kept), at]) => {
                    let now = time(&seconds, &micros)?;
                    let at = usize::try_from(at.number()?).ok()?;
                    return Some(Self::OfBefore { now, kept, at });
                }
                Ok(levels) => numbers(&levels)?,
                Err(levels) => numbers(&levels)?,
            },
            Reply::Bytes(_) | Reply::Nothing => return None,
        };
        (levels.len() == quotas.len()).then_some(Self::Missing(levels))
    }
}

fn time(seconds: &Reply, micros: &Reply) -> Option<u64> {
    let number = |reply: &Reply| u64::try_from(reply.number()?).ok();
    Some(kept::time(number(seconds)?, number(micros)?))
}

fn numbers(replies: &[Reply]) -> Option<Levels> {
    let numbers = replies.iter().map(Reply::number);
    numbers.map(|number| u64::try_from(number?).ok()).collect()
}
