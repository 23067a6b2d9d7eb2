//! What users rely on without seeing it in a signature.

use buttress_problem::{
    Catalogue, Error, JsonPointer, Location, PreparedProblem, Problem, ProblemBuilder, ProblemType,
    UriReference, Violation,
};

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn everything_crosses_threads() {
    thread_safe::<Catalogue>();
    thread_safe::<JsonPointer>();
    thread_safe::<Location>();
    thread_safe::<Problem>();
    thread_safe::<PreparedProblem>();
    thread_safe::<ProblemBuilder>();
    thread_safe::<ProblemType>();
    thread_safe::<UriReference>();
    thread_safe::<Violation>();
    error::<Error>();
    error::<Problem>();
}

#[test]
fn a_problem_is_one_word() {
    assert_eq!(size_of::<Problem>(), size_of::<usize>());
    assert_eq!(size_of::<Result<(), Problem>>(), size_of::<usize>());
}

#[cfg(feature = "layer")]
#[test]
fn the_layer_asks_for_nothing_that_its_service_does_not_have() {
    use std::future::Ready;

    use buttress_problem::{
        CatchErrorLayer, ProblemLayer, ProblemService, ResponseBody, ResponseFuture,
    };

    thread_safe::<ProblemLayer>();
    thread_safe::<CatchErrorLayer<fn(()) -> Problem>>();
    thread_safe::<ProblemService<()>>();
    thread_safe::<ResponseFuture<Ready<()>>>();
    thread_safe::<ResponseBody<()>>();
}
