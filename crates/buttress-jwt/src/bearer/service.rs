use std::{
    error::Error as StdError,
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use serde::de::DeserializeOwned;
use tower_service::Service;

use super::layer::Config;
use crate::{
    Claims, Rejection, ResponseBody, ResponseFuture, TokenError, TokenErrorKind, credentials,
    gate::{Tell, Verdict},
    inquiry::Inquiry,
    key_source::News,
    memory::Memory,
    principal::{Authentication, Principal},
    revocation::{Answer, TokenIdentity},
};

/// See [`BearerLayer`](crate::BearerLayer).
#[must_use]
pub struct BearerService<S, C = ()> {
    inner: S,
    config: Arc<Config>,
    memory: Option<Arc<Memory<C>>>,
}

impl<S, C> BearerService<S, C> {
    pub(super) fn new(inner: S, config: Arc<Config>, memory: Option<Arc<Memory<C>>>) -> Self {
        Self {
            inner,
            config,
            memory,
        }
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

impl<S, C, ReqBody, ResBody> Service<Request<ReqBody>> for BearerService<S, C>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body<Data = Bytes>,
    C: DeserializeOwned + Send + Sync + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let config = &*self.config;
        let access = authenticate(&request, &self.config, self.memory.as_ref());
        credentials::hide(request.headers_mut(), config.cookie.is_some());
        let verdict = match access {
            Ok(Access::Known(claims, verdict)) => {
                introduce(request.extensions_mut(), claims, config);
                let Some(verdict) = verdict else {
                    return ResponseFuture::running(self.inner.call(request));
                };
                verdict
            }
            Ok(Access::Later(verdict)) => verdict,
            Err(rejection) => {
                return ResponseFuture::refused(
                    rejection.with_realm(config.realm.clone()),
                    config.responder.clone(),
                );
            }
        };
        // The service that was polled ready is the one that is called; its clone, which was not, takes its place here.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::asking(verdict, ready, request, config.responder.clone())
    }
}

enum Access<C> {
    /// Who makes the request: nobody, if it has no token and needs none. And what is left to wait for, if there is
    /// anything.
    Known(Option<Arc<Claims<C>>>, Option<Verdict>),
    /// It is not known before this is.
    Later(Verdict),
}

fn authenticate<B, C: DeserializeOwned + Send + Sync + 'static>(
    request: &Request<B>,
    config: &Arc<Config>,
    memory: Option<&Arc<Memory<C>>>,
) -> Result<Access<C>, Rejection> {
    // A layer further out may have accepted an API key, which is then the bearer token, if there is one.
    let principal = Principal::in_extensions(request.extensions());
    let has_key = principal.is_some_and(|principal| principal.api_key().is_some());
    let is_key = |token: &[u8]| {
        has_key
            || config
                .api_keys
                .as_ref()
                .is_some_and(|keys| keys.is_ours(token))
    };
    let token = credentials::find(request.headers(), config.cookie.as_deref(), is_key)
        .inspect_err(unreadable)?;
    let Some(token) = token else {
        return match has_key || config.optional || Inquiry::goes_on(request.extensions()) {
            true => Ok(Access::Known(None, None)),
            false => Err(Rejection::unauthenticated()),
        };
    };
    if has_key {
        return Err(Rejection::invalid_request(
            "there are both an access token and an API key",
        ));
    }
    let known = memory.and_then(|memory| memory.find(token.bytes(), &config.verifier));
    let verified = match known {
        Some(claims) => Ok(claims),
        None => {
            let token = token.text().inspect_err(unreadable)?;
            verify(token, config, memory.map(|memory| &**memory)).map_err(|error| (token, error))
        }
    };
    match verified {
        Ok(claims) => {
            let verdict = ask(&claims, config)?;
            Ok(Access::Known(Some(claims), verdict))
        }
        Err((token, error)) => {
            let news = config.verifier.news(token, error).map_err(refuse)?;
            let news = in_a_place(news, config)?;
            let (token, config, memory) = (token.into(), Arc::clone(config), memory.cloned());
            Ok(Access::Later(Box::pin(authenticate_after(
                news, token, config, memory,
            ))))
        }
    }
}

