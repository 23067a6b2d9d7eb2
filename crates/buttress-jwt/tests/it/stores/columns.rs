//! A store as somebody else writes it: rows of plain columns, and nothing but the public API.

use std::{
    cmp::Reverse,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use buttress_jwt::{
    Beginning, Begun, Digest, EndReason, Ended, Ending, Endings, Error, Family, Judged, Proposal,
    RefreshStore, Session, SessionId,
    testing::{StoreHarness, check_store},
};
use chrono::{DateTime, TimeDelta, Utc};

use super::start;

#[derive(Debug)]
struct Row {
    id: [u8; 16],
    subject: String,
    label: Option<String>,
    context: Option<String>,
    started_at: i64,
    last_used_at: i64,
    idle_ms: u64,
    ends_at: i64,
    ended: Option<(String, i64)>,
    generation: u32,
    current: [u8; 32],
    previous: Option<[u8; 32]>,
    salt: Option<[u8; 32]>,
    rotated_at: Option<i64>,
    attempt: Option<[u8; 32]>,
    reissues: u32,
}

impl Row {
    fn write(family: Family) -> Self {
        let session = family.session;
        let ended = session.ended;
        Self {
            id: session.id.into_bytes(),
            subject: session.subject,
            label: session.label,
            context: session.context,
            started_at: session.started_at.timestamp_millis(),
            last_used_at: session.last_used_at.timestamp_millis(),
            idle_ms: u64::try_from(session.idle_timeout.as_millis()).unwrap(),
            ends_at: session.ends_at.timestamp_millis(),
            ended: ended.map(|ended| {
                let reason = ended.reason.as_str().to_owned();
                (reason, ended.at.timestamp_millis())
            }),
            generation: family.generation,
            current: *family.current.as_bytes(),
            previous: family.previous.map(|digest| *digest.as_bytes()),
            salt: family.salt,
            rotated_at: family.rotated_at.map(|at| at.timestamp_millis()),
            attempt: family.attempt.map(|digest| *digest.as_bytes()),
            reissues: family.reissues,
        }
    }

    fn read(&self) -> Family {
        let mut session = Session::new(
            SessionId::from_bytes(self.id),
            &self.subject,
            time(self.started_at),
            Duration::from_millis(self.idle_ms),
            time(self.ends_at),
        );
        session.label.clone_from(&self.label);
        session.context.clone_from(&self.context);
        session.last_used_at = time(self.last_used_at);
        let ended = self.ended.as_ref();
        session.ended =
            ended.map(|(reason, at)| Ended::new(EndReason::from_name(reason), time(*at)));
        let mut family = Family::new(session, self.current.into());
        family.generation = self.generation;
        family.previous = self.previous.map(Digest::from);
        family.salt = self.salt;
        family.rotated_at = self.rotated_at.map(time);
        family.attempt = self.attempt.map(Digest::from);
        family.reissues = self.reissues;
        family
    }
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<Row>,
    now: i64,
}

impl Table {
    fn now(&self) -> DateTime<Utc> {
        time(self.now)
    }

    /// Last used first.
    fn sessions(&self) -> Vec<Session> {
        let mut sessions: Vec<Session> = self.rows.iter().map(|row| row.read().session).collect();
        sessions.sort_by_key(|session| Reverse((session.last_used_at, session.id)));
        sessions
    }

    fn change<T>(&mut self, id: SessionId, change: impl FnOnce(&mut Family) -> T) -> Option<T> {
        let id = id.into_bytes();
        let row = self.rows.iter_mut().find(|row| row.id == id)?;
        let mut family = row.read();
        let changed = change(&mut family);
        *row = Row::write(family);
        Some(changed)
    }

    fn end(&mut self, id: SessionId, reason: EndReason) -> Option<Session> {
        let now = self.now();
        self.change(id, |family| {
            let ended = family.end(reason, now);
            ended.then(|| family.session.clone())
        })
        .flatten()
    }
}

#[derive(Clone, Debug)]
struct Columns(Arc<Mutex<Table>>);

#[async_trait]
impl RefreshStore for Columns {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        let mut table = self.0.lock().unwrap();
        let now = table.now();
        let sessions = table.sessions();
        if sessions.iter().any(|session| session.id == beginning.id) {
            return Err(Error::store(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let mut room = beginning.limit.get() - 1;
        let mut ended = Vec::new();
        for session in sessions {
            if session.subject != beginning.subject {
                continue;
            }
            if session.is_live(now) && room > 0 {
                room -= 1;
                continue;
            }
            ended.extend(table.end(session.id, EndReason::Evicted));
        }
        let row = Row::write(beginning.family(now));
        let session = row.read().session;
        table.rows.push(row);
        Ok(Begun { session, ended })
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        let mut table = self.0.lock().unwrap();
        let now = table.now();
        Ok(table.change(proposal.session, |family| Judged {
            verdict: family.rotate(proposal, now),
            session: family.session.clone(),
        }))
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        let mut table = self.0.lock().unwrap();
        let lately = TimeDelta::from_std(ending.again)
            .ok()
            .and_then(|again| table.now().checked_sub_signed(again))
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        let mut endings = Endings::default();
        for session in table.sessions() {
            if !ending.which.includes(&session) {
                continue;
            }
            if let Some(ended) = session.ended {
                if ended.at >= lately {
                    endings.earlier.push(session);
                }
                continue;
            }
            endings.ended.extend(table.end(session.id, ending.reason));
        }
        Ok(endings)
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        let table = self.0.lock().unwrap();
        let (now, mut sessions) = (table.now(), table.sessions());
        sessions.retain(|session| session.subject == subject && session.is_live(now));
        Ok(sessions)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let table = self.0.lock().unwrap();
        let mut sessions = table.sessions().into_iter();
        let session = sessions.find(|session| session.id == id);
        Ok(session.map(|session| session.as_of(table.now())))
    }
}

#[async_trait]
impl StoreHarness for Columns {
    async fn store(&self) -> Arc<dyn RefreshStore> {
        Arc::new(self.clone())
    }

    async fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.lock().unwrap().now += by;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_every_promise() {
    let start = start().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let table = Table {
        now: i64::try_from(start.as_millis()).unwrap(),
        ..Table::default()
    };
    check_store(Columns(Arc::new(Mutex::new(table)))).await;
}
