use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    Clock, Error, ErrorKind, Grant, KeyRing,
    schedule::delta,
    secret::random,
    token::{MAX_TOKEN, REGISTERED, is_scope_byte, json::Object},
};

/// Issues access tokens (RFC 9068).
///
/// Clones share everything.
///
/// ```
/// use buttress_jwt::{Algorithm, Grant, Issuer, KeyRing, SigningKey};
///
/// let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let issuer = Issuer::new("https://api.example.com", "shop", keys);
/// let issued = issuer.issue(Grant::new("user-1").with_roles(["admin"]))?;
/// assert_eq!(issued.expires_in.as_secs(), 15 * 60);
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    rules: Arc<Rules>,
}

#[derive(Clone, Debug)]
struct Rules {
    issuer: String,
    audience: String,
    client_id: String,
    keys: KeyRing,
    lifetime: Duration,
    jitter: Duration,
    clock: Clock,
    /// The beginning of the claims of every token.
    same: String,
}

/// A token that was issued, and when it ends.
///
/// `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token, for the `Authorization` header field.
    pub token: String,
    /// When it ends: its `exp`.
    pub expires_at: DateTime<Utc>,
    /// For how long it is valid, counted from its `iat`: what `expires_in` of a token response says (RFC 6749, section 5.1).
    pub expires_in: Duration,
}

impl Issuer {
    /// Issues tokens under this name for this audience, with the key of the ring whose time it is.
    ///
    /// They are valid for 15 minutes, or less if the [`Schedule`](crate::Schedule) of the ring allows less. Their
    /// `client_id` is the audience: the client is the application itself.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: KeyRing) -> Self {
        let audience = audience.into();
        let lifetime = DEFAULT_LIFETIME.min(keys.schedule().token_lifetime());
        let mut rules = Rules {
            issuer: issuer.into(),
            client_id: audience.clone(),
            audience,
            keys,
            lifetime,
            jitter: Duration::ZERO,
            clock: Clock::system(),
            same: String::new(),
        };
        rules.same = rules.same();
        Self {
            rules: Arc::new(rules),
        }
    }

    /// For how long tokens are valid, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is less than a second or than twice the jitter;
    /// [`ErrorKind::UnsafeSchedule`] when it is more than the [`Schedule`](crate::Schedule) of the ring knows of: an
    /// old key would leave before its tokens have expired.
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, Error> {
        let lifetime = Duration::from_secs(lifetime.as_secs());
        if lifetime.is_zero() {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "a token is valid for a second at least",
            ));
        }
        let allowed = self.rules.keys.schedule().token_lifetime();
        if lifetime > allowed {
            return Err(Error::new(
                ErrorKind::UnsafeSchedule,
                format!(
                    "the keys rotate on a schedule for tokens of {} s: give the ring one with longer tokens first",
                    allowed.as_secs()
                ),
            ));
        }
        check_jitter(self.rules.jitter, lifetime)?;
        Ok(self.with(|rules| rules.lifetime = lifetime))
    }

    /// Shortens each token by a random time of up to this, so that clients which logged in together do not come
    /// back together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is more than half of the lifetime.
    pub fn with_jitter(self, jitter: Duration) -> Result<Self, Error> {
        check_jitter(jitter, self.rules.lifetime)?;
        Ok(self.with(|rules| rules.jitter = jitter))
    }

    /// Names this client in the tokens: `client_id`.
    #[must_use]
    pub fn with_client_id(self, client_id: impl Into<String>) -> Self {
        self.with(|rules| rules.client_id = client_id.into())
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with(|rules| rules.clock = clock)
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        let rules = Arc::make_mut(&mut self.rules);
        change(rules);
        rules.same = rules.same();
        self
    }

    /// How long a token is valid at most.
    pub(crate) fn lifetime(&self) -> Duration {
        self.rules.lifetime
    }

    /// The time by its clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.rules.clock.now()
    }

    /// Issues a token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidClaims`] when the token could not be verified: something in it is empty, a scope has a
    /// space, the application's claims are no object or have a registered name, the grant has ended, or the token
    /// is larger than is read; [`ErrorKind::Crypto`] when it could not be signed.
    pub fn issue<C: Serialize>(&self, grant: Grant<C>) -> Result<AccessToken, Error> {
        let custom = serde_json::to_string(&grant.custom).map_err(|error| {
            invalid("the application's claims cannot be written as JSON").with_source(error)
        })?;
        self.issue_with(&grant.with_custom(()), &custom)
    }

    fn issue_with(&self, grant: &Grant, custom: &str) -> Result<AccessToken, Error> {
        let rules = &*self.rules;
        let now = rules.clock.now();
        let issued_at = now.timestamp();
        let expires_at = rules.expiry(now, grant)?;
        if [
            &rules.issuer,
            &rules.audience,
            &rules.client_id,
            &grant.subject,
        ]
        .iter()
        .any(|text| text.is_empty())
            || grant.session_id.as_deref() == Some("")
        {
            return Err(invalid(
                "issuer, audience, client, subject and session have at least one character each",
            ));
        }
        let mut claims = String::with_capacity(rules.same.len() + custom.len() + 256);
        claims.push_str(&rules.same);
        let token_id = uuid::Builder::from_random_bytes(random()?).into_uuid();
        push(
            &mut claims,
            format_args!(
                r#","jti":"{token_id}","iat":{issued_at},"exp":{}"#,
                expires_at.timestamp()
            ),
        );
        push_text(&mut claims, "sub", &grant.subject);
        if let Some(session_id) = &grant.session_id {
            push_text(&mut claims, "sid", session_id);
        }
        if !grant.scopes.is_empty() {
            push_text(&mut claims, "scope", &scope(&grant.scopes)?);
        }
        if !grant.roles.is_empty() {
            push(
                &mut claims,
                format_args!(r#","roles":{}"#, serde_json::Value::from(&*grant.roles)),
            );
        }
        claims.push_str(&members(custom)?);
        claims.push('}');
        let token = rules.keys.active(now)?.token(claims.as_bytes())?;
        if token.len() > MAX_TOKEN {
            return Err(invalid(
                "the token would have more than 8192 bytes, which no verifier reads",
            ));
        }
        Ok(AccessToken {
            token,
            expires_at,
            expires_in: Duration::from_secs(expires_at.timestamp().abs_diff(issued_at)),
        })
    }
}

