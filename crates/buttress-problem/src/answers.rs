use crate::{Catalogue, ToProblem};

/// Something that may answer with problems, and which ones: errors that know their problem, the
/// extractors of the feature `axum`, and tuples of these.
///
/// It is what documentation is made from: `Problems` (feature `utoipa`) makes the OpenAPI responses
/// of an operation of it, and a [`Catalogue`] the pages about problem types.
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use buttress_problem::{Answers, Problem};
///
/// #[derive(Debug, thiserror::Error, Problem)]
/// #[error("out of stock")]
/// #[problem(status = CONFLICT, code = "OUT_OF_STOCK")]
/// struct OutOfStock;
///
/// #[derive(Debug, thiserror::Error, Problem)]
/// #[error("no such order")]
/// #[problem(status = NOT_FOUND, code = "ORDER_NOT_FOUND")]
/// struct OrderNotFound;
///
/// let problems = <(OutOfStock, OrderNotFound)>::problems();
/// assert_eq!(problems.len(), 2);
/// # }
/// ```
pub trait Answers {
    /// Every kind of problem that it may answer with.
    fn problems() -> Catalogue;
}

impl<E: ToProblem> Answers for E {
    fn problems() -> Catalogue {
        E::catalogue()
    }
}

macro_rules! answers_of_tuples {
    ($($part:ident)+) => {
        impl<$($part: Answers),+> Answers for ($($part,)+) {
            fn problems() -> Catalogue {
                let mut problems = Catalogue::new();
                $(problems.extend($part::problems());)+
                problems
            }
        }
    };
}

answers_of_tuples!(A);
answers_of_tuples!(A B);
answers_of_tuples!(A B C);
answers_of_tuples!(A B C D);
answers_of_tuples!(A B C D E);
answers_of_tuples!(A B C D E F);
answers_of_tuples!(A B C D E F G);
answers_of_tuples!(A B C D E F G H);
