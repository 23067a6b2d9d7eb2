//! Outside of a Tokio runtime: what has to wait fails, and nothing panics.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use buttress_jwt::{
    Algorithm, ApiKeyError, ApiKeyLayer, ApiKeys, BearerLayer, Environment, Error, ErrorKind,
    Issuer, KeyRing, MemoryApiKeyStore, MemoryRefreshStore, NewApiKey, RefreshError, RefreshKeys,
    Require, RequireLayer, Revocation, RevocationAnswer, Sessions, SigningKey, TokenIdentity,
    Verifier,
};
use buttress_testkit::http::{self, Answer};
use bytes::Bytes;
use http_body_util::Full;
use tower::{Layer, Service, service_fn};

use crate::{
    log::Log,
    support::{claims, peer},
};

/// What is known without waiting.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn in_a_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

#[track_caller]
fn needs_a_runtime(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
}

#[test]
fn sessions_say_what_they_need() {
    let ring = KeyRing::new(SigningKey::generate(Algorithm::EdDSA).unwrap()).unwrap();
    let verifier = Verifier::new("https://api.example.com", "shop", ring.clone());
    let issuer = Issuer::new("https://api.example.com", "shop", ring);
    let keys = RefreshKeys::new(1, [1; 32]).unwrap();
    let sessions = Sessions::new(issuer, keys, MemoryRefreshStore::new());
    let pair = in_a_runtime(sessions.start("user-1")).unwrap();

    needs_a_runtime(&at_once(sessions.start("user-1")).unwrap_err());
    match at_once(sessions.refresh(&pair.refresh_token)).unwrap_err() {
        RefreshError::Failed(error) => needs_a_runtime(&error),
        refused => panic!("{refused:?}"),
    }
    needs_a_runtime(&at_once(sessions.list("user-1")).unwrap_err());
    needs_a_runtime(&at_once(sessions.find(pair.session.id)).unwrap_err());
    needs_a_runtime(&at_once(sessions.end_all("user-1")).unwrap_err());
    at_once(sessions.idle());

    let layer = BearerLayer::<()>::new(verifier).with_revocation(sessions.revocation());
    is_unavailable(with(&pair.access_token.token).call(layer.layer(nobody())));
}

#[test]
fn api_keys_say_what_they_need() {
    let keys = ApiKeys::new("shop", Environment::Live, MemoryApiKeyStore::new()).unwrap();
    let issued = in_a_runtime(keys.issue(NewApiKey::new("user-1"))).unwrap();
    let (id, text) = (issued.key.id, issued.secret.reveal());

    needs_a_runtime(&at_once(keys.issue(NewApiKey::new("user-1"))).unwrap_err());
    match at_once(keys.authenticate(&text)).unwrap_err() {
        ApiKeyError::Failed(error) => needs_a_runtime(&error),
        refused => panic!("{refused:?}"),
    }
    needs_a_runtime(&at_once(keys.list("user-1")).unwrap_err());
    needs_a_runtime(&at_once(keys.rotate("user-1", id, Duration::ZERO)).unwrap_err());
    needs_a_runtime(&at_once(keys.revoke("user-1", id)).unwrap_err());
    at_once(keys.idle());
    is_unavailable(with(&text).call(ApiKeyLayer::new(keys).layer(nobody())));
}

struct Later;

impl Revocation for Later {
    fn check(&self, _: &TokenIdentity<'_>) -> RevocationAnswer {
        RevocationAnswer::later(ready(Ok::<_, Infallible>(false)))
    }
}

#[test]
fn layers_that_have_to_wait_are_unavailable() {
    let token = peer(Algorithm::HS256).token(&claims());
    let bearer = || BearerLayer::<()>::new(peer(Algorithm::HS256).verifier());
    let revocation = bearer().with_revocation(Later);
    is_unavailable(with(&token).call(revocation.layer(nobody())));
    let check = Require::check_async("yes", |_, _| ready(Ok::<_, Infallible>(true)));
    let service = bearer().layer(RequireLayer::new(check).layer(nobody()));
    is_unavailable(with(&token).call(service));
}

type Request = ::http::Request<Full<Bytes>>;
type Response = ::http::Response<Full<Bytes>>;

/// What is behind the layers, and is not called.
fn nobody() -> impl Service<Request, Response = Response, Error = Infallible> + Clone {
    service_fn(|_: Request| -> Ready<Result<Response, Infallible>> { panic!("it was called") })
}

fn with(token: &str) -> http::Request {
    http::get("/").header("authorization", format!("Bearer {token}"))
}

#[track_caller]
fn is_unavailable(answer: impl Future<Output = Answer>) {
    let (answer, log) = at_once(Log::of(answer));
    answer.expect_status(503);
    assert!(
        log.contains("ERROR") && log.contains("Tokio runtime"),
        "{log}"
    );
}
