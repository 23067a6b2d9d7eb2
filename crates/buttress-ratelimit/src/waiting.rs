//! Waiting for tokens, in a line for each key.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use crate::{Decision, Error, Key, RateLimiter};

impl RateLimiter {
    /// [`check`](Self::check) that waits until the cost can be paid. If that takes longer than `at_most`, it is refused:
    /// at once if that is known at once.
    ///
    /// Those who wait here for one key stand in a line: each is paid after all who came before it, and is refused at once if these
    /// would leave it too little time. Others do not know of the line: those who [`check`](Self::check), and those of other processes. So who
    /// waits may wait for longer than was foreseen, though never longer than `at_most` and the calls of the store. Whoever gives up while
    /// waiting, by dropping the future, has paid nothing, unless a store outside of the process was just being asked: that may have
    /// charged it.
    ///
    /// It waits with tokio's time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress_ratelimit::{Key, Quota, RateLimiter};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), buttress_ratelimit::Error> {
    /// let limiter = RateLimiter::in_process([Quota::per_hour(3)])?;
    /// let mail = Key::from("mail");
    /// for _ in 0..3 {
    ///     assert!(limiter.wait(&mail, 1, Duration::from_secs(60)).await?.is_allowed());
    /// }
    /// // The next token is there in 20 minutes.
    /// let refused = limiter.wait(&mail, 1, Duration::from_secs(60)).await?;
    /// assert!(!refused.is_allowed());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub async fn wait(&self, key: &Key, cost: u32, at_most: Duration) -> Result<Decision, Error> {
        // Without an end when that lies beyond all times.
        let end = Instant::now().checked_add(at_most);
        if !self.lines().is_there(key) {
            // Nobody has to be waited for.
            let decision = self.check(key, cost).await?;
            if decision.retry_after().is_none_or(|wait| wait > at_most) {
                return Ok(decision);
            }
        }
        let (mut place, ahead) = self.lines().join(key, cost);
        if let Some(ahead) = ahead {
            let foreseen = self.peek(key).await?.behind(ahead, cost);
            if let Some(refused) = foreseen
                && refused.retry_after().is_some_and(|wait| wait > at_most)
            {
                return Ok(refused);
            }
            if !place.turn(end).await {
                let refused = self.peek(key).await?.behind(place.ahead(), cost);
                return match refused {
                    Some(refused) => Ok(refused),
                    // There is enough for all of them, who only are slow to take it.
                    None => self.check(key, cost).await,
                };
            }
        }
        loop {
            let decision = self.check(key, cost).await?;
            let Some(wait) = decision.retry_after() else {
                return Ok(decision);
            };
            let until = Instant::now().checked_add(wait);
            if end.is_some_and(|end| until.is_none_or(|until| until > end)) {
                return Ok(decision);
            }
            sleep(wait).await;
        }
    }
}

/// Who waits, in order of arrival, for each key.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Mutex<HashMap<Key, Line>>,
}

#[derive(Default)]
struct Line {
    /// What all of them wait for.
    tokens: u64,
    next: u64,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    number: u64,
    cost: u32,
    /// Gone when its turn has come.
    turn: Option<oneshot::Sender<()>>,
}

/// A place in the line of a key, until it is dropped.
struct Place<'a> {
    lines: &'a Lines,
    key: &'a Key,
    number: u64,
    turn: oneshot::Receiver<()>,
}

impl Lines {
    /// Takes the last place, and answers for how many tokens those before it wait, if there are any.
    fn join<'a>(&'a self, key: &'a Key, cost: u32) -> (Place<'a>, Option<u32>) {
        let mut lines = self.lock();
        let line = lines.entry(key.clone()).or_default();
        let ahead = u32::try_from(line.tokens).unwrap_or(u32::MAX);
        let ahead = (!line.waiting.is_empty()).then_some(ahead);
        let number = line.next;
        let (sender, turn) = oneshot::channel();
        line.tokens += u64::from(cost);
        line.next += 1;
        line.waiting.push_back(Waiting {
            number,
            cost,
            turn: Some(sender),
        });
        let place = Place {
            lines: self,
            key,
            number,
            turn,
        };
        (place, ahead)
    }

    /// Whether anybody waits for this key.
    fn is_there(&self, key: &Key) -> bool {
        self.lock().contains_key(key)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Whether its turn has come before the end.
    async fn turn(&mut self, end: Option<Instant>) -> bool {
        match end {
            Some(end) => timeout_at(end, &mut self.turn).await.is_ok(),
            None => (&mut self.turn).await.is_ok(),
        }
    }

    /// For how many tokens those before it wait.
    fn ahead(&self) -> u32 {
        let lines = self.lines.lock();
        let before = lines.get(self.key).into_iter().flat_map(|line| {
            let waiting = line.waiting.iter();
            waiting.take_while(|waiting| waiting.number != self.number)
        });
        let tokens = before.map(|waiting| u64::from(waiting.cost)).sum::<u64>();
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        let Some(line) = lines.get_mut(self.key) else {
            return;
        };
        let waiting = &mut line.waiting;
        // The numbers rise along the line.
        let Ok(at) = waiting.binary_search_by_key(&self.number, |waiting| waiting.number) else {
            return;
        };
        let Some(left) = waiting.remove(at) else {
            return;
        };
        line.tokens -= u64::from(left.cost);
        let next = waiting.front_mut().filter(|_| at == 0);
        let turn = next.and_then(|next| next.turn.take());
        if line.waiting.is_empty() {
            lines.remove(self.key);
        }
        drop(lines);
        if let Some(turn) = turn {
            // Not there any more only if it leaves just now, and then it sees to the next one.
            let _ = turn.send(());
        }
    }
}
