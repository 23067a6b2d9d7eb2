//! Which sessions were live when, and what is being asked.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch::{self, Receiver, Sender},
    time::Instant,
};

use crate::{Error, Session, SessionId};

/// Whether the session is live. All who asked share what failed.
pub(super) type Answer = Result<bool, Arc<Error>>;

/// A bounded memory. What it forgets is asked again, so that it may forget anything.
pub(super) struct Memory {
    shards: Box<[Mutex<Shard>]>,
    /// Of each of the two halves of a shard.
    capacity: usize,
}

/// Two halves: what is written goes to the young one, and when that is full, the old one is forgotten.
#[derive(Default)]
struct Shard {
    young: HashMap<SessionId, Known>,
    old: HashMap<SessionId, Known>,
    /// The last question about each session that has no answer yet.
    asking: HashMap<SessionId, Asking>,
    questions: u64,
}

#[derive(Clone, Copy)]
enum Known {
    /// For ever: no session begins again.
    Ended,
    /// The answer of the store to a question of that time.
    Answered { live: bool, asked: Instant },
}

struct Asking {
    number: u64,
    asked: Instant,
    answer: Receiver<Option<Answer>>,
    /// Whether it ended here meanwhile: the answer may be older.
    ended: bool,
}

/// What becomes of somebody who asks.
pub(super) enum Asked {
    Known(bool),
    /// Somebody has asked already.
    Already(Receiver<Option<Answer>>),
    First(Question, Receiver<Option<Answer>>),
}

/// A question that is to be put to the store. Dropped without an answer, it has none.
pub(super) struct Question {
    memory: Arc<Memory>,
    id: SessionId,
    number: u64,
    asked: Instant,
    answer: Sender<Option<Answer>>,
}

impl Memory {
    pub(super) fn new(sessions: usize) -> Self {
        let shards = (sessions / 64).next_power_of_two().clamp(1, 16);
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            capacity: (sessions / shards / 2).max(1),
        }
    }

    /// Whether the session is live, if an answer of that age says so.
    pub(super) fn find(&self, id: SessionId, now: Instant, max_age: Duration) -> Option<bool> {
        self.shard(id).find(id, now, max_age)
    }

    pub(super) fn ask(self: &Arc<Self>, id: SessionId, now: Instant, max_age: Duration) -> Asked {
        let mut shard = self.shard(id);
        if let Some(live) = shard.find(id, now, max_age) {
            return Asked::Known(live);
        }
        // An older question may be answered with what was true before this one.
        if let Some(asking) = shard.asking.get(&id)
            && is_fresh(asking.asked, now, max_age)
        {
            return Asked::Already(asking.answer.clone());
        }
        let (sender, receiver) = watch::channel(None);
        shard.questions += 1;
        let number = shard.questions;
        let asking = Asking {
            number,
            asked: now,
            answer: receiver.clone(),
            ended: false,
        };
        shard.asking.insert(id, asking);
        let question = Question {
            memory: Arc::clone(self),
            id,
            number,
            asked: now,
            answer: sender,
        };
        Asked::First(question, receiver)
    }

    /// It has ended here: nothing that was asked before counts any more.
    pub(super) fn ended(&self, id: SessionId) {
        let mut shard = self.shard(id);
        if let Some(asking) = shard.asking.get_mut(&id) {
            asking.ended = true;
        }
        let forgotten = shard.insert(id, Known::Ended, self.capacity);
        drop(shard);
        drop(forgotten);
    }

    /// Ids end in random bits, whoever they are of.
    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        let [.., last] = id.into_bytes();
        let at = usize::from(last) & (self.shards.len() - 1);
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn known(&self, id: SessionId) -> Option<Known> {
        let known = self.young.get(&id).or_else(|| self.old.get(&id));
        known.copied()
    }

    fn find(&self, id: SessionId, now: Instant, max_age: Duration) -> Option<bool> {
        match self.known(id)? {
            Known::Ended => Some(false),
            Known::Answered { live, asked } => is_fresh(asked, now, max_age).then_some(live),
        }
    }

    /// What there is no room for any more comes back.
    #[must_use]
    fn insert(
        &mut self,
        id: SessionId,
        known: Known,
        capacity: usize,
    ) -> HashMap<SessionId, Known> {
        let mut forgotten = HashMap::new();
        if self.young.len() >= capacity && !self.young.contains_key(&id) {
            let young = mem::take(&mut self.young);
            forgotten = mem::replace(&mut self.old, young);
        }
        self.young.insert(id, known);
        forgotten
    }
}

