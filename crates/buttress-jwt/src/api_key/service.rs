use std::{
    error::Error as StdError,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ApiKey, ApiKeyError, ApiKeyRefusal, format::Presented, keys::Look, layer::Config};
use crate::{
    Principal, Rejection, ResponseBody, ResponseFuture,
    credentials::{self, KeyOrToken},
    gate::Verdict,
    inquiry::Inquiry,
    principal::Authentication,
};

/// See [`ApiKeyLayer`](crate::ApiKeyLayer).
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiKeyService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> ApiKeyService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ApiKeyService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let access = authenticate(&request, &self.config);
        credentials::hide_key(request.headers_mut());
        let presented = match access {
            Ok(Access::Nobody) => {
                introduce(request.extensions_mut(), None, &self.config);
                return ResponseFuture::running(self.inner.call(request));
            }
            Ok(Access::Known(key)) => {
                introduce(request.extensions_mut(), Some(key), &self.config);
                return ResponseFuture::running(self.inner.call(request));
            }
            Ok(Access::Unknown(presented)) => presented,
            Err(rejection) => {
                return ResponseFuture::refused(
                    rejection.with_realm(self.config.realm.clone()),
                    self.config.responder.clone(),
                );
            }
        };
        // The service that was polled ready is the one that is called; its clone, which was not, takes its place here.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let verdict = ask(presented, Arc::clone(&self.config));
        ResponseFuture::asking(verdict, ready, request, self.config.responder.clone())
    }
}

enum Access {
    /// Who has no key, and needs none.
    Nobody,
    Known(Arc<ApiKey>),
    /// The store has to say.
    Unknown(Presented),
}

fn authenticate<B>(request: &Request<B>, config: &Config) -> Result<Access, Rejection> {
    let found = credentials::key_or_token(request.headers()).inspect_err(|rejection| {
        tracing::debug!(reason = %rejection, "the credentials of a request cannot be read");
    })?;
    let known = Principal::in_extensions(request.extensions());
    let found = found.filter(|found| !config.is_anothers(found.text().as_bytes()));
    // There is one key at most: who is known by a key that is not ours is known by this one.
    let by_another = known.is_some_and(|principal| principal.api_key().is_some());
    let key = match found {
        Some(KeyOrToken::Key(key)) if config.keys.is_ours(key.as_bytes()) || !by_another => key,
        Some(KeyOrToken::Token(token)) if config.keys.is_ours(token.as_bytes()) => token,
        // Whoever knows who it is has accepted it, and an inner layer may.
        other => {
            let goes_on = || Inquiry::goes_on(request.extensions());
            return if known.is_some() || config.optional || goes_on() {
                Ok(Access::Nobody)
            } else if other.is_some() {
                Err(refuse(ApiKeyRefusal::Malformed))
            } else {
                Err(Rejection::no_api_key())
            };
        }
    };
    // A key that an outer layer has accepted is this one, and is judged again.
    if known.is_some_and(|principal| principal.api_key().is_none()) {
        return Err(Rejection::invalid_request(
            "there are both an access token and an API key",
        ));
    }
    match config.keys.look(key) {
        Ok(Look::Known(key)) => Ok(Access::Known(key)),
        Ok(Look::Unknown(presented)) => Ok(Access::Unknown(presented)),
        Err(refusal) => Err(refuse(refusal)),
    }
}

fn ask(presented: Presented, config: Arc<Config>) -> Verdict {
    Box::pin(async move {
        match config.keys.find(presented).await {
            Ok(key) => Ok(Some(Box::new(move |extensions: &mut Extensions| {
                introduce(extensions, Some(key), &config);
            }) as _)),
            Err(ApiKeyError::Refused(refusal)) => {
                Err(refuse(refusal).with_realm(config.realm.clone()))
            }
            Err(ApiKeyError::Failed(error)) => {
                if let Some(left_out) = config.failures.left_out() {
                    let error: &(dyn StdError + 'static) = &error;
                    tracing::error!(
                        error,
                        left_out,
                        "whether an API key is accepted could not be found out"
                    );
                }
                Err(Rejection::unavailable())
            }
        }
    })
}

fn refuse(refusal: ApiKeyRefusal) -> Rejection {
    Rejection::invalid_api_key(refusal)
}

/// Tells what comes behind who makes the request.
fn introduce(extensions: &mut Extensions, key: Option<Arc<ApiKey>>, config: &Config) {
    let Some(key) = key else {
        return Authentication::nobody(extensions, &config.realm);
    };
    extensions.insert(Arc::clone(&key));
    extensions.insert(Authentication {
        principal: Some(key.into()),
        realm: config.realm.clone(),
    });
}
