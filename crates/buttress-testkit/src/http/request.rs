use std::fmt::{self, Debug};
use std::future::poll_fn;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method};
use http_body::Body;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{Answer, within_deadline};

/// A request to be: method, path, headers, body.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is called or sent"]
pub struct Request {
    request: http::Request<Bytes>,
}

/// A request with any method.
///
/// # Panics
///
/// Panics when `target` is not a path with an optional query, or an absolute URI.
#[track_caller]
pub fn request(method: Method, target: &str) -> Request {
    let mut request = http::Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = match target.parse() {
        Ok(uri) => uri,
        Err(error) => panic!("{target:?} is not a request target: {error}"),
    };
    Request { request }
}

/// A GET request.
#[track_caller]
pub fn get(target: &str) -> Request {
    request(Method::GET, target)
}

/// A POST request.
#[track_caller]
pub fn post(target: &str) -> Request {
    request(Method::POST, target)
}

/// A PUT request.
#[track_caller]
pub fn put(target: &str) -> Request {
    request(Method::PUT, target)
}

/// A PATCH request.
#[track_caller]
pub fn patch(target: &str) -> Request {
    request(Method::PATCH, target)
}

/// A DELETE request.
#[track_caller]
pub fn delete(target: &str) -> Request {
    request(Method::DELETE, target)
}

impl Request {
    /// Adds a header; an earlier one of the same name stays.
    ///
    /// # Panics
    ///
    /// Panics when the name or the value cannot stand in a header.
    #[track_caller]
    pub fn header<V>(mut self, name: &str, value: V) -> Self
    where
        V: TryInto<HeaderValue>,
        V::Error: fmt::Display,
    {
        let name: HeaderName = match name.parse() {
            Ok(name) => name,
            Err(error) => panic!("{name:?} is not a header name: {error}"),
        };
        match value.try_into() {
            Ok(value) => self.request.headers_mut().append(name, value),
            Err(error) => panic!("the value given for {name} is not a header value: {error}"),
        };
        self
    }

    /// Puts something into the request's extensions, as a layer further out would. It does not
    /// travel over a socket.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.request.extensions_mut().insert(extension);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Sets the body to the JSON form of `value`, and the content type unless there is one.
    ///
    /// # Panics
    ///
    /// Panics when `value` has no JSON form, such as a map whose keys are not strings.
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        let body = match serde_json::to_vec(value) {
            Ok(body) => body,
            Err(error) => panic!("this body has no JSON form: {error}"),
        };
        let mut this = self.body(body);
        this.request
            .headers_mut()
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        this
    }

    /// The request itself, for a service that the methods here do not fit.
    pub fn into_http(self) -> http::Request<Full<Bytes>> {
        self.request.map(Full::new)
    }

    /// Calls `service` when it is ready, and reads its answer to the end.
    ///
    /// # Panics
    ///
    /// Panics when the service or the body of its answer fails.
    pub async fn call<S, B>(self, mut service: S) -> Answer
    where
        S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>,
        S::Error: Debug,
        B: Body,
        B::Error: Debug,
    {
        let asked = self.line();
        if let Err(error) = poll_fn(|context| service.poll_ready(context)).await {
            panic!("{asked}: the service failed before it was ready: {error:?}");
        }
        match service.call(self.into_http()).await {
            Ok(response) => Answer::read(asked, response).await,
            Err(error) => panic!("{asked}: the service failed: {error:?}"),
        }
    }

    /// Sends the request over an HTTP/1.1 connection of its own, and reads the answer to the end.
    ///
    /// # Panics
    ///
    /// Panics when there is no connection, no well-formed answer, or nothing at all for 30 seconds.
    pub async fn send(self, address: SocketAddr) -> Answer {
        let asked = format!("{} at {address}", self.line());
        within_deadline(asked.clone(), self.exchange(address, asked)).await
    }

    async fn exchange(mut self, address: SocketAddr, asked: String) -> Answer {
        // A host of the caller's own is what some tests are about.
        if let Ok(host) = HeaderValue::try_from(address.to_string()) {
            self.request.headers_mut().entry(HOST).or_insert(host);
        }
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => panic!("{asked}: no connection: {error}"),
        };
        let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
            Ok(parts) => parts,
            Err(error) => panic!("{asked}: no handshake: {error}"),
        };
        let exchange = async {
            match sender.send_request(self.into_http()).await {
                Ok(response) => Answer::read(asked, response).await,
                Err(error) => panic!("{asked}: no answer: {error:?}"),
            }
        };
        let mut exchange = std::pin::pin!(exchange);
        // The connection is polled beside the exchange, not spawned, so that nothing outlives this
        // call. It may end first, with an error that the exchange then reports better, or in peace
        // while the answer's last bytes are still unread.
        tokio::select! {
            biased;
            answer = &mut exchange => return answer,
            _ended = connection => {}
        }
        exchange.await
    }

    fn line(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri())
    }
}
