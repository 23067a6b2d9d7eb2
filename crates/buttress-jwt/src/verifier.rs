use std::{ops::Range, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use crate::{
    Claims, Clock, Error, ErrorKind, KeySource, TokenError, TokenErrorKind, VerifyingKey,
    key_source::News,
    known_headers::KnownHeaders,
    schedule::{MAX_LEEWAY, delta},
    token::{Compact, Header, HeaderBuffer, base64url, json::Object, read_custom},
};

/// Verifies access tokens: what RFC 9068 and RFC 8725 demand, whatever the caller forgets to ask for.
///
/// One thing is left out: `client_id` is demanded only after [`with_client_ids`](Self::with_client_ids). Tokens that are
/// bound to a key of their client (`cnf`, RFC 7800) are refused, as no proof of that key is looked for.
///
/// In this order, so that nothing expensive is done for junk and nothing is believed before it is signed:
///
/// 1. the size of the token, before anything is decoded;
/// 2. the header: one JSON object with unique names, `typ` at+jwt, no `crit`, `b64`, `zip`; what points to keys
///    (`jku`, `jwk`, `x5u`, `x5c`) is not looked at;
/// 3. `alg`, by its exact name, which must be that of the key; the key, by its `kid`;
/// 4. the signature;
/// 5. the claims: `iss`, `sub`, `aud`, `exp`, `iat` and `jti` are there and of their types, `iss` is this issuer,
///    `aud` has this audience, and the time is between `nbf` and `exp`.
///
/// Clones share everything.
///
/// ```
/// use buttress_jwt::{Algorithm, Grant, Issuer, KeyRing, SigningKey, TokenErrorKind, Verifier};
///
/// let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let issuer = Issuer::new("https://api.example.com", "shop", keys.clone());
/// let verifier = Verifier::new("https://api.example.com", "shop", keys.clone());
///
/// let token = issuer.issue(Grant::new("user-1"))?.token;
/// assert_eq!(verifier.verify::<()>(&token)?.subject, "user-1");
///
/// let other = Verifier::new("https://api.example.com", "backoffice", keys);
/// let error = other.verify::<()>(&token).unwrap_err();
/// assert_eq!(error.kind(), TokenErrorKind::WrongAudience);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    rules: Arc<Rules>,
}

#[derive(Clone, Debug)]
struct Rules {
    issuer: String,
    audience: String,
    client_ids: Option<Vec<String>>,
    keys: KeySource,
    known_headers: KnownHeaders,
    leeway: TimeDelta,
    clock: Clock,
}

