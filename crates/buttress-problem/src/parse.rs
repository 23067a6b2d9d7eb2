//! Reading problems as RFC 9457 demands of consumers: what cannot be read is ignored.

use std::{borrow::Cow, collections::HashMap, fmt};

use http::{StatusCode, header::CONTENT_TYPE, response::Parts};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind, Problem, UriReference, Violation, headers, problem::Text};

impl Problem {
    /// The largest document that is read: 64 KiB.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// The deepest nesting that is read: 64 arrays or objects.
    pub const MAX_DEPTH: usize = 64;

    /// Reads the problem that a response carries.
    ///
    /// Its status is the response's, whatever the `status` member says (RFC 9457, section 3.1.2).
    /// The response's headers are taken along, except for those that are true of that one message
    /// only: what describes its body (`Content-Type`, `Content-Encoding`, `ETag` and the like) and
    /// its connection (`Connection`, `Keep-Alive`, `Transfer-Encoding`), and for `Set-Cookie`, which is
    /// not for the clients of whoever sends the problem on.
    ///
    /// A gateway that does not want to send on what it got makes it the
    /// [source](Self::with_source) of its own problem: then it is logged and stays inside.
    ///
    /// Members of the wrong type are ignored as if they were absent, and members that are not
    /// known are kept as extensions. A relative `type` is left as it is:
    /// [`UriReference::resolve`] it with the request's URI before comparing.
    ///
    /// ```
    /// use buttress_problem::Problem;
    ///
    /// let (head, body) = http::Response::builder()
    ///     .status(403)
    ///     .header("content-type", "application/problem+json")
    ///     .body(br#"{"title": "Out of credit", "detail": 5, "balance": 30}"#)?
    ///     .into_parts();
    /// let problem = Problem::from_response(&head, body)?;
    /// assert_eq!(problem.title(), "Out of credit");
    /// assert_eq!(problem.detail(), None);
    /// assert_eq!(problem.extension::<u32>("balance"), Some(30));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotAProblem`] when the response's `Content-Type` is not
    /// `application/problem+json`, and what [`from_json`](Self::from_json) refuses.
    pub fn from_response(head: &Parts, body: &[u8]) -> Result<Self, Error> {
        let content_type = head.headers.get(CONTENT_TYPE);
        if !content_type.is_some_and(headers::is_problem_json) {
            return Err(Error::new(
                ErrorKind::NotAProblem,
                format!(
                    "the response's content type is {content_type:?}, and only \
                     application/problem+json is read as a problem"
                ),
            ));
        }
        let mut problem = Self::from_json(head.status, body)?;
        problem.0.status = head.status;
        problem.0.headers = head.headers.clone();
        headers::remove_message(&mut problem.0.headers);
        Ok(problem)
    }

    /// Reads a problem that came without a response. `status` is used when the document has no
    /// `status` member that is an integer from 100 to 599.
    ///
    /// A byte order mark is skipped; of a member that is there twice the last readable one counts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], [`ErrorKind::TooDeep`], and [`ErrorKind::Malformed`] for what is
    /// not a JSON object in UTF-8.
    pub fn from_json(status: StatusCode, body: &[u8]) -> Result<Self, Error> {
        if body.len() > Self::MAX_SIZE {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the document has {} bytes, and at most {} are read",
                    body.len(),
                    Self::MAX_SIZE
                ),
            ));
        }
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        if nests_too_deep(body) {
            return Err(Error::new(
                ErrorKind::TooDeep,
                format!(
                    "the document nests deeper than {} arrays or objects",
                    Self::MAX_DEPTH
                ),
            ));
        }
        let members: Members = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Malformed, "the document is not a JSON object").with_source(error)
        })?;
        let mut problem = Self::new(status);
        problem.0.title = Text::Absent;
        problem.0.code = Text::Absent;
        for (name, value) in last_of_each(members) {
            problem.read_member(name, &value);
        }
        Ok(problem)
    }

    fn read_member(&mut self, name: String, value: &RawValue) {
        let inner = &mut self.0;
        match name.as_str() {
            "type" => {
                if let Some(type_uri) = read_uri(value) {
                    inner.type_uri = type_uri;
                }
            }
            "instance" => {
                if let Some(instance) = read_uri(value) {
                    inner.instance = Some(instance);
                }
            }
            "title" => {
                if let Some(title) = read(value) {
                    inner.title = Text::Set(title);
                }
            }
            "detail" => {
                if let Some(detail) = read(value) {
                    inner.detail = Some(detail);
                }
            }
            "status" => {
                let status = read::<u16>(value).filter(|status| (100..=599).contains(status));
                if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
                    inner.status = status;
                }
            }
            _ => self.read_extension(name, value),
        }
    }

    /// `code` and `errors` are ours only in the form in which we write them; any other is an
    /// extension like the rest, so that nothing of somebody else's document is lost.
    fn read_extension(&mut self, name: String, value: &RawValue) {
        let inner = &mut self.0;
        if name == "code"
            && let Some(code) = read(value)
        {
            inner.code = Text::Set(code);
            return;
        }
        if name == "errors" {
            inner.violations = read_violations(value).unwrap_or_default();
            if !inner.violations.is_empty() {
                return;
            }
        }
        inner
            .extensions
            .push_new(Cow::Owned(name), value.get().to_owned());
    }
}

/// Each member once, where it first stood and with what it last was. The members of RFC 9457 stay
/// as they are, because one that cannot be read does not count.
///
/// This is done before they are set one by one: looking for each among those before it would take
/// quadratic time, and who writes the document decides how many there are.
fn last_of_each(members: Members) -> Vec<(String, Box<RawValue>)> {
    let mut found: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, Box<RawValue>)> = Vec::with_capacity(members.0.len());
    for (name, value) in members.0 {
        let is_standard = STANDARD.contains(&name.as_str());
        match found.get(&name) {
            Some(&at) if !is_standard => kept[at].1 = value,
            _ => {
                found.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
    }
    kept
}

const STANDARD: [&str; 5] = ["type", "title", "status", "detail", "instance"];

fn read<T: serde::de::DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn read_uri(value: &RawValue) -> Option<UriReference> {
    UriReference::parse(read::<String>(value)?).ok()
}

fn read_violations(value: &RawValue) -> Option<Vec<Violation>> {
    let entries: Vec<serde_json::Value> = read(value)?;
    entries.iter().map(Violation::from_value).collect()
}

/// Counted before anything is parsed: brackets outside strings.
fn nests_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in body {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > Problem::MAX_DEPTH {
            return true;
        }
    }
    false
}

/// The members in order, duplicates included; a `RawValue` keeps numbers to the last digit.
pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings() {
        let brackets = |count: usize| "[".repeat(count).into_bytes();
        assert!(!nests_too_deep(&brackets(Problem::MAX_DEPTH)));
        assert!(nests_too_deep(&brackets(Problem::MAX_DEPTH + 1)));
        let text = format!(r#"{{"a":"\\\"{}"}}"#, "[".repeat(100));
        assert!(!nests_too_deep(text.as_bytes()));
        assert!(!nests_too_deep("[]".repeat(100).as_bytes()));
    }
}
