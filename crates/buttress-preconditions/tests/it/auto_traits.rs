//! What users rely on without seeing it in a signature.

use std::future::Ready;

use buttress_preconditions::{
    Current, Decision, ETag, Error, IfMatch, Preconditions, PreconditionsLayer,
    PreconditionsService, Rejection, Require, ResponseBody, ResponseFuture, Written,
};
use bytes::Bytes;
use http_body_util::Full;

fn thread_safe<T: Send + Sync + Unpin + 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn everything_crosses_threads() {
    thread_safe::<Current<'static>>();
    thread_safe::<Decision>();
    thread_safe::<ETag>();
    thread_safe::<IfMatch>();
    thread_safe::<Preconditions>();
    thread_safe::<PreconditionsLayer>();
    thread_safe::<PreconditionsService<()>>();
    thread_safe::<Require>();
    thread_safe::<ResponseBody<Full<Bytes>>>();
    thread_safe::<ResponseFuture<Ready<()>>>();
    thread_safe::<Written>();
    error::<Error>();
    error::<Rejection>();
}
