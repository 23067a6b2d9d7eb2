use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
};

use axum_core::extract::FromRequestParts;
use http::{Uri, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::kinds::INVALID_QUERY;
use crate::{
    Problem, Violation,
    violations::{finding::Finding, place::is_too_long},
};

/// The query, read by `serde_html_form`: a parameter that stands there several times can be a
/// `Vec`, and an empty one is `None` for an optional number or flag.
///
/// What does not fit is **400** with the code `INVALID_QUERY` and the parameter's name in
/// `errors`; the codes there are those of [`read_json`](crate::read_json), and `ENCODING` for a
/// `%` without two hex digits and for what is not UTF-8 (axum's own extractor reads over these).
/// Parameters that `T` does not know are ignored unless it has `#[serde(deny_unknown_fields)]`.
///
/// ```
/// use buttress_problem::axum::Query;
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Filter {
///     limit: Option<u8>,
///     #[serde(default)]
///     tag: Vec<String>,
/// }
///
/// let query = Query::<Filter>::try_from_uri(&"/?tag=a&tag=b&limit=5".parse()?).unwrap();
/// assert_eq!((query.limit, query.tag.len()), (Some(5), 2));
///
/// let problem = Query::<Filter>::try_from_uri(&"/?limit=many".parse()?).err().unwrap();
/// assert_eq!(problem.status(), 400);
/// assert_eq!(problem.violations()[0].detail(), "must be an integer");
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Query<T> {
    /// Reads the query of a URI; one without a query is read as an empty one.
    ///
    /// # Errors
    ///
    /// 400 with the code `INVALID_QUERY`.
    pub fn try_from_uri(uri: &Uri) -> Result<Self, Problem> {
        let query = uri.query().unwrap_or_default();
        if let Some(problem) = badly_encoded(query) {
            return Err(problem);
        }
        match serde_html_form::from_str(query) {
            Ok(value) => Ok(Self(value)),
            Err(_) => Err(refuse::<T>(query)),
        }
    }
}

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::try_from_uri(&parts.uri)
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Query<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

pub(super) fn invalid() -> Problem {
    Problem::of(INVALID_QUERY)
}

/// The slow path: reads the query again, with the path.
fn refuse<T: DeserializeOwned>(query: &str) -> Problem {
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    let Err(error) = serde_path_to_error::deserialize::<_, T>(deserializer) else {
        // Only a `Deserialize` that does not do the same twice comes here.
        return invalid();
    };
    let text = error.inner().to_string();
    let finding = Finding::new(error.path(), &text, Some(&document(query)));
    match finding.place.first() {
        Some(name) => violate(name.to_owned(), finding.detail, finding.code),
        None => invalid().with_detail(format!("the query {}", finding.detail)),
    }
}

/// A name is input, and an answer does not grow with it.
fn violate(name: String, detail: impl Into<Cow<'static, str>>, code: &'static str) -> Problem {
    if is_too_long(&name) {
        return invalid().with_detail("a parameter with a very long name is not known");
    }
    invalid().with_violation(Violation::parameter(name, detail).with_code(code))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    // Any text can be read as pairs.
    serde_html_form::from_str(query).unwrap_or_default()
}

/// The query as the object that `T` is read from.
fn document(query: &str) -> Value {
    let mut members = Map::new();
    for (name, value) in pairs(query) {
        match members.get_mut(&name) {
            None => {
                members.insert(name, Value::String(value));
            }
            Some(Value::Array(values)) => values.push(Value::String(value)),
            Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
        }
    }
    Value::Object(members)
}

/// The URL standard reads a stray `%` as itself and bytes that are not UTF-8 as U+FFFD, so that
/// a mistake of the client would pass for another value.
fn badly_encoded(query: &str) -> Option<Problem> {
    let part = query.split('&').find(|part| !is_well_encoded(part))?;
    let name = part.split('=').next().unwrap_or_default();
    let named = is_well_encoded(name).then(|| pairs(name).pop()).flatten();
    Some(match named {
        Some((name, _)) => violate(name, WRONGLY_ENCODED, "ENCODING"),
        None => invalid().with_detail(format!("the name of a parameter {WRONGLY_ENCODED}")),
    })
}

const WRONGLY_ENCODED: &str = "is not percent-encoded UTF-8";

fn is_well_encoded(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return false,
            },
            other => other,
        };
        decoded.push(byte);
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn hex(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_two_digits_a_byte_and_utf_8() {
        for good in ["", "a=b+c", "k%C3%A4se=%25", "%e2%82%ac"] {
            assert!(is_well_encoded(good), "{good}");
        }
        for bad in ["%", "%4", "%zz", "100%", "%FF", "%C3", "a%+1"] {
            assert!(!is_well_encoded(bad), "{bad}");
        }
    }
}
