//! An HTTP client for tests, that speaks to a service in process and to a real socket, and a server
//! for any service.
//!
//! A request is built once and goes either way: [`Request::call`] hands it to a `tower::Service`,
//! [`Request::send`] puts it on a connection of its own. [`Wire`] exchanges raw bytes, for what a
//! well-behaved client would never send. [`serve`] puts a service behind a socket.
//!
//! Everything fails by a panic that shows what was asked and what came back; nothing returns an
//! error to unwrap.
//!
//! ```no_run
//! # async fn example<S, B>(service: S)
//! # where
//! #     S: tower_service::Service<::http::Request<http_body_util::Full<bytes::Bytes>>, Response = ::http::Response<B>>,
//! #     S::Error: std::fmt::Debug,
//! #     B: http_body::Body,
//! #     B::Error: std::fmt::Debug,
//! # {
//! use buttress_testkit::http;
//!
//! let answer = http::post("/v1/orders")
//!     .header("idempotency-key", "order-1")
//!     .json(&["tea", "milk"])
//!     .call(service)
//!     .await
//!     .expect_status(201);
//! assert_eq!(answer.header("content-type"), Some("application/json"));
//! assert_eq!(answer.json()["items"][0], "tea");
//! # }
//! ```

mod answer;
mod request;
mod server;
mod wire;

pub use answer::Answer;
pub use request::{Request, delete, get, patch, post, put, request};
pub use server::{Server, serve};
pub use wire::{Wire, send_raw};

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

/// How long a real socket may stay silent before the test fails. Long, because a loaded machine
/// must not fail a good test, and it costs nothing when the answer comes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Bounds what waits for a real socket, so that a hang is a failure that says where, not a test run
/// that never ends.
async fn within_deadline<F: Future>(what: impl Display, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: nothing within {} s", DEADLINE.as_secs()),
    }
}
