//! A client of a store: has a token, and knows what follows from it.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    Beginning, EndReason, Ending, Endings, Judged, Proposal, RefreshStore, Session, SessionId,
    Verdict, Which,
    refresh::{RefreshToken, Secret, attempt_digest, successor},
    secret::random,
};

pub(super) const GRACE: Duration = Duration::from_secs(30);
/// More than there are racers.
pub(super) const LIMIT: u32 = 100;
pub(super) const IDLE: Duration = Duration::from_secs(1000);
pub(super) const LIFE: Duration = Duration::from_secs(5000);

/// A token in the hand of somebody.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) RefreshToken);

impl Client {
    /// Begins a session, with no limit to speak of.
    pub(super) async fn begin(store: &dyn RefreshStore, subject: &str) -> Self {
        Self::begin_limited(store, subject, 1000).await.0
    }

    /// Begins a session, and tells which had to end for it.
    pub(super) async fn begin_limited(
        store: &dyn RefreshStore,
        subject: &str,
        limit: u32,
    ) -> (Self, Vec<SessionId>) {
        let (client, beginning) = Self::beginning(subject, limit);
        let begun = store.begin(&beginning).await.expect("a session begins");
        assert_eq!(begun.session.id, client.id());
        for session in &begun.ended {
            let reason = session.ended.map(|ended| ended.reason);
            assert_eq!(reason, Some(EndReason::Evicted));
        }
        let evicted = begun.ended.into_iter().map(|session| session.id);
        (client, evicted.collect())
    }

    /// What a session of these begins with.
    pub(super) fn beginning(subject: &str, limit: u32) -> (Self, Beginning) {
        let secret = Secret::random().expect("random bytes");
        let beginning = Beginning {
            id: SessionId::new(subject).expect("random bytes"),
            subject: subject.to_owned(),
            label: None,
            context: None,
            idle_timeout: IDLE,
            lifetime: LIFE,
            current: secret.digest(),
            limit: NonZeroU32::new(limit).expect("a limit"),
        };
        let client = Self(RefreshToken {
            session: beginning.id,
            generation: 0,
            secret,
        });
        (client, beginning)
    }

    pub(super) fn id(&self) -> SessionId {
        self.0.session
    }

    /// What this client would have after a rotation with this salt.
    pub(super) fn next(&self, salt: &[u8; 32]) -> Self {
        let RefreshToken {
            session,
            generation,
            ref secret,
        } = self.0;
        let secret = successor(secret, salt, session, generation + 1).expect("a successor");
        Self(RefreshToken {
            session,
            generation: generation + 1,
            secret,
        })
    }

    /// A rotation of this token.
    pub(super) fn proposal(&self) -> Proposal {
        let salt = random().expect("random bytes");
        Proposal {
            session: self.id(),
            generation: self.0.generation,
            presented: self.0.secret.digest(),
            successor: self.next(&salt).0.secret.digest(),
            salt,
            attempt: None,
            grace: GRACE,
            reissue_limit: LIMIT,
            min_age: Duration::ZERO,
            accept_ahead: false,
        }
    }

    /// A rotation of this token in an attempt that has a name.
    pub(super) fn attempt(&self, name: &str) -> Proposal {
        Proposal {
            attempt: Some(attempt_digest(self.id(), self.0.generation, name)),
            ..self.proposal()
        }
    }

    /// A rotation of a token of this session that nobody was ever given.
    pub(super) fn forged(&self, generation: u32) -> Proposal {
        Self(RefreshToken {
            session: self.id(),
            generation,
            secret: Secret::random().expect("random bytes"),
        })
        .proposal()
    }

    /// Rotates, which has to work, and has the new token.
    pub(super) async fn rotate(&mut self, store: &dyn RefreshStore) -> Session {
        let proposal = self.proposal();
        let judged = present(store, &proposal).await;
        assert_eq!(judged.verdict, Verdict::Rotated);
        *self = self.next(&proposal.salt);
        judged.session
    }

    /// The verdict on this token.
    pub(super) async fn verdict(&self, store: &dyn RefreshStore) -> Verdict {
        present(store, &self.proposal()).await.verdict
    }

    /// Why the session has ended, which it has to have.
    pub(super) async fn end_reason(&self, store: &dyn RefreshStore) -> EndReason {
        match self.verdict(store).await {
            Verdict::Ended(ended) => ended.reason,
            other => panic!("the session should have ended: {other:?}"),
        }
    }
}

/// Ends sessions as by a logout, and names those again that have ended up to so long ago.
pub(super) async fn end_again(store: &dyn RefreshStore, which: Which, again: Duration) -> Endings {
    let ending = Ending::new(which, EndReason::SignedOut).with_again(again);
    store.end(&ending).await.expect("an end")
}

/// Ends sessions as by a logout, and returns those that have ended by this.
pub(super) async fn end(store: &dyn RefreshStore, which: Which) -> Vec<Session> {
    end_again(store, which, Duration::ZERO).await.ended
}

/// What the store says to a rotation of a session that it has to know.
pub(super) async fn present(store: &dyn RefreshStore, proposal: &Proposal) -> Judged {
    let judged = store.rotate(proposal).await.expect("a verdict");
    judged.expect("the session is known")
}

/// A subject that no other case has, in whatever process.
pub(super) fn subject(case: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{case} – {process}.{count}")
}
