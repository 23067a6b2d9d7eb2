//! Type parameters, lifetimes, const parameters, and the bounds that they need.

use std::{error::Error as _, fmt, marker::PhantomData, rc::Rc};

use buttress_problem::{Problem, ToProblem, Violation};
use serde::Serialize;

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
enum Lookup<'a, K, E, const N: usize>
where
    K: fmt::Debug,
{
    #[error("{key:?} is none of {names:?}")]
    #[problem(status = 404)]
    Missing {
        #[problem(extension)]
        key: K,
        #[problem(extension)]
        names: [&'a str; N],
    },
    #[error(transparent)]
    #[problem(transparent)]
    Inner(E),
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("closed")]
#[problem(status = SERVICE_UNAVAILABLE, header(RETRY_AFTER = "5"))]
struct Closed;

/// Only what is sent must be serialisable: the bound is on the field, not on the parameter.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("tagged")]
#[problem(status = 400)]
struct Tagged<T, U: ?Sized> {
    #[problem(extension)]
    id: u8,
    #[problem(extension)]
    tag: PhantomData<T>,
    unsent: PhantomData<U>,
}

#[derive(Debug)]
struct NotSerialisable;

#[test]
fn every_kind_of_parameter_at_once() {
    let names = ["a", "b"];
    let error: Lookup<'_, u8, Closed, 2> = Lookup::Missing {
        key: 7,
        names: ["a", "b"],
    };
    let problem = error.to_problem();
    assert_eq!(problem.extension::<u8>("key"), Some(7));
    assert_eq!(problem.extension::<Vec<String>>("names").unwrap(), names);

    let error: Lookup<'static, &'static str, Closed, 0> = Lookup::Inner(Closed);
    let problem = Problem::from(error);
    assert_eq!(problem.status(), 503);
    assert_eq!(problem.headers()["retry-after"], "5");
    assert!(problem.source().is_some());
    assert_eq!(Lookup::<'static, u8, Closed, 0>::catalogue().len(), 2);
}

#[test]
fn a_parameter_that_is_not_sent_needs_no_bound() {
    let error = Tagged::<NotSerialisable, str> {
        id: 1,
        tag: PhantomData,
        unsent: PhantomData,
    };
    assert_eq!(Problem::from(error).extension::<u8>("id"), Some(1));
}

/// No 5xx, so nothing is kept: the error may borrow, and need not be `Send`.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("{text} is no number")]
#[problem(status = 400)]
struct NotANumber<'a> {
    #[problem(extension)]
    text: &'a str,
    local: Rc<()>,
}

#[test]
fn an_error_without_5xx_may_borrow() {
    let text = String::from("seven");
    let error = NotANumber {
        text: &text,
        local: Rc::new(()),
    };
    let problem = Problem::from(error);
    drop(text);
    assert_eq!(problem.detail(), Some("seven is no number"));
}

/// A 5xx that borrows: as a problem by reference always, by value when what it borrows is static.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("{0} failed")]
#[problem(status = 500)]
struct Failed<'a>(&'a str);

#[test]
fn a_borrowing_5xx_is_a_problem_by_reference() {
    let text = String::from("it");
    assert_eq!(Failed(&text).to_problem().status(), 500);
    assert!(Problem::from(Failed("it")).source().is_some());
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error("…")]
#[problem(status = 429)]
struct Everything<T, H, V> {
    #[problem(extension)]
    value: Option<T>,
    #[problem(header = "x-one")]
    one: H,
    #[problem(header = "x-two")]
    two: Option<H>,
    #[problem(violations)]
    violations: V,
}

#[test]
fn each_use_of_a_field_brings_its_bound() {
    let problem = Problem::from(Everything {
        value: None::<u8>,
        one: "1",
        two: None,
        violations: [Violation::parameter("a", "b")],
    });
    assert_eq!(problem.extension::<u8>("value"), None);
    assert_eq!(problem.headers()["x-one"], "1");
    assert!(!problem.headers().contains_key("x-two"));
    assert_eq!(problem.violations().len(), 1);
}

/// What it holds is itself, so its own impl cannot be a bound of it.
#[allow(clippy::use_self, reason = "both spellings must do")]
#[derive(Debug, buttress_problem::Problem)]
enum Nested<T> {
    #[problem(transparent)]
    Deeper(Box<Self>),
    #[problem(transparent)]
    Named(Box<Nested<T>>),
    #[problem(status = 409)]
    Bottom {
        #[problem(extension)]
        value: T,
        #[problem(violations)]
        violation: Option<Violation>,
    },
}

impl<T: fmt::Debug> fmt::Display for Nested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nested")
    }
}

impl<T: fmt::Debug> std::error::Error for Nested<T> {}

#[test]
fn a_generic_error_can_hold_itself() {
    let bottom = Nested::Bottom {
        value: 5,
        violation: Some(Violation::parameter("a", "b")),
    };
    let problem = Problem::from(Nested::Deeper(Box::new(Nested::Named(Box::new(bottom)))));
    assert_eq!(problem.extension::<u8>("value"), Some(5));
    assert_eq!(problem.violations().len(), 1);
    assert_eq!(Nested::<u8>::catalogue().len(), 1);
}

/// `?` turns any of them into a problem.
#[test]
fn the_question_mark_converts() {
    fn handler<T: Serialize + fmt::Debug + Send + Sync + 'static>(key: T) -> Result<(), Problem> {
        Err(Lookup::Missing::<T, Closed, 0> { key, names: [] })?
    }
    assert_eq!(handler("x").unwrap_err().status(), 404);
}
