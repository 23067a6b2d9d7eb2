use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use aws_lc_rs::digest;
use buttress_problem::Problem;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use crate::{Error, ErrorKind, KeyRing, token::base64url};

/// Serves the JWKS document of a [`KeyRing`], at a path such as `/.well-known/jwks.json`.
///
/// It answers GET and HEAD with `application/jwk-set+json`, an `ETag` and `Cache-Control: public, max-age=…`, with 304
/// when `If-None-Match` has the tag, and with 405 what is neither. The document is made anew for each request, so a
/// rotation is in the next answer.
///
/// ```
/// use buttress_jwt::{Algorithm, JwksService, KeyRing, SigningKey};
///
/// let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDSA)?)?;
/// let service = JwksService::new(keys);
/// // With axum: Router::new().route_service("/.well-known/jwks.json", service)
/// # let _ = service;
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwksService {
    keys: KeyRing,
    max_age: Duration,
}

/// The body of an answer of [`JwksService`].
pub struct JwksBody(Bytes);

impl JwksService {
    /// Serves the keys of this ring. Answers may be kept for ten minutes, or less if the
    /// [`Schedule`](crate::Schedule) of the ring allows less.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        let max_age = DEFAULT_MAX_AGE.min(keys.schedule().cache_lifetime());
        Self { keys, max_age }
    }

    /// For how long an answer may be kept, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsafeSchedule`] when it is longer than the [`Schedule`](crate::Schedule) of the ring knows of: a
    /// new key would sign before everyone has its document.
    pub fn with_max_age(mut self, max_age: Duration) -> Result<Self, Error> {
        let allowed = self.keys.schedule().cache_lifetime();
        if max_age > allowed {
            return Err(Error::new(
                ErrorKind::UnsafeSchedule,
                format!(
                    "the keys rotate on a schedule for documents that are kept for {} s: give the ring one with more \
                     first",
                    allowed.as_secs()
                ),
            ));
        }
        self.max_age = max_age;
        Ok(self)
    }

    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<JwksBody> {
        if method != Method::GET && method != Method::HEAD {
            return Problem::new(StatusCode::METHOD_NOT_ALLOWED)
                .with_header(ALLOW, HeaderValue::from_static("GET, HEAD"))
                .into();
        }
        let document = Bytes::from(self.keys.jwks());
        let tag = tag(&document);
        let known = is_known(headers, &tag);
        let length = document.len();
        let body = if known || method == Method::HEAD {
            Bytes::new()
        } else {
            document
        };
        let mut response = Response::new(JwksBody(body));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if !known {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/jwk-set+json"),
            );
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let max_age = format!("public, max-age={}", self.max_age.as_secs());
        for (name, value) in [(ETAG, tag), (CACHE_CONTROL, max_age)] {
            // Both are made of characters that may stand in a header field.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl<B> Service<Request<B>> for JwksService {
    type Response = Response<JwksBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request.method(), request.headers())))
    }
}

impl From<Bytes> for JwksBody {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Body for JwksBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

impl fmt::Debug for JwksBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksBody").finish_non_exhaustive()
    }
}

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);

/// The strong tag of a document: the same on every instance that has the same keys.
fn tag(document: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, document);
    format!("\"{}\"", base64url::encode(&digest.as_ref()[..16]))
}

/// Whether `If-None-Match` has the tag (RFC 9110, section 13.1.2). Weak ones count too.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        // No tag of ours has a comma in it.
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
