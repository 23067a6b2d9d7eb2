//! The keys of another service.

mod bearer;
mod discovery;
mod documents;
mod times;
#[cfg(feature = "remote-https")]
mod tls;
mod unknown_keys;
#[cfg(feature = "remote-https")]
mod wire;

use std::{
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::http::{Request, Response, StatusCode};
use async_trait::async_trait;
use buttress_jwt::{Algorithm, Fetch, KeyRing, RemoteKeys, RemoteKeysBuilder, Verifier};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, Peer, claims, peer};

pub(crate) const ADDRESS: &str = "https://login.example.com/jwks.json";

/// The other service, in this process: says what it is told to, and counts.
#[derive(Clone)]
pub(crate) struct Other(Arc<Inner>);

struct Inner {
    asked: AtomicUsize,
    requests: Mutex<Vec<Request<()>>>,
    answer: Mutex<Box<Answer>>,
    open: watch::Sender<bool>,
}

type Answer = dyn FnMut(&Request<()>) -> Option<Response<Bytes>> + Send;

impl Other {
    /// `None` is no answer.
    pub(crate) fn new(
        answer: impl FnMut(&Request<()>) -> Option<Response<Bytes>> + Send + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            asked: AtomicUsize::new(0),
            requests: Mutex::default(),
            answer: Mutex::new(Box::new(answer)),
            open: watch::channel(true).0,
        }))
    }

    pub(crate) fn with(keys: &[Value]) -> Self {
        let other = Self::new(|_| None);
        other.publish(keys);
        other
    }

    pub(crate) fn answer(
        &self,
        answer: impl FnMut(&Request<()>) -> Option<Response<Bytes>> + Send + 'static,
    ) {
        *self.0.answer.lock().unwrap() = Box::new(answer);
    }

    /// From now on it has these keys, which may be kept for 1000 seconds.
    pub(crate) fn publish(&self, keys: &[Value]) {
        let document = json!({ "keys": keys }).to_string();
        self.answer(move |_| Some(document_of(&document)));
    }

    /// From now on it does not answer.
    pub(crate) fn fail(&self) {
        self.answer(|_| None);
    }

    /// From now on it lets wait, or does not any more.
    pub(crate) fn hang(&self, hangs: bool) {
        self.0.open.send_replace(!hangs);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn last(&self) -> Request<()> {
        self.0.requests.lock().unwrap().last().unwrap().clone()
    }

    /// Waits until it was asked this often, and what came of it is there.
    pub(crate) async fn until_asked(&self, times: usize) {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.asked(), times);
    }

    pub(crate) fn builder(&self, hands: &Hands) -> RemoteKeysBuilder {
        RemoteKeys::builder(ADDRESS)
            .with_fetch(self.clone())
            .with_clock(hands.clock())
    }
}

#[async_trait]
impl Fetch for Other {
    async fn fetch(
        &self,
        request: Request<()>,
        _max_body: usize,
    ) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.requests.lock().unwrap().push(request.clone());
        let mut open = self.0.open.subscribe();
        open.wait_for(|open| *open).await?;
        let answer = (self.0.answer.lock().unwrap())(&request);
        answer.ok_or_else(|| "nobody is there".into())
    }
}

pub(crate) fn document_of(document: &str) -> Response<Bytes> {
    Response::builder()
        .header("cache-control", "max-age=1000")
        .body(Bytes::from(document.to_owned()))
        .unwrap()
}

pub(crate) fn status(status: u16) -> Option<Response<Bytes>> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Some(response)
}

pub(crate) fn jwk(peer: &Peer) -> Value {
    let ring = KeyRing::new(peer.key.clone()).unwrap();
    let jwks: Value = serde_json::from_str(&ring.jwks()).unwrap();
    jwks["keys"][0].clone()
}

pub(crate) fn es256() -> &'static Peer {
    peer(Algorithm::ES256)
}

pub(crate) fn ed25519() -> &'static Peer {
    peer(Algorithm::EdDSA)
}

/// A token that is good for a day.
pub(crate) fn token(peer: &Peer) -> String {
    let mut claims = claims();
    claims["exp"] = json!(NOW + 86_400);
    peer.token(&claims)
}

/// The same under a name that no key has.
pub(crate) fn token_named(peer: &Peer, kid: &str) -> String {
    let mut claims = claims();
    claims["exp"] = json!(NOW + 86_400);
    let mut header = peer.header();
    header["kid"] = json!(kid);
    peer.forge(&header.to_string(), &claims.to_string())
}

pub(crate) fn verifier(keys: &RemoteKeys, hands: &Hands) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, keys.clone()).with_clock(hands.clock())
}

/// A verifier with the keys of the other one, which are there, and the clock.
pub(crate) async fn started(other: &Other) -> (Verifier, Hands) {
    let hands = Hands::at(NOW);
    let keys = other.builder(&hands).build().unwrap();
    keys.ready().await.unwrap();
    (verifier(&keys, &hands), hands)
}
