use serde::de::DeserializeOwned;

use super::{Json, Path, Query, path, query};
use crate::{Location, Problem, Violation, violations::tokens};

/// An extractor whose value can be validated: what `Valid` and `Garde` wrap.
///
/// Implement it for an extractor of your own, such as one for forms, to validate that too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor whose value can be validated",
    note = "wrap `Json`, `Query` or `Path` of `buttress_problem::axum`, not those of `axum`"
)]
pub trait Extracted {
    /// What was extracted.
    type Value;

    /// What was extracted.
    fn value(&self) -> &Self::Value;

    /// The refusal: the violations' pointers lead into the value by the names of Rust fields.
    fn refuse(violations: Vec<Violation>) -> Problem;
}

/// 422 with the code `VALIDATION_ERROR` and pointers into the body.
impl<T: DeserializeOwned> Extracted for Json<T> {
    type Value = T;

    fn value(&self) -> &T {
        &self.0
    }

    fn refuse(violations: Vec<Violation>) -> Problem {
        Problem::validation_capped(violations.into_iter().map(Violation::named_as::<T>))
    }
}

/// 400 with the code `INVALID_QUERY` and the names of parameters, as for a query that cannot be
/// read: a client cannot tell `limit=1000` from `limit=x`.
impl<T: DeserializeOwned> Extracted for Query<T> {
    type Value = T;

    fn value(&self) -> &T {
        &self.0
    }

    fn refuse(violations: Vec<Violation>) -> Problem {
        of_parameters::<T>(query::invalid(), violations)
    }
}

/// 400 with the code `INVALID_PATH` and the names of parameters, as for a path that cannot be
/// read.
impl<T: DeserializeOwned> Extracted for Path<T> {
    type Value = T;

    fn value(&self) -> &T {
        &self.0
    }

    fn refuse(violations: Vec<Violation>) -> Problem {
        of_parameters::<T>(path::invalid(), violations)
    }
}

/// Parameters are flat: whatever is wrong inside of one is told of it. What is wrong with all of
/// them together has no place, and so it becomes the detail.
fn of_parameters<T: DeserializeOwned>(problem: Problem, violations: Vec<Violation>) -> Problem {
    let (mut placed, mut details) = (Vec::new(), Vec::new());
    for violation in violations {
        match name(&violation) {
            Some(name) => {
                let detail = violation.detail().to_owned();
                let parameter = Violation::parameter(name, detail).named_as::<T>();
                placed.push(match violation.code() {
                    Some(code) => parameter.with_code(code.to_owned()),
                    None => parameter,
                });
            }
            None => details.push(violation.detail().to_owned()),
        }
    }
    let problem = problem.with_violations_capped(placed);
    match details.is_empty() {
        true => problem,
        false => problem.with_detail(details.join("; ")),
    }
}

fn name(violation: &Violation) -> Option<String> {
    match violation.location() {
        Location::Pointer(pointer) => tokens(pointer).into_iter().next(),
        Location::Parameter(name) => Some(name.to_string()),
        Location::Header(_) => None,
    }
}
