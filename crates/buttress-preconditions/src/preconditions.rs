use http::{HeaderMap, Method, request::Parts};

use crate::{Current, Decision, Rejection, Require, evaluate, headers};

/// The preconditions of one request, kept until it is known what they are about.
///
/// Take them at the beginning of a handler and ask when the resource has been read and nothing has
/// been changed yet, best within the transaction that will change it. That way, whatever else is
/// wrong with the request is answered first, as RFC 9110, section 13.2.1 demands.
///
/// With the feature `axum` it is an extractor that never refuses.
///
/// ```
/// use buttress_preconditions::{ETag, Preconditions, Rejection, RejectionKind};
/// use http::Request;
///
/// fn rename(preconditions: &Preconditions) -> Result<(), Rejection> {
///     let current = ETag::from_version(8); // of the row that was just read
///     preconditions.require(&current)?;
///     Ok(()) // change it
/// }
///
/// let request = Request::patch("/things/1").header("if-match", r#""7""#).body(())?;
/// let (parts, ()) = request.into_parts();
/// let rejection = rename(&Preconditions::from_parts(&parts)).unwrap_err();
/// assert_eq!(rejection.kind(), RejectionKind::Failed);
/// assert_eq!(rejection.current(), Some(&ETag::from_version(8)));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Preconditions {
    method: Method,
    headers: HeaderMap,
}

impl Preconditions {
    /// Those of a request with this method and these header fields.
    #[must_use]
    pub fn new(method: Method, headers: &HeaderMap) -> Self {
        Self {
            method,
            headers: headers::preconditions(headers),
        }
    }

    /// Those of a request.
    #[must_use]
    pub fn from_parts(parts: &Parts) -> Self {
        Self::new(parts.method.clone(), &parts.headers)
    }

    /// What is to be done with the request, as [`evaluate`](crate::evaluate()) finds.
    #[must_use]
    pub fn evaluate<'a>(&self, current: impl Into<Current<'a>>) -> Decision {
        evaluate(&self.method, &self.headers, current.into())
    }

    /// Refuses a request whose preconditions are false; one without any passes.
    ///
    /// So does a GET that could be answered with 304, which [`evaluate`](Self::evaluate) tells:
    /// [`PreconditionsLayer`](crate::PreconditionsLayer) makes it one.
    ///
    /// # Errors
    ///
    /// When a precondition is false (412) or malformed (400).
    pub fn check<'a>(&self, current: impl Into<Current<'a>>) -> Result<(), Rejection> {
        let current = current.into();
        let decision = evaluate(&self.method, &self.headers, current);
        Rejection::of(decision, &self.method, current).map_or(Ok(()), Err)
    }

    /// As [`check`](Self::check), but refuses a request with an unsafe method, POST included, that
    /// does not say which state it is to change, as [`Require::all_unsafe`] defines it.
    ///
    /// # Errors
    ///
    /// When there is no precondition (428), or it is false (412) or malformed (400).
    pub fn require<'a>(&self, current: impl Into<Current<'a>>) -> Result<(), Rejection> {
        let current = current.into();
        let decision = Require::all_unsafe().evaluate(&self.method, &self.headers, current);
        Rejection::of(decision, &self.method, current).map_or(Ok(()), Err)
    }
}