fn unreadable(rejection: &Rejection) {
    tracing::debug!(reason = %rejection, "the credentials of a request cannot be read");
}

/// The same, among those that may be waited for.
fn in_a_place(news: News, config: &Config) -> Result<News, Rejection> {
    let Ok(place) = Arc::clone(&config.places).try_acquire_owned() else {
        if let Some(left_out) = config.crowds.left_out() {
            tracing::warn!(
                left_out,
                "too many requests wait for keys of another service"
            );
        }
        return Err(Rejection::unavailable());
    };
    Ok(Box::pin(async move {
        let _place = place;
        news.await;
    }))
}

/// Who makes the request, after its key was not there at first.
async fn authenticate_after<C: DeserializeOwned + Send + Sync + 'static>(
    news: News,
    token: Box<str>,
    config: Arc<Config>,
    memory: Option<Arc<Memory<C>>>,
) -> Result<Option<Tell>, Rejection> {
    news.await;
    let with_realm = |rejection: Rejection| rejection.with_realm(config.realm.clone());
    let claims = verify(&token, &config, memory.as_deref())
        .map_err(refuse)
        .map_err(with_realm)?;
    if let Some(verdict) = ask(&claims, &config).map_err(with_realm)? {
        verdict.await?;
    }
    Ok(Some(Box::new(move |extensions| {
        introduce(extensions, Some(claims), &config);
    })))
}

fn verify<C: DeserializeOwned>(
    token: &str,
    config: &Config,
    memory: Option<&Memory<C>>,
) -> Result<Arc<Claims<C>>, TokenError> {
    match memory {
        Some(memory) => memory.verify(token, &config.verifier),
        None => {
            let verified = config.verifier.verify_with_key(token);
            verified.map(|(claims, _)| Arc::new(claims))
        }
    }
}

/// What is left to wait for, if there is anything.
fn ask<C>(claims: &Claims<C>, config: &Config) -> Result<Option<Verdict>, Rejection> {
    let Some(revocation) = &config.revocation else {
        return Ok(None);
    };
    let later = match revocation.check(&TokenIdentity::of(claims)).0 {
        Answer::Now(false) => return Ok(None),
        Answer::Now(true) => return Err(refuse(REVOKED)),
        Answer::Later(later) => later,
    };
    let (realm, limit, failures) = (config.realm.clone(), config.limit, config.failures.clone());
    Ok(Some(Box::pin(async move {
        match limit.wait(later).await {
            Ok(false) => Ok(None),
            Ok(true) => Err(refuse(REVOKED).with_realm(realm)),
            Err(error) => {
                if let Some(left_out) = failures.left_out() {
                    let error: &(dyn StdError + 'static) = &*error;
                    tracing::error!(
                        error,
                        left_out,
                        "whether a token is revoked could not be found out"
                    );
                }
                Err(Rejection::unavailable())
            }
        }
    })))
}

const REVOKED: TokenError = TokenError::new(TokenErrorKind::Revoked, "it was revoked");

/// The reason goes to the logs, and nothing of it to the client.
fn refuse(error: TokenError) -> Rejection {
    tracing::debug!(kind = ?error.kind(), reason = %error, "an access token was refused");
    match error.kind() {
        // Nothing is said of the token: a client that is told so would throw it away.
        TokenErrorKind::KeysUnavailable => Rejection::unavailable(),
        _ => Rejection::invalid_token(error),
    }
}

/// Tells what comes behind who makes the request.
fn introduce<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    claims: Option<Arc<Claims<C>>>,
    config: &Config,
) {
    let Some(claims) = claims else {
        return Authentication::nobody(extensions, &config.realm);
    };
    extensions.insert(Arc::clone(&claims));
    extensions.insert(Authentication {
        principal: Some(claims.into()),
        realm: config.realm.clone(),
    });
}

impl<S: Clone, C> Clone for BearerService<S, C> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            Arc::clone(&self.config),
            self.memory.clone(),
        )
    }
}

impl<S: fmt::Debug, C> fmt::Debug for BearerService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerService")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish()
    }
}
