use std::ops::{Deref, DerefMut};

use ::validator::Validate;
use axum_core::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;

use super::Extracted;
use crate::{Answers, Catalogue, Problem, Violation};

/// What `E` extracted, if `validator` finds nothing wrong with it.
///
/// Otherwise all that is wrong is told at once, under the names that the fields have in JSON or in
/// the query ([`Violation::named_as`]): **422** with pointers for [`Json`](super::Json), **400**
/// with parameters for [`Query`](super::Query) and [`Path`](super::Path). What `E` itself refuses
/// it answers itself, before anything is validated.
///
/// See [`Violation::from_validator`] for details and codes.
///
/// ```
/// use buttress_problem::axum::{Valid, Json};
/// use validator::Validate;
///
/// #[derive(serde::Deserialize, Validate)]
/// struct SignUp {
///     #[validate(length(min = 8, max = 128))]
///     password: String,
/// }
///
/// async fn sign_up(Valid(Json(sign_up)): Valid<Json<SignUp>>) -> String {
///     format!("{} characters are enough", sign_up.password.len())
/// }
///
/// let router: axum::Router = axum::Router::new().route("/", axum::routing::post(sign_up));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Valid<E>(pub E);

impl<S, E> FromRequest<S> for Valid<E>
where
    S: Send + Sync,
    E: FromRequest<S, Rejection = Problem> + Extracted,
    E::Value: Validate,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        validated(E::from_request(request, state).await?)
    }
}

impl<S, E> FromRequestParts<S> for Valid<E>
where
    S: Send + Sync,
    E: FromRequestParts<S, Rejection = Problem> + Extracted,
    E::Value: Validate,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        validated(E::from_request_parts(parts, state).await?)
    }
}

fn validated<E>(extracted: E) -> Result<Valid<E>, Problem>
where
    E: Extracted,
    E::Value: Validate,
{
    match extracted.value().validate() {
        Ok(()) => Ok(Valid(extracted)),
        Err(errors) => Err(E::refuse(Violation::from_validator(&errors))),
    }
}

impl<E> Deref for Valid<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.0
    }
}

impl<E> DerefMut for Valid<E> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.0
    }
}

impl<E: Answers> Answers for Valid<E> {
    fn problems() -> Catalogue {
        E::problems()
    }
}
