//! `Idempotency-Key` on a refresh: the client's name for the attempt.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use buttress_problem::Violation;
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use super::error::InvalidIdempotencyKey;

/// The key of the request, if it has one.
pub(in crate::http) struct AttemptKey(pub(super) Option<String>);

const NAME: &str = "Idempotency-Key";
const MAX_LENGTH: usize = 255;

impl<S: Sync> FromRequestParts<S> for AttemptKey {
    type Rejection = InvalidIdempotencyKey;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, InvalidIdempotencyKey> {
        let refuse = || {
            let detail = "must be one string of 1 to 255 visible ASCII characters, in double quotes \
                or without any of , ; \" \\";
            InvalidIdempotencyKey {
                violations: vec![Violation::header(NAME, detail)],
            }
        };
        match field(&parts.headers) {
            Ok(None) => Ok(Self(None)),
            Ok(Some(value)) => read(value).map(|key| Self(Some(key))).ok_or_else(refuse),
            Err(Several) => Err(refuse()),
        }
    }
}

impl IntoParams for AttemptKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "A name for this attempt, random and new for each one, and the same when it is \
            repeated because the answer was lost: then the repetition gets the same tokens, however \
            late it comes. One of less than 16 characters can be guessed, and proves nothing.";
        vec![
            ParameterBuilder::new()
                .name(NAME)
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(about))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .example(Some("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"".into()))
                .build(),
        ]
    }
}

struct Several;

fn field(headers: &HeaderMap) -> Result<Option<&[u8]>, Several> {
    let mut values = headers.get_all(NAME).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first.map(|value| value.as_bytes())),
        _ => Err(Several),
    }
}

/// A string of Structured Fields (RFC 9651, section 3.3.3), or the bare form that many send.
fn read(value: &[u8]) -> Option<String> {
    let value = str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    let key = match value.strip_prefix('"') {
        Some(rest) => unquoted(rest)?,
        None => {
            let is_bare = |c: char| c.is_ascii_graphic() && !r#",;"\"#.contains(c);
            value.chars().all(is_bare).then(|| value.to_owned())?
        }
    };
    (1..=MAX_LENGTH).contains(&key.len()).then_some(key)
}

/// What stands before the closing quote, behind which nothing does.
fn unquoted(rest: &str) -> Option<String> {
    let mut key = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(key),
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            c @ ' '..='~' => key.push(c),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_string_or_bare() {
        let longest = "x".repeat(255);
        for (value, key) in [
            ("\"8e03978e\"", "8e03978e"),
            ("8e03978e", "8e03978e"),
            (" \"a b\" ", "a b"),
            (r#""a\"b\\c,;""#, r#"a"b\c,;"#),
            ("a:b/c", "a:b/c"),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(read(value.as_bytes()).as_deref(), Some(key), "{value}");
        }
        for bad in [
            "",
            "\"\"",
            "\"open",
            "\"a\"b",
            "\"a\";p",
            "a b",
            "a,b",
            "a;b",
            r"a\b",
            r#""a\b""#,
            "\"\u{e9}\"",
            "\u{e9}",
            &"x".repeat(256),
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
