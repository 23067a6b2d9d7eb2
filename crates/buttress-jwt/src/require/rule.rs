use std::{borrow::Cow, error::Error, fmt, future::Future, pin::Pin, sync::Arc};

use http::request::Parts;

use super::{Decision, evaluation};
use crate::Principal;

type BoxError = Box<dyn Error + Send + Sync>;
type Check = dyn Fn(&Principal, &Parts) -> bool + Send + Sync;
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send>>;
type AsyncCheck = dyn Fn(&Principal, &Parts) -> Answer + Send + Sync;

/// What somebody needs in order to do something: a value that can be put together, printed and asked.
///
/// ```
/// use buttress_jwt::Require;
///
/// let require = Require::all([
///     Require::any([Require::role("admin"), Require::scope("orders:write")]),
///     Require::not(Require::role("suspended")),
///     Require::check("no preview", |_, parts| !parts.headers.contains_key("x-preview")),
/// ]);
/// assert_eq!(
///     require.to_string(),
///     "(role(admin) or scope(orders:write)) and not role(suspended) and check(no preview)"
/// );
/// ```
///
/// Clones share everything.
#[derive(Clone)]
pub struct Require(pub(super) Arc<Rule>);

pub(super) enum Rule {
    Role(Cow<'static, str>),
    Scope(Cow<'static, str>),
    All(Vec<Require>),
    Any(Vec<Require>),
    Not(Require),
    Check(Cow<'static, str>, Box<Check>),
    AsyncCheck(Cow<'static, str>, Box<AsyncCheck>),
}

impl Require {
    fn new(rule: Rule) -> Self {
        Self(Arc::new(rule))
    }

    /// To be known, and nothing else.
    #[must_use]
    pub fn authenticated() -> Self {
        Self::all([])
    }

    /// The subject has this role.
    #[must_use]
    pub fn role(role: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Rule::Role(role.into()))
    }

    /// The credentials have this scope, to the letter. Several are several requirements: no scope has a space in it.
    #[must_use]
    pub fn scope(scope: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Rule::Scope(scope.into()))
    }

    /// All of these; everyone who is known, if there are none.
    #[must_use]
    pub fn all(requirements: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Rule::All(requirements.into_iter().collect()))
    }

    /// One of these at least; nobody, if there are none.
    #[must_use]
    pub fn any(requirements: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Rule::Any(requirements.into_iter().collect()))
    }

    /// Not this. Those who are not known do not pass it either.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "it is read beside `all` and `any`"
    )]
    pub fn not(requirement: Self) -> Self {
        Self::new(Rule::Not(requirement))
    }

    /// What the function says. The name is for people.
    #[must_use]
    pub fn check(
        name: impl Into<Cow<'static, str>>,
        check: impl Fn(&Principal, &Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(Rule::Check(name.into(), Box::new(check)))
    }

    /// What the future says that the function makes, which takes along what it needs of the request. It is waited
    /// for only if everything else does not decide already.
    ///
    /// Its error is neither yes nor no: the request is answered with 503, and the error is logged. So is what takes
    /// longer than the layer [waits](crate::RequireLayer::with_timeout).
    ///
    /// ```
    /// use buttress_jwt::Require;
    /// # async fn is_member(_user: &str, _path: &str) -> Result<bool, std::io::Error> { Ok(true) }
    ///
    /// let member = Require::check_async("member", |principal, parts| {
    ///     let (user, path) = (principal.subject().to_owned(), parts.uri.path().to_owned());
    ///     async move { is_member(&user, &path).await }
    /// });
    /// assert_eq!(member.to_string(), "check(member)");
    /// ```
    #[must_use]
    pub fn check_async<F, E>(
        name: impl Into<Cow<'static, str>>,
        check: impl Fn(&Principal, &Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let check = move |principal: &Principal, parts: &Parts| -> Answer {
            let answer = check(principal, parts);
            Box::pin(async move { answer.await.map_err(Into::into) })
        };
        Self::new(Rule::AsyncCheck(name.into(), Box::new(check)))
    }

    /// Whether the principal may make this request: for handlers, and for tests without a server.
    ///
    /// The future does not borrow what it was asked with, and waits for the checks without a limit.
    ///
    /// # Errors
    ///
    /// The error of an async check that has none but that to say.
    pub fn decide(
        &self,
        principal: &Principal,
        parts: &Parts,
    ) -> impl Future<Output = Result<Decision, BoxError>> + Send + 'static {
        let evaluation = evaluation::begin(self, principal, parts);
        async move { evaluation::finish(evaluation).await.map(Decision) }
    }

    /// Whether it is written without parentheses inside of another one.
    fn is_atom(&self) -> bool {
        match &*self.0 {
            Rule::All(parts) | Rule::Any(parts) => parts.len() < 2,
            _ => true,
        }
    }
}

impl fmt::Display for Require {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, part: &Self| match part.is_atom() {
            true => write!(f, "{part}"),
            false => write!(f, "({part})"),
        };
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Self], word, none| match parts {
            [] => f.write_str(none),
            [one] => write!(f, "{one}"),
            [first, rest @ ..] => {
                part(f, first)?;
                rest.iter().try_for_each(|next| {
                    f.write_str(word)?;
                    part(f, next)
                })
            }
        };
        match &*self.0 {
            Rule::Role(role) => write!(f, "role({role})"),
            Rule::Scope(scope) => write!(f, "scope({scope})"),
            Rule::All(parts) => list(f, parts, " and ", "authenticated"),
            Rule::Any(parts) => list(f, parts, " or ", "nobody"),
            Rule::Not(requirement) => {
                f.write_str("not ")?;
                part(f, requirement)
            }
            Rule::Check(name, _) | Rule::AsyncCheck(name, _) => write!(f, "check({name})"),
        }
    }
}

impl fmt::Debug for Require {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Require({self})")
    }
}
