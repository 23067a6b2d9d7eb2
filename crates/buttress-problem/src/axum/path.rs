use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
};

use ::axum::extract::{Path as AxumPath, RawPathParams, path::ErrorKind, rejection::PathRejection};
use axum_core::{
    RequestPartsExt,
    extract::{FromRequestParts, OptionalFromRequestParts},
};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kinds::INVALID_PATH;
use crate::{
    Problem, Violation,
    violations::finding::{self, Finding},
};

/// The parameters of the path, as axum's own extractor reads them.
///
/// What does not fit is **400** with the code `INVALID_PATH` and the parameter's name in
/// `errors`; the codes there are those of [`read_json`](crate::read_json), and `ENCODING` for
/// what is not UTF-8.
///
/// What no request could get right (a route with another number of parameters than `T` reads, a
/// type that cannot be read from a path) is **500** without a detail; the cause is logged.
///
/// `Option<Path<T>>` is `None` for a route without parameters, as axum's own is.
///
/// ```
/// use buttress_problem::axum::Path;
///
/// async fn show(Path((shop, product)): Path<(String, u64)>) -> String {
///     format!("product {product} of {shop}")
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match <AxumPath<T> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(AxumPath(value)) => Ok(Self(value)),
            Err(rejection) => Err(refuse::<T>(parts, rejection).await),
        }
    }
}

impl<S, T> OptionalFromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match <AxumPath<T> as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(found) => Ok(found.map(|AxumPath(value)| Self(value))),
            Err(rejection) => Err(refuse::<T>(parts, rejection).await),
        }
    }
}

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Path<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

pub(super) fn invalid() -> Problem {
    Problem::of(INVALID_PATH)
}

async fn refuse<T: DeserializeOwned>(parts: &mut Parts, rejection: PathRejection) -> Problem {
    let failed = match rejection {
        PathRejection::FailedToDeserializePathParams(failed) => failed,
        other => return of_the_program(other),
    };
    if is_of_the_program(failed.kind()) {
        return of_the_program(failed);
    }
    match failed.into_kind() {
        ErrorKind::InvalidUtf8InPathParam { key } => {
            violate(Some(key), "is not percent-encoded UTF-8", "ENCODING")
        }
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => must_be(Some(key), expected_type),
        ErrorKind::ParseErrorAtIndex {
            index,
            expected_type,
            ..
        } => must_be(name_at(parts, index).await, expected_type),
        ErrorKind::ParseError { expected_type, .. } => {
            must_be(name_at(parts, 0).await, expected_type)
        }
        ErrorKind::DeserializeError {
            key,
            value,
            message,
        } => explain(Some(key), &message, &Value::String(value)),
        other => explain_unplaced::<T>(parts, &other.to_string()).await,
    }
}

/// The names of the parameters are the route's, so no request can make one be missing.
fn is_of_the_program(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. } => true,
        ErrorKind::Message(text) => text.starts_with("missing field `"),
        _ => false,
    }
}

/// The route and the handler do not fit together.
fn of_the_program(cause: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_source(cause)
}

fn must_be(name: Option<String>, expected_type: &str) -> Problem {
    violate(name, finding::must_be(expected_type), "TYPE")
}

fn explain(name: Option<String>, text: &str, values: &Value) -> Problem {
    let finding = Finding::of_value(text, values);
    violate(name, finding.detail, finding.code)
}

/// axum does not say which parameter it is when a type refuses what it has read. When there is
/// only one that is clear; a struct is read once more, with the path.
async fn explain_unplaced<T: DeserializeOwned>(parts: &mut Parts, text: &str) -> Problem {
    let parameters = parameters(parts).await;
    let name = match parameters.as_slice() {
        [(only, _)] => Some(only.as_str()),
        several => refused_member::<T>(several),
    };
    let found = parameters
        .iter()
        .find(|(parameter, _)| name == Some(parameter.as_str()));
    match found {
        Some((name, value)) => explain(Some(name.clone()), text, &Value::from(value.as_str())),
        None => explain(
            None,
            text,
            &parameters.into_iter().map(|(_, value)| value).collect(),
        ),
    }
}

fn refused_member<T: DeserializeOwned>(parameters: &[(String, String)]) -> Option<&str> {
    let query = serde_html_form::to_string(parameters).ok()?;
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    let error = serde_path_to_error::deserialize::<_, T>(deserializer).err()?;
    let refused = error.path().to_string();
    let found = parameters.iter().find(|(name, _)| *name == refused)?;
    Some(&found.0)
}

fn violate(
    name: Option<String>,
    detail: impl Into<Cow<'static, str>>,
    code: &'static str,
) -> Problem {
    match name {
        Some(name) => invalid().with_violation(Violation::parameter(name, detail).with_code(code)),
        None => invalid().with_detail(format!("the path {}", detail.into())),
    }
}

/// The route's names, and what the request has in their places.
async fn parameters(parts: &mut Parts) -> Vec<(String, String)> {
    match parts.extract::<RawPathParams>().await {
        Ok(parameters) => parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        Err(_) => Vec::new(),
    }
}

async fn name_at(parts: &mut Parts, index: usize) -> Option<String> {
    let (name, _) = parameters(parts).await.into_iter().nth(index)?;
    Some(name)
}