impl Verifier {
    /// Accepts tokens of this issuer for this audience that a key of these has signed.
    ///
    /// The issuer is compared byte by byte: with and without a slash at its end are two.
    #[must_use]
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: impl Into<KeySource>,
    ) -> Self {
        Self {
            rules: Arc::new(Rules {
                issuer: issuer.into(),
                audience: audience.into(),
                client_ids: None,
                keys: keys.into(),
                known_headers: KnownHeaders::new(),
                leeway: delta(DEFAULT_LEEWAY),
                clock: Clock::system(),
            }),
        }
    }

    /// For how long a token is accepted after it has expired and before it is valid, for the sake of clocks that
    /// do not agree: 30 seconds by default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when it is more than five minutes.
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, Error> {
        if leeway > MAX_LEEWAY {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "the leeway is at most five minutes: clocks that are further apart are to be set",
            ));
        }
        Ok(self.with(|rules| rules.leeway = delta(leeway)))
    }

    /// Accepts tokens only if they were issued to one of these clients. By default `client_id` is not looked at.
    #[must_use]
    pub fn with_client_ids<I>(self, client_ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let client_ids = client_ids.into_iter().map(Into::into).collect();
        self.with(|rules| rules.client_ids = Some(client_ids))
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with(|rules| rules.clock = clock)
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }

    /// Verifies a token and returns what it says.
    ///
    /// This does not wait: of keys that another service publishes (`RemoteKeys`), it knows those that are there, and
    /// has others asked for when one is missing.
    ///
    /// # Errors
    ///
    /// The first check that fails. It is for logs: who sent the token learns only that it was not accepted.
    /// [`TokenErrorKind::KeysUnavailable`] says nothing of the token.
    pub fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<Claims<C>, TokenError> {
        self.verify_with_key(token)
            .map(|(claims, _)| claims)
            .map_err(|error| self.news(token, error).err().unwrap_or(error))
    }

    /// Verifies a token as [`verify`](Self::verify) does, and waits for keys that another service publishes if its own is
    /// missing. It waits once, and for no longer than an attempt to get them takes.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_async<C: DeserializeOwned>(
        &self,
        token: &str,
    ) -> Result<Claims<C>, TokenError> {
        let error = match self.verify_with_key(token) {
            Ok((claims, _)) => return Ok(claims),
            Err(error) => error,
        };
        self.news(token, error)?.await;
        self.verify_with_key(token).map(|(claims, _)| claims)
    }

    /// What to wait for before a token that was refused for this reason is looked at again.
    ///
    /// # Errors
    ///
    /// Why it is refused for good, or for now. A token that no key could save is no reason to ask for keys.
    pub(crate) fn news(&self, token: &str, error: TokenError) -> Result<News, TokenError> {
        let keys = &self.rules.keys;
        let may_change = matches!(
            error.kind(),
            TokenErrorKind::UnknownKey | TokenErrorKind::KeysUnavailable
        );
        if !may_change || !keys.can_have_news() {
            return Err(error);
        }
        let compact = Compact::split(token)?;
        let mut buffer: HeaderBuffer = [0; _];
        let header = Header::read(compact.header, &mut buffer)?;
        base64url::decode_into(compact.signature, &mut [0; MAX_SIGNATURE]).ok_or(SIGNATURE)?;
        let payload = base64url::decode(compact.payload).ok_or(PAYLOAD)?;
        self.check(
            &Object::read(&payload).ok_or(CLAIMS)?,
            self.rules.clock.now(),
        )?;
        keys.news(&header).ok_or(error)
    }

    /// The claims, and the key that has signed them.
    pub(crate) fn verify_with_key<C: DeserializeOwned>(
        &self,
        token: &str,
    ) -> Result<(Claims<C>, VerifyingKey), TokenError> {
        let now = self.rules.clock.now();
        let (payload, key) = self.authenticate(token, now)?;
        let object = Object::read(&payload).ok_or(CLAIMS)?;
        let claims = self.check(&object, now)?;
        // What serde says of the application's claims may quote them.
        let custom = read_custom(&object).map_err(|_| {
            TokenError::new(
                TokenErrorKind::InvalidCustomClaims,
                "the application's own claims are not of their type",
            )
        })?;
        Ok((claims.with_custom(custom), key))
    }

    /// Whether what this verifier has accepted is accepted still: the key is there, and so is the time.
    pub(crate) fn accepts_still(&self, valid: &Range<DateTime<Utc>>, key: &VerifyingKey) -> bool {
        let now = self.rules.clock.now();
        valid.contains(&now) && self.rules.keys.has(key, now)
    }

    /// From when to when claims are accepted that were accepted once.
    pub(crate) fn valid<C>(&self, claims: &Claims<C>) -> Range<DateTime<Utc>> {
        let leeway = self.rules.leeway;
        let issued = claims.issued_at.checked_sub_signed(delta(MAX_LEEWAY));
        let not_before = claims
            .not_before
            .and_then(|time| time.checked_sub_signed(leeway));
        // Beyond the ends of the calendar, there is no other limit.
        let from = issued.max(not_before).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let until = claims.expires_at.checked_add_signed(leeway);
        from..until.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The claims as they were signed, and the key that has.
    fn authenticate(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<(Vec<u8>, VerifyingKey), TokenError> {
        let Rules {
            keys,
            known_headers,
            ..
        } = &*self.rules;
        let compact = Compact::split(token)?;
        let (key, is_new) = match known_headers.find(compact.header, keys, now) {
            Some(key) => (key, false),
            None => {
                let mut buffer: HeaderBuffer = [0; _];
                let header = Header::read(compact.header, &mut buffer)?;
                (keys.find(&header, now)?, header.key_id.is_some())
            }
        };
        let mut buffer = [0; MAX_SIGNATURE];
        let signature = base64url::decode_into(compact.signature, &mut buffer).ok_or(SIGNATURE)?;
        if !key.verifies(compact.message.as_bytes(), signature) {
            return Err(TokenError::new(
                TokenErrorKind::BadSignature,
                "the signature is not of this key over this token",
            ));
        }
        if is_new {
            known_headers.insert(compact.header, &key, keys, now);
        }
        let payload = base64url::decode(compact.payload).ok_or(PAYLOAD)?;
        Ok((payload, key))
    }

    fn check(&self, object: &Object<'_>, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        let rules = &*self.rules;
        let claims = Claims::read(object)?;
        if claims.issuer != rules.issuer {
            return refuse(TokenErrorKind::WrongIssuer, "`iss` is another issuer");
        }
        if !claims.audience.contains(&rules.audience) {
            return refuse(
                TokenErrorKind::WrongAudience,
                "`aud` does not have this audience",
            );
        }
        if let Some(accepted) = &rules.client_ids {
            match &claims.client_id {
                None => return refuse(TokenErrorKind::MissingClaim, "`client_id` is missing"),
                Some(client_id) if !accepted.contains(client_id) => {
                    return refuse(
                        TokenErrorKind::WrongClient,
                        "`client_id` is a client that is not accepted",
                    );
                }
                Some(_) => {}
            }
        }
        self.check_times(&claims, now)?;
        Ok(claims)
    }

    fn check_times<C>(&self, claims: &Claims<C>, now: DateTime<Utc>) -> Result<(), TokenError> {
        let rules = &*self.rules;
        // Differences between times that there are do not overflow, sums may.
        let since = |time: DateTime<Utc>| now.signed_duration_since(time);
        if since(claims.expires_at) >= rules.leeway {
            return refuse(TokenErrorKind::Expired, "`exp` has passed");
        }
        if claims
            .not_before
            .is_some_and(|time| since(time) < -rules.leeway)
        {
            return refuse(TokenErrorKind::NotYetValid, "`nbf` has not come");
        }
        if since(claims.issued_at) < -delta(MAX_LEEWAY) {
            return refuse(
                TokenErrorKind::NotYetValid,
                "`iat` is more than five minutes ahead",
            );
        }
        Ok(())
    }
}

const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// That of an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

const SIGNATURE: TokenError = malformed("the signature is not base64url");
const PAYLOAD: TokenError = malformed("the claims are not base64url");
const CLAIMS: TokenError = malformed("the claims are not one JSON object with unique names");

const fn malformed(reason: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, reason)
}

