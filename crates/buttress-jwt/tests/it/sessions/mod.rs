//! `Sessions`, from the login to the logout.

mod attacks;
mod endings;
mod failures;
mod idle;
mod listeners;
mod lost;
mod refreshes;
mod revocation;
mod tokens;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use buttress_jwt::{
    Algorithm, Claims, Clock, Issuer, KeyRing, MemoryRefreshStore, RefreshKeys, RefreshStore,
    SessionEvent, Sessions, SigningKey, TokenPair, Verifier,
};

/// Everything that a login needs, on a clock that a test moves.
struct Login {
    sessions: Sessions,
    verifier: Verifier,
    issuer: Issuer,
    store: MemoryRefreshStore,
    /// Of the issuer and the verifier.
    here: Hand,
    /// Of the store.
    there: Hand,
    told: Arc<Mutex<Vec<String>>>,
}

/// The hand of a clock.
#[derive(Clone)]
struct Hand(Arc<Mutex<SystemTime>>);

impl Hand {
    fn new() -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Self(Arc::new(Mutex::new(start)))
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::new(move || *hand.0.lock().unwrap())
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }

    fn set_back(&self, by: Duration) {
        *self.0.lock().unwrap() -= by;
    }
}

impl Login {
    fn new() -> Self {
        Self::with_store(|store| store)
    }

    /// With something around the store.
    fn with_store<S: RefreshStore>(around: impl FnOnce(MemoryRefreshStore) -> S) -> Self {
        let (here, there) = (Hand::new(), Hand::new());
        let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA).unwrap())
            .unwrap()
            .with_clock(here.clock());
        let verifier =
            Verifier::new("https://api.example.com", "shop", keys.clone()).with_clock(here.clock());
        let issuer = Issuer::new("https://api.example.com", "shop", keys).with_clock(here.clock());
        let store = MemoryRefreshStore::new().with_clock(there.clock());
        let told = Arc::new(Mutex::new(Vec::new()));
        let sessions = Sessions::new(issuer.clone(), refresh_keys(), around(store.clone()))
            .with_events({
                let told = Arc::clone(&told);
                move |event: &SessionEvent<'_>| told.lock().unwrap().push(summary(event))
            });
        Self {
            sessions,
            verifier,
            issuer,
            store,
            here,
            there,
            told,
        }
    }

    /// Lets time pass for all.
    fn advance(&self, by: Duration) {
        self.here.advance(by);
        self.there.advance(by);
    }

    fn claims(&self, pair: &TokenPair) -> Claims {
        self.verifier.verify(&pair.access_token.token).unwrap()
    }

    /// What was told since the last time.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

fn refresh_keys() -> RefreshKeys {
    RefreshKeys::new(1, [7; 32]).unwrap()
}

pub(crate) fn summary(event: &SessionEvent<'_>) -> String {
    match event {
        SessionEvent::Started { session, .. } => format!("started {}", session.subject),
        SessionEvent::Rotated { .. } => "rotated".to_owned(),
        SessionEvent::Kept { since, .. } => format!("kept after {} s", since.as_secs()),
        SessionEvent::CaughtUp { .. } => "caught up".to_owned(),
        SessionEvent::Reissued { cause, since, .. } => {
            format!("reissued: {cause} after {} s", since.as_secs())
        }
        SessionEvent::Refused {
            refusal, session, ..
        } => match session {
            Some(session) => format!("refused {}: {refusal}", session.subject),
            None => format!("refused: {refusal}"),
        },
        SessionEvent::Ended {
            session,
            reason,
            again,
            ..
        } => {
            let again = if *again { " again" } else { "" };
            format!("ended {}{again}: {reason}", session.subject)
        }
        other => format!("{other:?}"),
    }
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