impl Rules {
    /// What all tokens say, once it is settled.
    fn same(&self) -> String {
        let mut text = String::from("{");
        for (name, value) in [
            ("iss", &self.issuer),
            ("aud", &self.audience),
            ("client_id", &self.client_id),
        ] {
            push_text(&mut text, name, value);
        }
        // The first member has no comma before it.
        text.remove(1);
        text
    }

    fn expiry(&self, now: DateTime<Utc>, grant: &Grant) -> Result<DateTime<Utc>, Error> {
        let mut lifetime = self.lifetime;
        if !self.jitter.is_zero() {
            // The last values come up a little less often, which does not matter here.
            let random = u64::from_ne_bytes(random()?);
            lifetime -= Duration::from_secs(random % (self.jitter.as_secs() + 1));
        }
        let end = now.checked_add_signed(delta(lifetime));
        let end = match (end, grant.not_after) {
            (Some(end), Some(last)) => Some(end.min(last)),
            (end, _) => end,
        };
        end.and_then(|end| DateTime::from_timestamp(end.timestamp(), 0))
            .filter(|end| *end > now)
            .ok_or_else(|| invalid("the token would end before it begins"))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_at", &self.expires_at)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

const DEFAULT_LIFETIME: Duration = Duration::from_secs(15 * 60);

fn check_jitter(jitter: Duration, lifetime: Duration) -> Result<(), Error> {
    if jitter <= lifetime / 2 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidConfiguration,
        "the jitter is at most half of the lifetime",
    ))
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = fmt::Write::write_fmt(text, arguments);
}

/// A member, with a comma before it.
fn push_text(text: &mut String, name: &str, value: &str) {
    push(
        text,
        format_args!(r#","{name}":{}"#, serde_json::Value::from(value)),
    );
}

fn scope(scopes: &[String]) -> Result<String, Error> {
    let valid = |scope: &String| !scope.is_empty() && scope.bytes().all(is_scope_byte);
    if scopes.iter().all(valid) {
        return Ok(scopes.join(" "));
    }
    Err(invalid(
        "a scope is made of ASCII characters without space, double quote and backslash",
    ))
}

/// The members of an object, with a comma before them.
fn members(custom: &str) -> Result<Cow<'_, str>, Error> {
    // What serde writes for `()` and `None`.
    if custom == "null" {
        return Ok(Cow::Borrowed(""));
    }
    let object = Object::read(custom.as_bytes()).ok_or_else(|| {
        invalid("the application's claims are one JSON object with unique names that is not nested too deep")
    })?;
    if let Some((name, _)) = object
        .members()
        .iter()
        .find(|(name, _)| REGISTERED.contains(&&**name))
    {
        return Err(invalid(format!(
            "the application's claims have `{name}`, which means something else in a token"
        )));
    }
    if object.members().is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let inner = custom
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    Ok(Cow::Owned(format!(",{}", inner.unwrap_or_default())))
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidClaims, message)
}
