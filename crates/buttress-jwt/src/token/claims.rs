use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{
    json::{Object, Value},
    numeric_date::{self, Round},
};
use crate::{TokenError, TokenErrorKind};

/// The claims of an access token (RFC 9068): verified ones, as [`Verifier::verify`](crate::Verifier::verify)
/// returns them.
///
/// `C` is what the application has added, read from all other members of the token: any type that serde reads
/// from an object, and `()` for nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claims<C = ()> {
    /// `iss`: who has issued the token.
    pub issuer: String,
    /// `sub`: whom it speaks for.
    pub subject: String,
    /// `aud`: whom it is for.
    pub audience: Vec<String>,
    /// `client_id`: the client that it was issued to.
    pub client_id: Option<String>,
    /// `iat`: when it was issued.
    pub issued_at: DateTime<Utc>,
    /// `exp`: from when on it is not accepted any more.
    pub expires_at: DateTime<Utc>,
    /// `nbf`: from when on it is accepted.
    pub not_before: Option<DateTime<Utc>>,
    /// `jti`: its name, which no other token of the issuer has.
    pub token_id: String,
    /// `sid`: the session that it belongs to.
    pub session_id: Option<String>,
    /// `scope`: what the client may do.
    pub scopes: Vec<String>,
    /// `roles`: what the subject is.
    pub roles: Vec<String>,
    /// What the application has added.
    pub custom: C,
}

/// The names that are no application's own.
pub(crate) const REGISTERED: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "sid",
    "scope",
    "roles",
    "cnf",
];

impl Claims {
    /// Reads the registered claims: those that every access token has must be there, and each one has its type.
    pub(crate) fn read(object: &Object<'_>) -> Result<Self, TokenError> {
        let mut claims = Raw::default();
        for (name, value) in object.members() {
            let claim = match &**name {
                "iss" => &mut claims.issuer,
                "sub" => &mut claims.subject,
                "aud" => &mut claims.audience,
                "exp" => &mut claims.expires_at,
                "nbf" => &mut claims.not_before,
                "iat" => &mut claims.issued_at,
                "jti" => &mut claims.token_id,
                "client_id" => &mut claims.client_id,
                "sid" => &mut claims.session_id,
                "scope" => &mut claims.scopes,
                "roles" => &mut claims.roles,
                // Without a proof of that key, such a token is anybody's (RFC 7800, RFC 8705, RFC 9449), and no proof
                // is looked for.
                "cnf" => {
                    return Err(TokenError::new(
                        TokenErrorKind::SenderConstrained,
                        "`cnf` binds it to a key of its client",
                    ));
                }
                _ => continue,
            };
            *claim = Some(*value);
        }
        Ok(Self {
            issuer: string(required(claims.issuer, "`iss` is missing")?, ISS)?,
            subject: string(required(claims.subject, "`sub` is missing")?, SUB)?,
            audience: audience(required(claims.audience, "`aud` is missing")?)?,
            expires_at: time(
                required(claims.expires_at, "`exp` is missing")?,
                Round::Down,
                "`exp` is not a time",
            )?,
            issued_at: time(
                required(claims.issued_at, "`iat` is missing")?,
                Round::Up,
                "`iat` is not a time",
            )?,
            not_before: claims
                .not_before
                .map(|value| time(value, Round::Up, "`nbf` is not a time"))
                .transpose()?,
            token_id: string(required(claims.token_id, "`jti` is missing")?, JTI)?,
            client_id: optional(claims.client_id, CLIENT_ID)?,
            session_id: optional(claims.session_id, SID)?,
            scopes: claims.scopes.map_or(Ok(Vec::new()), scopes)?,
            roles: claims.roles.map_or(Ok(Vec::new()), roles)?,
            custom: (),
        })
    }

    pub(crate) fn with_custom<C>(self, custom: C) -> Claims<C> {
        Claims {
            issuer: self.issuer,
            subject: self.subject,
            audience: self.audience,
            client_id: self.client_id,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            not_before: self.not_before,
            token_id: self.token_id,
            session_id: self.session_id,
            scopes: self.scopes,
            roles: self.roles,
            custom,
        }
    }
}

/// Whether the character may stand in a scope (RFC 6749, section 3.3).
pub(crate) fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

const ISS: &str = "`iss` is not a string with something in it";
const SUB: &str = "`sub` is not a string with something in it";
const AUD: &str = "`aud` is neither a string nor an array of strings, each with something in it";
const JTI: &str = "`jti` is not a string with something in it";
const CLIENT_ID: &str = "`client_id` is not a string with something in it";
const SID: &str = "`sid` is not a string with something in it";
const SCOPE: &str = "`scope` is not a string of scopes with one space between them";
const ROLES: &str = "`roles` is not an array of strings";

/// The claims as they stand in the token.
#[derive(Default)]
struct Raw<'a> {
    issuer: Option<Value<'a>>,
    subject: Option<Value<'a>>,
    audience: Option<Value<'a>>,
    client_id: Option<Value<'a>>,
    issued_at: Option<Value<'a>>,
    expires_at: Option<Value<'a>>,
    not_before: Option<Value<'a>>,
    token_id: Option<Value<'a>>,
    session_id: Option<Value<'a>>,
    scopes: Option<Value<'a>>,
    roles: Option<Value<'a>>,
}

fn required<'a>(claim: Option<Value<'a>>, reason: &'static str) -> Result<Value<'a>, TokenError> {
    claim.ok_or(TokenError::new(TokenErrorKind::MissingClaim, reason))
}

fn string(value: Value<'_>, reason: &'static str) -> Result<String, TokenError> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.into_owned()),
        _ => Err(invalid(reason)),
    }
}

