use std::fmt::{self, Debug};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A response, read to its end. Its `Debug` form shows the request line, the status, the headers
/// and the body.
#[derive(Clone)]
pub struct Answer {
    asked: String,
    response: http::Response<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub(super) async fn read<B>(asked: String, response: http::Response<B>) -> Self
    where
        B: Body,
        B::Error: Debug,
    {
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(collected) => {
                let trailers = collected.trailers().cloned();
                Self {
                    asked,
                    response: http::Response::from_parts(parts, collected.to_bytes()),
                    trailers,
                }
            }
            Err(error) => {
                panic!(
                    "{asked}: the answer's body broke off: {error:?}\n{} {:?}",
                    parts.status, parts.headers
                )
            }
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The value of the header, if it stands there once.
    ///
    /// # Panics
    ///
    /// Panics when the header stands there several times or is not text: both are a surprise to a
    /// test that asks for one.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers().get_all(name).iter();
        let value = values.next()?;
        assert!(
            values.next().is_none(),
            "{name} stands there more than once\n{self:?}"
        );
        match value.to_str() {
            Ok(text) => Some(text),
            Err(_) => panic!("{name} is not text\n{self:?}"),
        }
    }

    /// The trailers, if there were any.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// What the service left in the response's extensions. Nothing arrives over a socket.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.response.extensions().get()
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        self.response.body()
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// Panics when the body is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => text,
            Err(error) => panic!("the body is not UTF-8: {error}\n{self:?}"),
        }
    }

    /// The body as JSON. To compare members, index into it: `answer.json()["title"]`.
    ///
    /// # Panics
    ///
    /// Panics when the body is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.json_as()
    }

    /// The body as the JSON form of a `T`.
    ///
    /// # Panics
    ///
    /// Panics when the body is not JSON, or not that of a `T`.
    #[track_caller]
    pub fn json_as<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(self.bytes()) {
            Ok(value) => value,
            Err(error) => panic!("the body is not JSON of the expected form: {error}\n{self:?}"),
        }
    }

    /// Hands itself on when the status is this one.
    ///
    /// # Panics
    ///
    /// Panics with the whole answer when the status is another.
    #[track_caller]
    #[allow(
        clippy::return_self_not_must_use,
        reason = "the status alone is often all that a test expects"
    )]
    pub fn expect_status(self, status: u16) -> Self {
        assert!(
            self.status() == status,
            "expected status {status}\n{self:?}"
        );
        self
    }

    /// The response itself, with its body read.
    pub fn into_http(self) -> http::Response<Bytes> {
        self.response
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.asked)?;
        writeln!(f, "{:?} {}", self.response.version(), self.status())?;
        for (name, value) in self.headers() {
            writeln!(f, "{name}: {}", value.as_bytes().escape_ascii())?;
        }
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => write!(f, "\n{text}"),
            Err(_) => write!(f, "\n{}", self.bytes().escape_ascii()),
        }
    }
}
