//! The catalogue of an error, and errors that hold other errors.

use std::{error::Error as _, sync::Arc};

use buttress_problem::{Catalogue, Problem, ProblemType, ToProblem};
use http::StatusCode;

/// Another crate's error, as far as the derive can tell: nothing here is in scope there.
mod payments {
    /// The card will not do.
    #[derive(Debug, thiserror::Error, buttress_problem::Problem)]
    #[problem(base = "https://pay.example/errors/")]
    pub(crate) enum PaymentError {
        /// The bank refused.
        #[error("the bank says: {reason}")]
        #[problem(status = PAYMENT_REQUIRED, type = "declined", header("x-bank" = "1"))]
        Declined {
            #[problem(extension)]
            reason: &'static str,
        },
        /// The date on the card
        /// has passed.
        ///
        /// Ask for another.
        #[error("the card expired")]
        #[problem(status = PAYMENT_REQUIRED, type = "declined", title = "Declined")]
        Expired,
        #[error("the bank is away")]
        #[problem(status = BAD_GATEWAY)]
        Away,
    }

    /// An impl by hand nests like a derived one.
    #[derive(Debug, thiserror::Error)]
    #[error("by hand")]
    pub(crate) struct ByHand;

    impl buttress_problem::ToProblem for ByHand {
        fn to_problem(&self) -> buttress_problem::Problem {
            buttress_problem::Problem::of(Self::KIND)
        }

        fn catalogue() -> buttress_problem::Catalogue {
            [Self::KIND].into_iter().collect()
        }
    }

    impl ByHand {
        const KIND: buttress_problem::ProblemType =
            buttress_problem::ProblemType::new(http::StatusCode::GONE, "BY_HAND");
    }
}

use payments::{ByHand, PaymentError};

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
enum CheckoutError {
    #[error(transparent)]
    #[problem(transparent)]
    Payment(#[from] PaymentError),
    #[error(transparent)]
    #[problem(transparent)]
    Boxed { inner: Box<PaymentError> },
    #[error(transparent)]
    #[problem(transparent)]
    Shared(Arc<ByHand>),
    #[error("again: {0}")]
    #[problem(transparent)]
    Again(#[source] Box<Self>),
    #[error("the cart is empty")]
    #[problem(status = CONFLICT, code = "EMPTY_CART", description = "Put something in.")]
    Empty,
    #[error("the disk is full")]
    #[problem(status = INSUFFICIENT_STORAGE)]
    Disk,
}

/// A struct can be transparent too.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
#[error(transparent)]
#[problem(transparent)]
struct ApiError(CheckoutError);

fn kinds(catalogue: &Catalogue) -> Vec<(u16, &str, Option<&str>)> {
    catalogue
        .iter()
        .map(|kind| (kind.status().as_u16(), kind.code(), kind.description()))
        .collect()
}

#[test]
fn a_catalogue_has_each_kind_once_with_what_the_comments_say() {
    assert_eq!(
        kinds(&PaymentError::catalogue()),
        [
            (
                402,
                "DECLINED",
                Some("The bank refused.\n\nThe date on the card\nhas passed.\n\nAsk for another.")
            ),
            (502, "BAD_GATEWAY", None),
        ]
    );
    let catalogue = PaymentError::catalogue();
    let declined = catalogue.iter().next().unwrap();
    assert_eq!(
        declined.type_uri().as_str(),
        "https://pay.example/errors/declined"
    );
    assert_eq!(declined.title(), "Declined");
}

#[test]
fn what_is_nested_is_in_the_catalogue() {
    let catalogue = ApiError::catalogue();
    let codes: Vec<_> = kinds(&catalogue)
        .into_iter()
        .map(|(status, code, _)| (status, code))
        .collect();
    assert_eq!(
        codes,
        [
            (402, "DECLINED"),
            (409, "EMPTY_CART"),
            (410, "BY_HAND"),
            (502, "BAD_GATEWAY"),
            (507, "INSUFFICIENT_STORAGE"),
        ]
    );
    assert_eq!(
        catalogue.find("empty-cart").unwrap().description(),
        Some("Put something in.")
    );
}

/// Every problem that an error makes is of a kind in its catalogue.
#[test]
fn a_problem_is_of_a_kind_in_the_catalogue() {
    let is_known = |problem: &Problem| {
        ApiError::catalogue().iter().any(|kind: &ProblemType| {
            Some(kind.code()) == problem.code()
                && kind.status() == problem.status()
                && kind.title() == problem.title()
                && kind.type_uri() == *problem.type_uri()
        })
    };
    for error in [
        CheckoutError::Payment(PaymentError::Declined { reason: "no" }),
        CheckoutError::Payment(PaymentError::Expired),
        CheckoutError::Boxed {
            inner: Box::new(PaymentError::Away),
        },
        CheckoutError::Shared(Arc::new(ByHand)),
        CheckoutError::Again(Box::new(CheckoutError::Disk)),
        CheckoutError::Empty,
        CheckoutError::Disk,
    ] {
        assert!(is_known(&ApiError(error).to_problem()));
    }
}

#[test]
fn a_transparent_error_is_the_one_that_it_holds() {
    let error = ApiError(PaymentError::Declined { reason: "limit" }.into());
    let problem = Problem::from(error);
    assert_eq!(problem.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(problem.detail(), Some("the bank says: limit"));
    assert_eq!(problem.extension::<String>("reason").unwrap(), "limit");
    assert_eq!(problem.headers()["x-bank"], "1");
    assert!(problem.source().is_none());
}

#[test]
fn a_nested_5xx_keeps_the_whole_error_as_its_source() {
    let boxed = CheckoutError::Boxed {
        inner: Box::new(PaymentError::Away),
    };
    let problem = Problem::from(ApiError(CheckoutError::Again(Box::new(boxed))));
    assert_eq!(problem.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(problem.detail(), None);
    let source = problem.source().unwrap();
    assert!(source.is::<ApiError>());
    assert_eq!(source.to_string(), "again: the bank is away");
}

/// Another type of the same name.
mod inner {
    #[derive(Debug, thiserror::Error, buttress_problem::Problem)]
    #[error("inner")]
    #[problem(status = 404, code = "INNER")]
    pub(super) struct Error;
}

#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
enum Error {
    #[error(transparent)]
    #[problem(transparent)]
    Inner(inner::Error),
    #[error("outer")]
    #[problem(status = 400, code = "OUTER")]
    Outer,
}

#[test]
fn a_nested_error_can_have_the_same_name() {
    let codes: Vec<_> = Error::catalogue()
        .into_iter()
        .map(|kind| kind.code())
        .collect();
    assert_eq!(codes, ["OUTER", "INNER"]);
    assert_eq!(
        Error::Inner(inner::Error).to_problem().code(),
        Some("INNER")
    );
    assert_eq!(Error::Outer.to_problem().code(), Some("OUTER"));
}

/// There is no such error, and it has no problems.
#[derive(Debug, thiserror::Error, buttress_problem::Problem)]
enum Never {}

#[test]
fn an_empty_enum_has_an_empty_catalogue() {
    assert!(Never::catalogue().is_empty());
}