fn optional(value: Option<Value<'_>>, reason: &'static str) -> Result<Option<String>, TokenError> {
    value.map(|value| string(value, reason)).transpose()
}

fn time(value: Value<'_>, round: Round, reason: &'static str) -> Result<DateTime<Utc>, TokenError> {
    value
        .as_number()
        .and_then(|number| numeric_date::read(number, round))
        .ok_or(invalid(reason))
}

fn audience(value: Value<'_>) -> Result<Vec<String>, TokenError> {
    let audience = match value.as_str() {
        Some(one) => vec![one],
        None => value.as_strings().ok_or(invalid(AUD))?,
    };
    if audience.is_empty() || audience.iter().any(|one| one.is_empty()) {
        return Err(invalid(AUD));
    }
    Ok(audience.into_iter().map(Cow::into_owned).collect())
}

fn scopes(value: Value<'_>) -> Result<Vec<String>, TokenError> {
    let text = value.as_str().ok_or(invalid(SCOPE))?;
    // No scope at all is what a client gets that asks for none.
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(' ')
        .map(|scope| {
            let valid = !scope.is_empty() && scope.bytes().all(is_scope_byte);
            valid.then(|| scope.to_owned()).ok_or(invalid(SCOPE))
        })
        .collect()
}

fn roles(value: Value<'_>) -> Result<Vec<String>, TokenError> {
    let roles = value.as_strings().ok_or(invalid(ROLES))?;
    Ok(roles.into_iter().map(Cow::into_owned).collect())
}

fn invalid(reason: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::InvalidClaim, reason)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn complete() -> Json {
        json!({
            "iss": "i", "sub": "s", "aud": ["a", "b"], "exp": 1_700_000_900, "iat": 1_700_000_000, "jti": "j",
            "nbf": 1_700_000_000, "client_id": "c", "sid": "x", "scope": "read write", "roles": ["admin"],
        })
    }

    fn read(json: &Json) -> Result<Claims, TokenErrorKind> {
        let text = json.to_string();
        let object = Object::read(text.as_bytes()).expect("an object");
        Claims::read(&object).map_err(|error| error.kind())
    }

    fn with(name: &str, value: Json) -> Result<Claims, TokenErrorKind> {
        let mut json = complete();
        json[name] = value;
        read(&json)
    }

    #[test]
    fn claims_are_read() {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let claims = read(&complete()).expect("claims");
        assert_eq!(
            claims,
            Claims {
                issuer: "i".to_owned(),
                subject: "s".to_owned(),
                audience: vec!["a".to_owned(), "b".to_owned()],
                client_id: Some("c".to_owned()),
                issued_at: time(1_700_000_000),
                expires_at: time(1_700_000_900),
                not_before: Some(time(1_700_000_000)),
                token_id: "j".to_owned(),
                session_id: Some("x".to_owned()),
                scopes: vec!["read".to_owned(), "write".to_owned()],
                roles: vec!["admin".to_owned()],
                custom: (),
            }
        );
    }

    #[test]
    fn what_every_token_has_is_required() {
        for name in ["iss", "sub", "aud", "exp", "iat", "jti"] {
            let mut json = complete();
            json.as_object_mut().expect("an object").remove(name);
            assert_eq!(read(&json), Err(TokenErrorKind::MissingClaim), "{name}");
        }
        for name in ["nbf", "client_id", "sid", "scope", "roles"] {
            let mut json = complete();
            json.as_object_mut().expect("an object").remove(name);
            assert!(read(&json).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_claim_has_its_type() {
        let strings = ["iss", "sub", "jti", "client_id", "sid"];
        for name in strings {
            for value in [
                json!(null),
                json!(1),
                json!(true),
                json!(["a"]),
                json!({"a": 1}),
                json!(""),
            ] {
                assert_eq!(
                    with(name, value.clone()),
                    Err(TokenErrorKind::InvalidClaim),
                    "{name} {value}"
                );
            }
        }
        for value in [
            json!(""),
            json!([]),
            json!([1, "a"]),
            json!({"a": 1}),
            json!([["a"]]),
            json!(1),
            json!(null),
            json!(["a", ""]),
            json!(["a", null]),
        ] {
            assert_eq!(
                with("aud", value.clone()),
                Err(TokenErrorKind::InvalidClaim),
                "{value}"
            );
        }
        for name in ["exp", "iat", "nbf"] {
            for value in [
                json!("1"),
                json!(null),
                json!(true),
                json!([1]),
                json!({}),
                json!(-1),
                json!(1e18),
            ] {
                assert_eq!(
                    with(name, value.clone()),
                    Err(TokenErrorKind::InvalidClaim),
                    "{name} {value}"
                );
            }
        }
        for value in [
            json!(["read"]),
            json!(1),
            json!(" read"),
            json!("read "),
            json!("a  b"),
            json!("a\tb"),
            json!("a\"b"),
            json!("a\\b"),
            json!("ä"),
            json!(null),
        ] {
            assert_eq!(
                with("scope", value.clone()),
                Err(TokenErrorKind::InvalidClaim),
                "{value}"
            );
        }
        for value in [
            json!("admin"),
            json!([1]),
            json!(["a", null]),
            json!({"a": []}),
            json!(null),
        ] {
            assert_eq!(
                with("roles", value.clone()),
                Err(TokenErrorKind::InvalidClaim),
                "{value}"
            );
        }
    }

    #[test]
    fn one_audience_is_a_list_of_one() {
        assert_eq!(with("aud", json!("a")).expect("claims").audience, ["a"]);
        assert!(with("scope", json!("")).expect("claims").scopes.is_empty());
        assert!(with("roles", json!([])).expect("claims").roles.is_empty());
    }
}
