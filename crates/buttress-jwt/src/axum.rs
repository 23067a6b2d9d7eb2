//! For axum 0.8: who makes the request, as an argument of a handler.

use std::{ops::Deref, sync::Arc};

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use buttress_problem::{Answers, Catalogue, Problem};
use http::{Extensions, request::Parts};

use crate::{
    Claims, Principal, Rejection, Require,
    inquiry::Inquiry,
    principal::Authentication,
    rejection::problems::{AUTHENTICATION_REQUIRED, INTERNAL_SERVER_ERROR},
};

/// The claims of the access token, for a handler behind a [`BearerLayer`](crate::BearerLayer) of the same `C`.
///
/// Without a token, which the layer lets pass if it is optional, it is 401, and `Option<Bearer<C>>` is `None`; so it is
/// for a request with an API key, which has no claims. Without
/// the layer, or with one of another `C`, both are 500, and an error event says why: a handler that asks who it is must
/// not run for everyone because a layer was forgotten.
///
/// ```
/// use axum::{Router, routing::get};
/// use buttress_jwt::{Bearer, BearerLayer, Verifier};
///
/// async fn who(claims: Bearer) -> String {
///     claims.subject.clone()
/// }
///
/// fn app(verifier: Verifier) -> Router {
///     Router::new().route("/who", get(who)).layer(BearerLayer::<()>::new(verifier))
/// }
/// ```
#[derive(Debug)]
pub struct Bearer<C = ()>(pub Arc<Claims<C>>);

impl<C> Clone for Bearer<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Deref for Bearer<C> {
    type Target = Claims<C>;

    fn deref(&self) -> &Claims<C> {
        &self.0
    }
}

/// Who it is, or what keeps that from being known.
fn find<T>(
    extensions: &Extensions,
    find: impl FnOnce(&Extensions, &Principal) -> Option<T>,
) -> Result<Option<T>, Rejection> {
    let Some(authentication) = Authentication::in_extensions(extensions) else {
        tracing::error!(
            "a handler asks who makes the request, and there is no authentication in front of it: put it inside of a \
             BearerLayer"
        );
        return Err(Rejection::misconfigured());
    };
    let Some(principal) = &authentication.principal else {
        return Ok(None);
    };
    let found = find(extensions, principal);
    if found.is_none() && principal.api_key().is_none() {
        tracing::error!(
            "a handler asks for claims of another type than the BearerLayer in front of it reads"
        );
        return Err(Rejection::misconfigured());
    }
    Ok(found)
}

fn unauthenticated(extensions: &Extensions) -> Rejection {
    if let Some(inquiry) = Inquiry::in_extensions(extensions) {
        inquiry.note(&Require::authenticated());
    }
    let realm = Authentication::in_extensions(extensions).map(|known| known.realm.clone());
    Rejection::unauthenticated().with_realm(realm.unwrap_or_default())
}

fn claims<C: Send + Sync + 'static>(extensions: &Extensions, _: &Principal) -> Option<Bearer<C>> {
    extensions.get::<Arc<Claims<C>>>().cloned().map(Bearer)
}

fn principal(_: &Extensions, principal: &Principal) -> Option<Principal> {
    Some(principal.clone())
}

impl<S: Sync, C: Send + Sync + 'static> FromRequestParts<S> for Bearer<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        find(&parts.extensions, claims)?.ok_or_else(|| unauthenticated(&parts.extensions))
    }
}

impl<S: Sync, C: Send + Sync + 'static> OptionalFromRequestParts<S> for Bearer<C> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        find(&parts.extensions, claims)
    }
}

/// As [`Bearer`], whatever the type of the claims.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        find(&parts.extensions, principal)?.ok_or_else(|| unauthenticated(&parts.extensions))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        find(&parts.extensions, principal)
    }
}

/// What an extractor answers with: 401 and 500.
fn problems() -> Catalogue {
    Catalogue::from_iter([AUTHENTICATION_REQUIRED, INTERNAL_SERVER_ERROR])
}

/// What the extractor answers with: 401 and 500.
impl<C> Answers for Bearer<C> {
    fn problems() -> Catalogue {
        problems()
    }
}

/// What the extractor answers with: 401 and 500.
impl Answers for Principal {
    fn problems() -> Catalogue {
        problems()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Response::from(Problem::from(self.clone()));
        response.extensions_mut().insert(self);
        response
    }
}
