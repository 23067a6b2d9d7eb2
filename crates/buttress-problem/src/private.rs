//! What the code that `#[derive(Problem)]` writes calls. Not public API: it changes without notice.

use std::{error::Error as StdError, fmt};

use http::StatusCode;
pub use http::{self, HeaderName, HeaderValue};
pub use serde::Serialize;
pub use std::{
    collections::BTreeMap,
    string::{String, ToString},
};

#[cfg(feature = "actix")]
pub use actix_web;
#[cfg(feature = "axum")]
pub use axum_core;
#[cfg(feature = "utoipa")]
pub use utoipa;

use crate::{Catalogue, Problem, ProblemType, Violation, cause::Chain};

/// A status that the macro has checked.
pub const fn status(number: u16) -> StatusCode {
    match StatusCode::from_u16(number) {
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Sets a type that the macro has checked by the full grammar, IP literals included.
pub const fn with_type(kind: ProblemType, type_uri: &'static str) -> ProblemType {
    kind.with_checked_type(type_uri)
}

/// The kinds of an error and of those nested in it.
pub fn catalogue<const N: usize>(own: &[ProblemType], nested: [Catalogue; N]) -> Catalogue {
    let nested = nested.into_iter().flatten();
    own.iter().copied().chain(nested).collect()
}

/// Adds an extension member unless it is `null`, which is what `None` becomes.
pub fn with_extension<T: Serialize + ?Sized>(
    mut problem: Problem,
    name: &'static str,
    value: &T,
) -> Problem {
    problem.set_extension(name, value);
    if problem.0.extensions.get(name) == Some("null") {
        problem.remove_extension(name);
    }
    problem
}

/// Adds a header whose value is what the field displays. One that HTTP cannot carry is left out:
/// it must not cost the client the rest of the answer.
pub fn with_header<T: fmt::Display + ?Sized>(
    problem: Problem,
    name: &'static str,
    value: Option<&T>,
) -> Problem {
    let Some(value) = value else {
        return problem;
    };
    let name = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::try_from(value.to_string());
    match (name, value) {
        (Ok(name), Ok(value)) => problem.with_header(name, value),
        (Ok(name), Err(error)) => {
            // Not the value: nobody knows what is in it.
            tracing::error!(%name, %error, "a header was left out of a problem");
            problem
        }
        (Err(error), _) => {
            tracing::error!(%error, "a header was left out of a problem");
            problem
        }
    }
}

/// Adds the entries of `errors`.
pub fn with_violations(
    problem: Problem,
    violations: impl IntoIterator<Item = Violation>,
) -> Problem {
    violations
        .into_iter()
        .fold(problem, Problem::with_violation)
}

/// Keeps the error as the source of a 5xx; what a client did wrong has no cause of ours.
pub fn with_source<E: StdError + Send + Sync + 'static>(problem: Problem, error: E) -> Problem {
    if problem.status().is_server_error() {
        problem.with_source(error)
    } else {
        problem
    }
}

/// Like [`with_source`], for a framework that lends the error: its text has to do.
pub fn with_captured_source<E: StdError + 'static>(problem: Problem, error: &E) -> Problem {
    if problem.status().is_server_error() {
        problem.with_source(Captured(Chain(error).to_string()))
    } else {
        problem
    }
}

/// An error and all that caused it, as text.
struct Captured(String);

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Captured {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    #[test]
    fn only_what_caused_a_server_error_is_kept() {
        let error = Error::new(ErrorKind::Malformed, "outer").with_source("inner");
        for (status, expected) in [(404, None), (500, Some("outer: inner".to_owned()))] {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = with_captured_source(Problem::new(status), &error);
            assert_eq!(problem.source().map(ToString::to_string), expected);
        }
    }
}
