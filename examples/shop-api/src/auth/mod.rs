//! Signing in: whose password it is, the sessions that follow, and the tokens that they are made of.
//! No HTTP.

mod accounts;
mod keys;
mod passwords;
pub mod scopes;

use std::time::Duration;

use buttress_jwt::{
    BearerLayer, Clock, Error, Grant, Issuer, JwksService, KeyRing, Session, Sessions, SigningKey,
    Verifier,
};
use chrono::TimeDelta;

pub use self::{
    accounts::{DEMO_USER, ensure_admin, ensure_demo_user},
    keys::{RootKeys, signing_key},
    passwords::{Comparison, Cost, PasswordError, Passwords},
};
use crate::store::{Store, StoreError};

/// What the issuer of our tokens is called: put your own host here. Verifiers compare it byte by
/// byte.
pub const ISSUER: &str = "https://shop.example.com";

/// Whom our tokens are for.
pub const AUDIENCE: &str = "shop-api";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A session ends when it is not continued for so long, and after so long however much it is used.
const IDLE_TIMEOUT: Duration = DAY.saturating_mul(30);
const LIFETIME: Duration = DAY.saturating_mul(90);

/// For how long the refresh token that was just replaced still does: two tabs, a lost answer.
const GRACE: Duration = Duration::from_secs(10);

/// How long after a session has ended on another instance its access tokens may pass here. On this
/// one they do not pass at all.
const END_IS_KNOWN: Duration = Duration::from_millis(500);

/// How many tokens are remembered as good: their signatures are not verified again.
const REMEMBERED: usize = 10_000;

/// What signing in takes. Clones share everything.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// Begins, continues and ends sessions.
    pub sessions: Sessions,
    bearer: BearerLayer,
    keys: KeyRing,
    clock: Clock,
}

/// What an [`Auth`] is made of.
#[derive(Debug, Clone)]
pub struct AuthParts {
    /// Signs access tokens.
    pub signing_key: SigningKey,
    /// Make refresh tokens authentic.
    pub root_keys: RootKeys,
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// The time.
    pub clock: Clock,
}

impl Auth {
    /// Signs in with these, and keeps sessions in this store.
    ///
    /// # Errors
    ///
    /// When the signing key does not verify what it signs.
    pub fn new(store: &Store, parts: AuthParts) -> Result<Self, Error> {
        let AuthParts {
            signing_key,
            root_keys,
            passwords,
            clock,
        } = parts;
        let keys = KeyRing::new(signing_key)?.with_clock(clock.clone());
        let issuer = Issuer::new(ISSUER, AUDIENCE, keys.clone()).with_clock(clock.clone());
        let verifier = Verifier::new(ISSUER, AUDIENCE, keys.clone()).with_clock(clock.clone());
        let kept = store.sessions().with_clock(clock.clone());
        let users = store.clone();
        let sessions = Sessions::new(issuer, root_keys.refresh(), kept)
            .with_claims(move |session: Session| claims(users.clone(), session))
            .with_grace(GRACE)?
            .with_idle_timeout(IDLE_TIMEOUT)?
            .with_lifetime(LIFETIME)?;
        Ok(Self {
            passwords,
            bearer: bearer(verifier, &sessions),
            sessions,
            keys,
            clock,
        })
    }

    /// Finds out who makes a request. What has no token passes, what has one that is not good does
    /// not.
    pub fn bearer(&self) -> BearerLayer {
        self.bearer.clone()
    }

    /// Serves the public keys.
    pub fn jwks(&self) -> JwksService {
        JwksService::new(self.keys.clone())
    }

    /// For how many seconds from now on a session can be continued, rounded up.
    pub fn seconds_left(&self, session: &Session) -> i64 {
        let left = session.expires_at() - self.clock.now() + TimeDelta::milliseconds(999);
        left.num_seconds().max(0)
    }
}

/// What the tokens of a session are to say: the roles and scopes of now. Who is no longer there is
/// signed out.
async fn claims(users: Store, session: Session) -> Result<Option<Grant>, StoreError> {
    let Ok(id) = session.subject.parse() else {
        return Ok(None);
    };
    let user = users.user(id).await?;
    Ok(user.as_ref().map(scopes::grant))
}

fn bearer(verifier: Verifier, sessions: &Sessions) -> BearerLayer {
    BearerLayer::new(verifier)
        .optional()
        .with_memory(REMEMBERED)
        .with_revocation(sessions.revocation().with_max_age(END_IS_KNOWN))
}
