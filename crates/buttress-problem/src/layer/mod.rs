//! The middleware: everything that needs `tower` and `http-body`.

mod body;
mod catch_error;
mod convert;
mod future;
mod occurrence;
mod problem_layer;
mod service;

pub use {
    body::ResponseBody,
    catch_error::{CatchError, CatchErrorFuture, CatchErrorLayer},
    future::ResponseFuture,
    occurrence::Occurrence,
    problem_layer::ProblemLayer,
    service::ProblemService,
};
