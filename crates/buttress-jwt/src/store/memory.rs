use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{RefreshStore, ended_lately, last_used_first};
use crate::{
    Beginning, Begun, Clock, EndReason, Ending, Endings, Error, ErrorKind, Family, Judged,
    Proposal, Session, SessionId, Which,
};

/// Sessions in the memory of this process: for tests, and for a server of one process whose users may log in
/// anew when it restarts.
///
/// Clones share what they keep. Of a session that is past its absolute end nothing is kept for long: each new
/// one makes room.
#[derive(Clone)]
pub struct MemoryRefreshStore {
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    families: HashMap<SessionId, Family>,
    of_subject: HashMap<String, BTreeSet<SessionId>>,
    by_end: BTreeSet<(DateTime<Utc>, SessionId)>,
}

impl MemoryRefreshStore {
    /// An empty one, on the clock of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: Clock::system(),
            kept: Arc::default(),
        }
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What is kept. Nobody waits while holding it, nor panics: every change is made of whole steps.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore")
            .field("sessions", &self.kept().families.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RefreshStore for MemoryRefreshStore {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        kept.forget(now);
        if kept.families.contains_key(&beginning.id) {
            return Err(Error::new(
                ErrorKind::InvalidSession,
                "a session of that id is kept already",
            ));
        }

        let live = kept.live(&beginning.subject, now);
        let room = usize::try_from(beginning.limit.get() - 1).unwrap_or(usize::MAX);
        let stay: BTreeSet<SessionId> = live.iter().take(room).map(|session| session.id).collect();
        let others: Vec<SessionId> = kept.ids(&beginning.subject).collect();
        let mut ended: Vec<Session> = others
            .into_iter()
            .filter(|id| !stay.contains(id))
            .filter_map(|id| kept.end(id, EndReason::Evicted, now))
            .collect();
        last_used_first(&mut ended);

        let family = beginning.family(now);
        let session = family.session.clone();
        kept.insert(family);
        Ok(Begun { session, ended })
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        let family = kept.families.get_mut(&proposal.session);
        Ok(family.map(|family| Judged {
            verdict: family.rotate(proposal, now),
            session: family.session.clone(),
        }))
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        let mut kept = self.kept();
        let now = self.clock.now();
        let ids: Vec<SessionId> = match &ending.which {
            Which::One(id) | Which::OneOf { id, .. } => vec![*id],
            Which::AllOf { subject, .. } => kept.ids(subject).collect(),
        };
        let mut endings = Endings::default();
        for id in ids {
            let Some(family) = kept.families.get_mut(&id) else {
                continue;
            };
            if !ending.which.includes(&family.session) {
                continue;
            }
            if family.end(ending.reason, now) {
                endings.ended.push(family.session.clone());
            } else if ended_lately(&family.session, now, ending.again) {
                endings.earlier.push(family.session.clone());
            }
        }
        last_used_first(&mut endings.ended);
        last_used_first(&mut endings.earlier);
        Ok(endings)
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        let kept = self.kept();
        Ok(kept.live(subject, self.clock.now()))
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let kept = self.kept();
        let now = self.clock.now();
        let family = kept.families.get(&id);
        Ok(family.map(|family| family.session.clone().as_of(now)))
    }
}

impl Kept {
    fn ids(&self, subject: &str) -> impl Iterator<Item = SessionId> {
        self.of_subject.get(subject).into_iter().flatten().copied()
    }

    /// Last used first.
    fn live(&self, subject: &str, now: DateTime<Utc>) -> Vec<Session> {
        let mut live: Vec<Session> = self
            .ids(subject)
            .filter_map(|id| self.families.get(&id))
            .map(|family| &family.session)
            .filter(|session| session.is_live(now))
            .cloned()
            .collect();
        last_used_first(&mut live);
        live
    }

    fn end(&mut self, id: SessionId, reason: EndReason, now: DateTime<Utc>) -> Option<Session> {
        let family = self.families.get_mut(&id)?;
        let ended = family.end(reason, now);
        ended.then(|| family.session.clone())
    }

    fn insert(&mut self, family: Family) {
        let id = family.session.id;
        self.by_end.insert((family.session.ends_at, id));
        self.of_subject
            .entry(family.session.subject.clone())
            .or_default()
            .insert(id);
        self.families.insert(id, family);
    }

    /// Forgets what is past its absolute end.
    fn forget(&mut self, now: DateTime<Utc>) {
        while let Some(&(ends_at, id)) = self.by_end.first()
            && ends_at <= now
        {
            self.by_end.pop_first();
            let Some(family) = self.families.remove(&id) else {
                continue;
            };
            let subject = &family.session.subject;
            if let Some(ids) = self.of_subject.get_mut(subject) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.of_subject.remove(subject);
                }
            }
        }
    }
}