impl Question {
    pub(super) fn id(&self) -> SessionId {
        self.id
    }

    /// Tells all who asked, and remembers it.
    pub(super) fn answer(self, found: Result<Option<Session>, Error>) {
        let mut shard = self.memory.shard(self.id);
        let asking = shard.asking.get(&self.id);
        let asking = asking.filter(|asking| asking.number == self.number);
        let (is_last, ended) = (asking.is_some(), asking.is_some_and(|asking| asking.ended));
        let ended = ended || matches!(shard.known(self.id), Some(Known::Ended));
        let known = match &found {
            _ if ended => Some(Known::Ended),
            Ok(Some(session)) if session.ended.is_some() => Some(Known::Ended),
            Ok(session) => Some(Known::Answered {
                live: session.is_some(),
                asked: self.asked,
            }),
            Err(_) => None,
        };
        // A later question knows more: also of an end that has been forgotten again.
        let worth = known.filter(|known| is_last || matches!(known, Known::Ended));
        let forgotten = worth.map(|known| shard.insert(self.id, known, self.memory.capacity));
        drop(shard);
        drop(forgotten);
        let answer = match known {
            Some(Known::Ended) => Ok(false),
            Some(Known::Answered { live, .. }) => Ok(live),
            None => found.map(|_| false).map_err(Arc::new),
        };
        self.answer.send_replace(Some(answer));
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut shard = self.memory.shard(self.id);
        if let Some(asking) = shard.asking.get(&self.id)
            && asking.number == self.number
        {
            shard.asking.remove(&self.id);
        }
    }
}

fn is_fresh(asked: Instant, now: Instant, max_age: Duration) -> bool {
    now.saturating_duration_since(asked) < max_age
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &(self.capacity * 2 * self.shards.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(1);

    fn id(byte: u8) -> SessionId {
        SessionId::from_bytes([byte; 16])
    }

    fn ask(memory: &Arc<Memory>, now: Instant) -> Question {
        match memory.ask(id(1), now, SHORT) {
            Asked::First(question, _) => question,
            Asked::Known(_) | Asked::Already(_) => panic!("it is no new question"),
        }
    }

    #[test]
    fn an_answer_does_not_replace_that_of_a_later_question() {
        let memory = Arc::new(Memory::new(2));
        let start = Instant::now();
        let later = start + Duration::from_secs(10);
        let (first, second) = (ask(&memory, start), ask(&memory, later));
        second.answer(Ok(None));
        first.answer(Ok(None));
        let now = later + Duration::from_secs(5);
        let max_age = Duration::from_secs(8);
        assert_eq!(memory.find(id(1), now, max_age), Some(false));
    }

    #[test]
    fn an_overtaken_answer_is_not_remembered_where_the_end_was_forgotten() {
        let memory = Arc::new(Memory::new(2));
        let start = Instant::now();
        let first = ask(&memory, start);
        let second = ask(&memory, start + SHORT);
        memory.ended(id(1));
        second.answer(Ok(None));
        memory.ended(id(2));
        memory.ended(id(3));
        assert_eq!(memory.find(id(1), start, LONG), None);
        first.answer(Ok(None));
        assert_eq!(memory.find(id(1), start, LONG), None);
    }
}
