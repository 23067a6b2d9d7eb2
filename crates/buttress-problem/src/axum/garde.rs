use std::ops::{Deref, DerefMut};

use ::garde::Validate;
use axum_core::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;

use super::Extracted;
use crate::{Answers, Catalogue, Problem, Violation};

/// What `E` extracted, if `garde` finds nothing wrong with it.
///
/// Otherwise all that is wrong is told at once, under the names that the fields have in JSON or in
/// the query ([`Violation::named_as`]): **422** with pointers for [`Json`](super::Json), **400**
/// with parameters for [`Query`](super::Query) and [`Path`](super::Path). What `E` itself refuses
/// it answers itself, before anything is validated.
///
/// See [`Violation::from_garde`] for details and codes. The type's context is its default one.
///
/// ```
/// use buttress_problem::axum::{Garde, Json};
/// use garde::Validate;
///
/// #[derive(serde::Deserialize, Validate)]
/// struct SignUp {
///     #[garde(length(min = 8, max = 128))]
///     password: String,
/// }
///
/// async fn sign_up(Garde(Json(sign_up)): Garde<Json<SignUp>>) -> String {
///     format!("{} characters are enough", sign_up.password.len())
/// }
///
/// let router: axum::Router = axum::Router::new().route("/", axum::routing::post(sign_up));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Garde<E>(pub E);

impl<S, E> FromRequest<S> for Garde<E>
where
    S: Send + Sync,
    E: FromRequest<S, Rejection = Problem> + Extracted,
    E::Value: Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        validated(E::from_request(request, state).await?)
    }
}

impl<S, E> FromRequestParts<S> for Garde<E>
where
    S: Send + Sync,
    E: FromRequestParts<S, Rejection = Problem> + Extracted,
    E::Value: Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        validated(E::from_request_parts(parts, state).await?)
    }
}

fn validated<E>(extracted: E) -> Result<Garde<E>, Problem>
where
    E: Extracted,
    E::Value: Validate<Context: Default>,
{
    match extracted.value().validate() {
        Ok(()) => Ok(Garde(extracted)),
        Err(errors) => Err(E::refuse(Violation::from_garde(&errors))),
    }
}

impl<E> Deref for Garde<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.0
    }
}

impl<E> DerefMut for Garde<E> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.0
    }
}

impl<E: Answers> Answers for Garde<E> {
    fn problems() -> Catalogue {
        E::problems()
    }
}
