use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Error, ProblemBuilder, ProblemType, UriReference, Violation,
    error::BoxError,
    extension::{self, Extensions},
    status,
};

/// A problem detail (RFC 9457): what went wrong, for people and for programs, with the headers
/// that belong to it.
///
/// Every problem has a `type`, a `title`, a `status` and a `code`; [`new`](Self::new) takes the
/// last three from the status. It is one word in size, so it is cheap as the `Err` of a `Result`.
///
/// As a `std::error::Error` it displays what it says in public; what caused it is its
/// [`source`](StdError::source), which is logged and never sent.
#[derive(Clone)]
pub struct Problem(pub(crate) Box<Inner>);

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) status: StatusCode,
    pub(crate) type_uri: UriReference,
    pub(crate) title: Text,
    pub(crate) detail: Option<Cow<'static, str>>,
    pub(crate) instance: Option<UriReference>,
    pub(crate) code: Text,
    pub(crate) extensions: Extensions,
    pub(crate) violations: Vec<Violation>,
    pub(crate) headers: HeaderMap,
    pub(crate) source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// A text that follows the status until it is set. A document that came from elsewhere may lack
/// it, and then it stays out when the document is sent on.
#[derive(Clone)]
pub(crate) enum Text {
    OfStatus,
    Set(Cow<'static, str>),
    Absent,
}

impl Problem {
    /// A problem that says no more than its status: `about:blank`, with the status' phrase as
    /// its title and as its code (`Not Found`, `NOT_FOUND`).
    ///
    /// A status that is not an error is kept as it is; [`builder`](Self::builder) refuses one.
    /// The `status` member is left out above 599, which is what the RFC's schema allows.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self(Box::new(Inner {
            status,
            type_uri: UriReference::ABOUT_BLANK,
            title: Text::OfStatus,
            detail: None,
            instance: None,
            code: Text::OfStatus,
            extensions: Extensions::default(),
            violations: Vec::new(),
            headers: HeaderMap::new(),
            source: None,
        }))
    }

    /// A problem of a kind that is known at compile time.
    #[must_use]
    pub fn of(kind: ProblemType) -> Self {
        let mut problem = Self::new(kind.status());
        problem.0.type_uri = kind.type_uri();
        problem.0.code = Text::Set(Cow::Borrowed(kind.code()));
        if let Some(title) = kind.own_title() {
            problem.0.title = Text::Set(Cow::Borrowed(title));
        }
        problem
    }

    /// Builds a problem from parts that may be wrong, and says which one is.
    ///
    /// The status is a `StatusCode` or a number, from 400 to 599.
    pub fn builder(status: impl TryInto<StatusCode>) -> ProblemBuilder {
        ProblemBuilder::new(status)
    }

    /// 422 with the code `VALIDATION_ERROR` and one entry in `errors` for each violation.
    #[must_use]
    pub fn validation(violations: impl IntoIterator<Item = Violation>) -> Self {
        let mut problem = Self::of(VALIDATION_ERROR);
        problem.0.violations.extend(violations);
        problem
    }

    /// Sets what identifies the kind of problem.
    #[must_use]
    pub fn with_type(mut self, type_uri: UriReference) -> Self {
        self.set_type(type_uri);
        self
    }

    /// Sets the title, which should be the same for every problem of one type.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.set_title(title);
        self
    }

    /// Sets what a person needs to know to get past this occurrence.
    ///
    /// It is sent as it is, for a 5xx too: whoever writes it has decided that it is public.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.set_detail(detail);
        self
    }

    /// Sets what identifies this occurrence; `ProblemLayer` sets the request's path otherwise.
    #[must_use]
    pub fn with_instance(mut self, instance: UriReference) -> Self {
        self.0.instance = Some(instance);
        self
    }

    /// Sets the stable machine name: by convention upper-case letters, digits and `_`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.set_code(code);
        self
    }

    /// Leaves the `code` out, for an API whose contract has none.
    #[must_use]
    pub fn without_code(mut self) -> Self {
        self.0.extensions.remove("code");
        self.0.code = Text::Absent;
        self
    }

    /// Adds an extension member, or replaces the one of that name.
    ///
    /// A member that [`try_with_extension`](Self::try_with_extension) would refuse is left out
    /// and logged at error level: a wrong name must not cost the client the rest of the answer.
    #[must_use]
    pub fn with_extension(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Serialize,
    ) -> Self {
        self.set_extension(name, value);
        self
    }

    /// Adds an extension member, or replaces the one of that name.
    ///
    /// Integers are sent with all their digits; many consumers read more than 2^53 inexactly, so
    /// send such a number as a string. `NaN` and the infinities become `null`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReservedMember`](crate::ErrorKind::ReservedMember) for `type`, `title`,
    /// `status`, `detail`, `instance`, `code` and `errors`,
    /// [`ErrorKind::InvalidMemberName`](crate::ErrorKind::InvalidMemberName) for a name that is not
    /// a letter followed by letters, digits, `_` and `-`, and
    /// [`ErrorKind::Serialize`](crate::ErrorKind::Serialize) for a value that is not JSON, such as a
    /// map whose keys are lists.
    pub fn try_with_extension(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Serialize,
    ) -> Result<Self, Error> {
        self.try_set_extension(name.into(), value)?;
        Ok(self)
    }

    /// Adds an entry to `errors`.
    #[must_use]
    pub fn with_violation(mut self, violation: Violation) -> Self {
        self.0.extensions.remove("errors");
        self.0.violations.push(violation);
        self
    }

    /// Adds a header to the response; one of that name that is there already stays.
    ///
    /// `Content-Type` and `Content-Length` are the document's own and are overwritten.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Attaches what caused the problem. It is never sent; it is logged once, with all that it
    /// was caused by itself.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What identifies the kind of problem; `about:blank` says that the status does.
    #[must_use]
    pub fn type_uri(&self) -> &UriReference {
        &self.0.type_uri
    }

    /// The title; the status' phrase when there is none.
    #[must_use]
    pub fn title(&self) -> &str {
        match &self.0.title {
            Text::Set(title) => title,
            Text::OfStatus | Text::Absent => status::phrase(self.0.status),
        }
    }

    /// What a person needs to know to get past this occurrence.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What identifies this occurrence.
    #[must_use]
    pub fn instance(&self) -> Option<&UriReference> {
        self.0.instance.as_ref()
    }

    /// The stable machine name. Problems that were made here have one unless it was taken away.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.0.code {
            Text::Set(code) => Some(code),
            Text::OfStatus => Some(status::code(self.0.status)),
            Text::Absent => None,
        }
    }

    /// The extension member of that name, or `None` when there is none or it is not a `T`: a
    /// consumer ignores what it cannot read (RFC 9457, section 3.2).
    #[must_use]
    pub fn extension<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.extensions.get(name)?).ok()
    }

    /// The extension members without `code` and `errors`, in the order in which they were set.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.extensions.iter().filter_map(|extension| {
            let value = serde_json::from_str(&extension.json).ok()?;
            Some((extension.name.as_ref(), value))
        })
    }

    /// The entries of `errors`.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The headers that the response gets.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The title as it is sent: a document from elsewhere may have none.
    pub(crate) fn sent_title(&self) -> Option<&str> {
        match &self.0.title {
            Text::Absent => None,
            Text::OfStatus | Text::Set(_) => Some(self.title()),
        }
    }

    pub(crate) fn try_set_extension(
        &mut self,
        name: Cow<'static, str>,
        value: impl Serialize,
    ) -> Result<(), Error> {
        extension::check_name(&name)?;
        let json = extension::to_json(&name, value)?;
        self.0.extensions.set(name, json);
        Ok(())
    }
}

pub(crate) const VALIDATION_ERROR: ProblemType =
    ProblemType::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR")
        .with_description("The request breaks rules. `errors` names them all.");

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("status", &self.status())
            .field("type", self.type_uri())
            .field("title", &self.title())
            .field("detail", &self.detail())
            .field("instance", &self.instance())
            .field("code", &self.code())
            .field("extensions", &self.0.extensions)
            .field("errors", &self.violations())
            // Their values may be secrets, such as cookies.
            .field("headers", &self.headers().keys().collect::<Vec<_>>())
            .field("source", &self.0.source)
            .finish()
    }
}

/// The status, the title unless it is the status' phrase, and the detail.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phrase = status::phrase(self.0.status);
        write!(f, "{} {phrase}", self.0.status.as_u16())?;
        if self.title() != phrase {
            write!(f, ": {}", self.title())?;
        }
        match self.detail() {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
