//! JSON read so that what is wrong with it can be told.

use http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::{finding::Finding, repair};
use crate::{Problem, ProblemType, Violation};

/// Reads a JSON body, or says what is wrong with it in a problem that repeats nothing of it.
///
/// - **400** with the code `MALFORMED_JSON` for what is not one JSON text in UTF-8, wherever in
///   the body the mistake stands: the grammar is judged before the shape. The `detail` tells line
///   and column.
/// - **422** with the code `VALIDATION_ERROR` for JSON that is no `T`, with the place as a JSON
///   Pointer in `errors`: the first thing that serde stops at, and what can be found behind it
///   (see below), ordered by place.
///
/// The `code` of the entry is one of
///
/// | code | means |
/// |---|---|
/// | `TYPE` | another type of value is expected |
/// | `VALUE` | the type is right and the value is not |
/// | `LENGTH` | an array has too many or too few elements |
/// | `MISSING` | the member has to be there; the pointer names it, not its parent |
/// | `UNKNOWN` | the member is not known (`#[serde(deny_unknown_fields)]`) |
/// | `DUPLICATE` | the member is there twice |
/// | `DEPTH` | the value is nested deeper than 128 levels |
///
/// No value of the body is repeated as it came, nor any name of a Rust type: serde's own texts are put into
/// other words, and the text of a type's own error (`serde::de::Error::custom`) is passed on only
/// if it quotes none of the values at or below the place. Names of members do appear, in the
/// pointer, which is cut back to a parent when it is longer than 256 bytes.
///
/// Inside of types that serde buffers (`flatten`, `untagged` and internally tagged enums) it no
/// longer knows the path. The exact place is told where the document leaves no doubt, else that
/// of the buffered object.
///
/// serde stops at the first error. To tell the others, what is wrong is replaced by a placeholder
/// that the type takes, and the document is read again, until it fits. An entry is never about a
/// placeholder, so each one is a mistake of the body. Not all are found behind a value whose type
/// takes no placeholder (one with a form of its own), behind an ambiguous place, in a body with
/// more than 32 of them, or in a large body: a body is read again at most 64 times, and no more
/// than 256 KiB of it. This happens only to a body that is refused; a `Deserialize` that costs more
/// than looking at its input, such as one that hashes, does not belong into a request's type.
///
/// ```
/// use buttress_problem::{Violation, read_json};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Login {
///     email: String,
///     pin: u16,
/// }
///
/// let problem = read_json::<Login>(br#"{"email": "a@example.com", "pin": "hunter2"}"#).unwrap_err();
/// assert_eq!(problem.status(), 422);
/// let violation = &problem.violations()[0];
/// assert_eq!(serde_json::to_value(violation)?, serde_json::json!({
///     "pointer": "/pin",
///     "detail": "must be an integer from 0 to 65535",
///     "code": "TYPE",
/// }));
///
/// let problem = read_json::<Login>(br#"{"email": 7, "pin": 1"#).unwrap_err();
/// assert_eq!(problem.code(), Some("MALFORMED_JSON"));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The problems above.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(body, error.valid_up_to())),
    };
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => Err(refuse::<T>(text, &error)),
    }
}

impl Violation {
    /// Reads an error of `serde_path_to_error` on `serde_json`, with the body that it is about.
    ///
    /// The body tells which words of the error are input, and where in buffered content the error
    /// is; see [`read_json`] for what is said then. Without it (empty, or not the one that was
    /// read) the text of a type's own error is not passed on.
    ///
    /// ```
    /// use buttress_problem::{JsonPointer, Location, Violation};
    ///
    /// let body = br#"{"EUR": [1, "two"]}"#;
    /// let deserializer = &mut serde_json::Deserializer::from_slice(body);
    /// let prices: Result<std::collections::BTreeMap<String, Vec<u8>>, _> =
    ///     serde_path_to_error::deserialize(deserializer);
    ///
    /// let violation = Violation::from_serde_path(&prices.unwrap_err(), body);
    /// let place = JsonPointer::root().join("EUR").join(1);
    /// assert_eq!(violation.location(), &Location::Pointer(place));
    /// assert_eq!(violation.detail(), "must be an integer from 0 to 255");
    /// ```
    #[must_use]
    pub fn from_serde_path(
        error: &serde_path_to_error::Error<serde_json::Error>,
        body: &[u8],
    ) -> Self {
        let document: Option<Value> = serde_json::from_slice(body).ok();
        Self::from(finding(error, document.as_ref()))
    }
}