fn refuse<T>(kind: TokenErrorKind, reason: &'static str) -> Result<T, TokenError> {
    Err(TokenError::new(kind, reason))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Algorithm, SigningKey};

    /// What is remembered of times says the same as the times.
    #[test]
    fn accepted_claims_are_valid_when_they_are_checked() {
        let key = SigningKey::generate(Algorithm::EdDSA).expect("a key");
        let verifier = Verifier::new("i", "a", key.verifying_key().clone());
        let last = DateTime::<Utc>::MAX_UTC.timestamp();
        let around = [-331, -330, -301, -300, -299, -31, -30, -29, 0, 29, 30, 31];
        for (iat, nbf, exp) in [
            (1_000, Some(1_000), 1_900),
            (1_000, None, 1_900),
            (1_000, Some(1_500), 1_900),
            (1_500, Some(1_000), 1_900),
            (0, Some(0), 253_402_300_799),
        ] {
            let mut claims =
                json!({ "iss": "i", "sub": "s", "aud": "a", "jti": "j", "iat": iat, "exp": exp });
            if let Some(nbf) = nbf {
                claims["nbf"] = nbf.into();
            }
            let text = claims.to_string();
            let claims =
                Claims::read(&Object::read(text.as_bytes()).expect("JSON")).expect("claims");
            let valid = verifier.valid(&claims);
            let near = [iat, exp, nbf.unwrap_or(0)];
            let times = near
                .iter()
                .flat_map(|time| around.map(|apart| time + apart));
            for seconds in times.chain([last]) {
                let Some(now) = DateTime::from_timestamp(seconds, 0) else {
                    continue;
                };
                let checked = verifier.check_times(&claims, now).is_ok();
                assert_eq!(
                    valid.contains(&now),
                    checked,
                    "{iat} {nbf:?} {exp}: {seconds}"
                );
            }
        }
    }
}
