//! How much callers may ask for.
//!
//! Each request is charged once, to whoever makes it: the subject of its token, if that is good, and
//! else the address that it comes from. So the limit stands behind `BearerLayer`, which knows. That
//! one also refuses requests, those with a bad token, which never get here: `bad_tokens` charges them
//! to their address all the same. Nobody's token is refused for what others at the same address do.
//!
//! Signing in is limited once more, by address, and logins that fail by e-mail address too.

mod bad_tokens;
mod document;
mod failed_logins;

use axum::{http::request::Parts, middleware::from_fn_with_state};
use buttress_jwt::Principal;
use buttress_problem::{Catalogue, Problem, ToProblem};
use buttress_ratelimit::{
    ClientIp, Error, HeaderFormat, Key, MemoryStore, Quota, RateLimitHeaders, RateLimitLayer,
    RateLimiter, Rejection, RequestKey, ResetForm,
};
use utoipa_axum::router::OpenApiRouter;

use self::bad_tokens::BadTokens;
pub(super) use self::document::headers;
use super::AppState;
use crate::config::LimitSettings;

/// What everybody has left. Clones share everything.
#[derive(Debug, Clone)]
pub struct Limits {
    client_ip: ClientIp,
    callers: Option<RateLimiter>,
    logins: Option<RateLimiter>,
    failed_logins: Option<RateLimiter>,
}

/// The form of `X-RateLimit-Reset`.
const RESET: ResetForm = ResetForm::UnixSeconds;

impl Limits {
    /// Limits that are kept in the memory of this process.
    ///
    /// # Errors
    ///
    /// When the quotas of a setting make no sense, or not with each other.
    pub fn new(settings: &LimitSettings, store: &MemoryStore) -> Result<Self, Error> {
        // Those that an answer tells of side by side have different names.
        let limiter = |prefix: &str, quotas: &[Quota]| {
            let name = |quota: &Quota| format!("{prefix}{}", quota.name());
            let quotas = quotas.iter().map(|quota| quota.clone().named(name(quota)));
            match quotas.len() {
                0 => Ok(None),
                _ => RateLimiter::with_memory(store, quotas).map(Some),
            }
        };
        Ok(Self {
            client_ip: settings.client_ip.clone(),
            callers: limiter("", &settings.callers)?,
            logins: limiter("login-", &settings.logins)?,
            failed_logins: limiter("failed-login-", &settings.logins)?,
        })
    }

    /// Limits these routes by caller. What finds out who that is stands outside of it.
    pub(super) fn by_caller(&self, routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
        let key = subject.or(self.client_ip.clone());
        limited(routes, self.callers.as_ref(), key)
    }

    /// Limits these routes by address, as is due to those who sign in.
    pub(super) fn logins(&self, routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
        limited(routes, self.logins.as_ref(), self.client_ip.clone())
    }

    /// Charges requests whose token is not good to their address. It stands outside of what refuses
    /// them.
    pub(super) fn bad_tokens(&self, routes: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
        let Some(limiter) = &self.callers else {
            return routes;
        };
        let bad_tokens = BadTokens {
            limiter: limiter.clone(),
            client_ip: self.client_ip.clone(),
            headers: RateLimitHeaders::new(HeaderFormat::Draft11).with_x_headers(RESET),
        };
        routes.route_layer(from_fn_with_state(bad_tokens, bad_tokens::charge))
    }
}

/// Routes with a limit, in the document too, which does not depend on settings.
fn limited(
    mut routes: OpenApiRouter<AppState>,
    limiter: Option<&RateLimiter>,
    key: impl RequestKey + 'static,
) -> OpenApiRouter<AppState> {
    document::describe(&mut routes.get_openapi_mut().paths);
    match limiter {
        None => routes,
        Some(limiter) => {
            let layer = RateLimitLayer::new(limiter.clone());
            routes.route_layer(layer.with_key(key).with_x_headers(RESET))
        }
    }
}

/// Who makes the request, if they have a token that is good.
fn subject(parts: &Parts) -> Option<Key> {
    let principal = Principal::in_extensions(&parts.extensions)?;
    Some(principal.subject().into())
}

/// Somebody has asked for more than they may.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct RateLimited(#[from] Rejection);

impl ToProblem for RateLimited {
    fn to_problem(&self) -> Problem {
        self.0.to_problem()
    }

    /// Every request costs 1, and the buckets are in this process: nothing else can go wrong.
    fn catalogue() -> Catalogue {
        let all = Rejection::catalogue().into_iter();
        all.filter(|kind| kind.code() == "QUOTA_EXCEEDED").collect()
    }
}