impl From<Finding> for Violation {
    fn from(finding: Finding) -> Self {
        Self::pointer(finding.place.into_pointer(), finding.detail).with_code(finding.code)
    }
}

fn finding(
    error: &serde_path_to_error::Error<serde_json::Error>,
    document: Option<&Value>,
) -> Finding {
    Finding::new(error.path(), &without_position(error.inner()), document)
}

/// The slow path: reads the body again, first for its grammar and then with the path.
fn refuse<T: DeserializeOwned>(text: &str, first: &serde_json::Error) -> Problem {
    if let Some(problem) = malformed(text) {
        return problem;
    }
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Err(error) => {
            let document: Option<Value> = serde_json::from_str(text).ok();
            let first = finding(&error, document.as_ref());
            let all = repair::all::<T>(first, document, text.len());
            Problem::validation(all.into_iter().map(Violation::from))
        }
        // Only a `Deserialize` that does not do the same twice comes here.
        Ok(_) => Problem::validation([]).with_detail(match first.classify() {
            serde_json::error::Category::Data => "the body does not have the expected form",
            _ => "the body cannot be read",
        }),
    }
}

fn malformed(text: &str) -> Option<Problem> {
    if text.trim_ascii().is_empty() {
        return Some(malformed_json("the body is empty".to_owned()));
    }
    // Skipping a value needs no stack, so nesting cannot hide a mistake.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let (line, column) = (error.line(), error.column());
        let what = without_position(&error);
        return Some(malformed_json(format!(
            "the body is not JSON: {what} at line {line}, column {column}"
        )));
    }
    // A skipped string is not unescaped, so this is left to find.
    let at = lone_surrogate(text)?;
    let (line, column) = position(&text.as_bytes()[..at]);
    Some(malformed_json(format!(
        "the body is not JSON: half of a surrogate pair at line {line}, column {column}"
    )))
}

fn not_utf8(body: &[u8], at: usize) -> Problem {
    let (line, column) = position(&body[..at]);
    malformed_json(format!(
        "the body is not UTF-8 at line {line}, column {column}"
    ))
}

fn malformed_json(detail: String) -> Problem {
    Problem::of(MALFORMED_JSON).with_detail(detail)
}

pub(crate) const MALFORMED_JSON: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "MALFORMED_JSON")
        .with_description("The body is not one JSON text in UTF-8.");

/// Line and column of what follows, from 1 and in bytes, as `serde_json` counts.
fn position(before: &[u8]) -> (usize, usize) {
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before
        .iter()
        .rev()
        .take_while(|byte| **byte != b'\n')
        .count();
    (lines + 1, column + 1)
}

/// The text without the position that `serde_json` appends.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(text) => text.to_owned(),
        None => text,
    }
}

/// Where in well-formed JSON an escape stands that is half of a UTF-16 surrogate pair.
fn lone_surrogate(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(0xD800..=0xDBFF) => match unit(bytes, at + 6) {
                Some(0xDC00..=0xDFFF) => at += 12,
                _ => return Some(at),
            },
            Some(0xDC00..=0xDFFF) => return Some(at),
            Some(_) => at += 6,
            // An escape of one character, which may be a backslash.
            None => at += 2,
        }
    }
    None
}

/// The UTF-16 code unit that is escaped there.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_have_to_come_in_pairs() {
        for whole in [
            r#""""#,
            r#""\ud83d\ude00""#,
            r#""\u00e9""#,
            r#""\\ud800""#,
            r#""\\\\ud800 \n""#,
        ] {
            assert_eq!(lone_surrogate(whole), None, "{whole}");
        }
        for (half, at) in [
            (r#""\ud83d""#, 1),
            (r#""\ude00""#, 1),
            (r#""a\ud83dx""#, 2),
            (r#""\ud83d\u0041""#, 1),
            (r#""\\\ud83d""#, 3),
        ] {
            assert_eq!(lone_surrogate(half), Some(at), "{half}");
        }
    }

    #[test]
    fn positions_are_counted_as_serde_json_counts() {
        assert_eq!(position(b""), (1, 1));
        assert_eq!(position(b"{\n  \"a\": "), (2, 8));
    }
}
