use std::sync::Arc;

use crate::{Catalogue, Problem};

/// An error that knows which problem it is; `#[derive(Problem)]` implements it.
///
/// ```
/// use buttress_problem::{Catalogue, Problem, ProblemType, ToProblem};
/// use http::StatusCode;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the shop is closed until {opens}")]
/// struct Closed {
///     opens: u8,
/// }
///
/// const CLOSED: ProblemType = ProblemType::new(StatusCode::CONFLICT, "SHOP_CLOSED");
///
/// impl ToProblem for Closed {
///     fn to_problem(&self) -> Problem {
///         Problem::of(CLOSED).with_detail(self.to_string())
///     }
///
///     fn catalogue() -> Catalogue {
///         Catalogue::from_iter([CLOSED])
///     }
/// }
///
/// assert_eq!(Closed { opens: 8 }.to_problem().code(), Some("SHOP_CLOSED"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that knows its problem",
    note = "derive it with `#[derive(buttress_problem::Problem)]`"
)]
pub trait ToProblem: std::error::Error {
    /// The problem, without this error as its source: the caller still has it.
    fn to_problem(&self) -> Problem;

    /// Every kind of problem that [`to_problem`](Self::to_problem) makes.
    fn catalogue() -> Catalogue
    where
        Self: Sized;
}

/// A boxed error is the problem that it is unboxed: errors are boxed to keep a `Result` small.
impl<E: ToProblem> ToProblem for Box<E> {
    fn to_problem(&self) -> Problem {
        E::to_problem(self)
    }

    fn catalogue() -> Catalogue {
        E::catalogue()
    }
}

/// A shared error is the problem that it is on its own.
impl<E: ToProblem> ToProblem for Arc<E> {
    fn to_problem(&self) -> Problem {
        E::to_problem(self)
    }

    fn catalogue() -> Catalogue {
        E::catalogue()
    }
}
