use std::borrow::Cow;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::{
    Error, ErrorKind, Problem, UriReference, Violation, error::BoxError, problem_type::is_code,
    status,
};

/// Builds a [`Problem`](struct@Problem) from parts that are only known at run time, and reports
/// the first one that is wrong.
///
/// ```
/// use buttress_problem::Problem;
///
/// let problem = Problem::builder(403)
///     .type_uri("https://errors.example.com/out-of-credit")
///     .title("You do not have enough credit.")
///     .detail("Your balance is 30, but that costs 50.")
///     .code("OUT_OF_CREDIT")
///     .extension("balance", 30)
///     .header("retry-after", "3600")
///     .build()?;
/// assert_eq!(problem.extension::<u32>("balance"), Some(30));
///
/// let error = Problem::builder(403).extension("status", 200).build().unwrap_err();
/// assert!(error.to_string().contains("`status`"));
/// # Ok::<(), buttress_problem::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ProblemBuilder(Result<Problem, Error>);

impl ProblemBuilder {
    pub(crate) fn new(status: impl TryInto<StatusCode>) -> Self {
        let allowed = status
            .try_into()
            .ok()
            .filter(|status| status::is_error(*status));
        Self(allowed.map(Problem::new).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidStatus,
                "a problem cannot have this status: allowed is 400 to 599",
            )
        }))
    }

    fn and_then(self, apply: impl FnOnce(Problem) -> Result<Problem, Error>) -> Self {
        Self(self.0.and_then(apply))
    }

    fn map(self, apply: impl FnOnce(Problem) -> Problem) -> Self {
        Self(self.0.map(apply))
    }

    /// Sets what identifies the kind of problem: a [`UriReference`] or a text that is one.
    pub fn type_uri<U>(self, type_uri: U) -> Self
    where
        U: TryInto<UriReference>,
        Error: From<U::Error>,
    {
        self.and_then(|problem| Ok(problem.with_type(type_uri.try_into()?)))
    }

    /// Sets the title.
    pub fn title(self, title: impl Into<Cow<'static, str>>) -> Self {
        self.map(|problem| problem.with_title(title))
    }

    /// Sets the detail.
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.map(|problem| problem.with_detail(detail))
    }

    /// Sets what identifies this occurrence: a [`UriReference`] or a text that is one.
    pub fn instance<U>(self, instance: U) -> Self
    where
        U: TryInto<UriReference>,
        Error: From<U::Error>,
    {
        self.and_then(|problem| Ok(problem.with_instance(instance.try_into()?)))
    }

    /// Sets the stable machine name: upper-case letters, digits and `_`, beginning with a letter.
    pub fn code(self, code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        self.and_then(|problem| {
            if is_code(&code) {
                return Ok(problem.with_code(code));
            }
            Err(Error::new(
                ErrorKind::InvalidCode,
                format!(
                    "{code:?} is not a code: allowed are upper-case letters, digits and `_`, \
                     beginning with a letter"
                ),
            ))
        })
    }

    /// Adds an extension member; see [`Problem::try_with_extension`] for what is refused.
    pub fn extension(self, name: impl Into<Cow<'static, str>>, value: impl Serialize) -> Self {
        self.and_then(|problem| problem.try_with_extension(name, value))
    }

    /// Adds an entry to `errors`.
    pub fn violation(self, violation: Violation) -> Self {
        self.map(|problem| problem.with_violation(violation))
    }

    /// Adds a header to the response.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        self.and_then(|problem| {
            let invalid = |error: http::Error| {
                Error::new(ErrorKind::InvalidHeader, format!("not a header: {error}"))
                    .with_source(error)
            };
            let name = name.try_into().map_err(|error| invalid(error.into()))?;
            let value = value.try_into().map_err(|error| invalid(error.into()))?;
            Ok(problem.with_header(name, value))
        })
    }

    /// Attaches what caused the problem; see [`Problem::with_source`].
    pub fn source(self, source: impl Into<BoxError>) -> Self {
        self.map(|problem| problem.with_source(source))
    }

    /// The problem, or the first thing that was wrong.
    ///
    /// # Errors
    ///
    /// The kinds of [`ErrorKind`] that name a status, a URI, a code, a member or a header.
    pub fn build(self) -> Result<Problem, Error> {
        self.0
    }
}
