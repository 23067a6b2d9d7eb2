use std::{borrow::Cow, error::Error, fmt};

use buttress_problem::{Catalogue, Problem, ProblemType, ToProblem, Violation};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, ETAG},
};

use crate::{Condition, Current, Decision, ETag};

/// Why a request is not performed, and the problem that tells its client so.
///
/// | kind | status | `code` | and |
/// |---|---|---|---|
/// | [`Malformed`](RejectionKind::Malformed) | 400 | `INVALID_PRECONDITION` | `errors` names the header |
/// | [`Failed`](RejectionKind::Failed) | 412 | `PRECONDITION_FAILED` | the current tag, where there is one, as the header `ETag` and the member `currentEtag` |
/// | [`Required`](RejectionKind::Required) | 428 | `PRECONDITION_REQUIRED` | `Cache-Control: no-store` (RFC 6585, section 3) |
///
/// It is an error that knows its problem: a variant `#[problem(transparent)]` of an error enum
/// carries it, and with the feature `axum` a handler may return it.
///
/// ```
/// use buttress_preconditions::{ETag, Rejection};
/// use buttress_problem::ToProblem;
///
/// let problem = Rejection::failed(ETag::from_version(8)).to_problem();
/// assert_eq!(problem.status(), 412);
/// assert_eq!(problem.code(), Some("PRECONDITION_FAILED"));
/// assert_eq!(problem.headers()["etag"], r#""8""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    condition: Option<Condition>,
    current: Option<ETag>,
    flaw: Flaw,
    may_create: bool,
}

/// What is wrong with a condition, where it is more than false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Syntax,
    TooLong,
    Combined,
}

/// The kind of a [`Rejection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// A condition cannot be read: 400.
    Malformed,
    /// A condition is false: 412.
    Failed,
    /// A condition is required and there is none: 428.
    Required,
}

const INVALID_PRECONDITION: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "INVALID_PRECONDITION").with_description(
        "`If-Match` or `If-None-Match` is neither `*` nor a list of entity tags in double quotes.",
    );

const PRECONDITION_FAILED: ProblemType =
    ProblemType::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED").with_description(
        "The resource is not in the state that the request names: it has changed since, or it is \
         there already. Read it again and decide anew. `currentEtag` is the tag that it has now.",
    );

const PRECONDITION_REQUIRED: ProblemType =
    ProblemType::new(StatusCode::PRECONDITION_REQUIRED, "PRECONDITION_REQUIRED").with_description(
        "The request must say which state of the resource it is to change: send `If-Match` with \
         the `ETag` that reading the resource answers with.",
    );

impl Rejection {
    /// 412: the resource is not in the state that the client named. Its tag is now `current`.
    ///
    /// For a decision that was made elsewhere, such as by a database.
    #[must_use]
    pub fn failed(current: impl Into<Option<ETag>>) -> Self {
        Self {
            current: current.into(),
            ..Self::new(RejectionKind::Failed)
        }
    }

    /// 428: the client must name a state, and did not.
    #[must_use]
    pub const fn required() -> Self {
        Self::new(RejectionKind::Required)
    }

    /// As [`required`](Self::required), with advice that fits the method.
    pub(crate) fn required_of(method: &Method) -> Self {
        Self {
            may_create: *method == Method::PUT,
            ..Self::required()
        }
    }

    pub(crate) fn malformed(condition: Condition) -> Self {
        Self {
            condition: Some(condition),
            ..Self::new(RejectionKind::Malformed)
        }
    }

    pub(crate) fn flawed(condition: Condition, flaw: Flaw) -> Self {
        Self {
            flaw,
            ..Self::malformed(condition)
        }
    }

    /// `If-Match` and `If-None-Match: *`: there is something, and nothing.
    pub(crate) fn contradictory() -> Self {
        Self {
            condition: Some(Condition::IfNoneMatch),
            flaw: Flaw::Combined,
            ..Self::new(RejectionKind::Failed)
        }
    }

    const fn new(kind: RejectionKind) -> Self {
        Self {
            kind,
            condition: None,
            current: None,
            flaw: Flaw::Syntax,
            may_create: false,
        }
    }

    /// The refusal that a decision about a request with this method is, if it is one. 304 is none.
    pub(crate) fn of(decision: Decision, method: &Method, current: Current<'_>) -> Option<Self> {
        match decision {
            Decision::Proceed { .. } | Decision::NotModified => None,
            Decision::Failed(condition) => Some(Self {
                condition: Some(condition),
                ..Self::failed(current.etag().cloned())
            }),
            Decision::Required => Some(Self::required_of(method)),
            Decision::Malformed(condition) => Some(Self::malformed(condition)),
        }
    }

    /// Why the request is not performed.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The condition that is false or cannot be read, where it is known.
    #[must_use]
    pub fn condition(&self) -> Option<Condition> {
        self.condition
    }

    /// The tag that the resource has now, when it is known and the request failed because of it.
    #[must_use]
    pub fn current(&self) -> Option<&ETag> {
        self.current.as_ref()
    }

    fn detail(&self) -> Cow<'static, str> {
        match (self.kind, self.condition) {
            (RejectionKind::Malformed, condition) => {
                let name = condition.unwrap_or(Condition::IfMatch).name();
                format!("`{name}` {}", self.flaw.text()).into()
            }
            (RejectionKind::Required, _) if self.may_create => concat!(
                "send `If-Match` with the `ETag` that a GET of this resource answers with, so that ",
                "no change made since then is lost; where there is none yet, `If-None-Match: *`"
            )
            .into(),
            (RejectionKind::Required, _) => concat!(
                "send `If-Match` with the `ETag` that a GET of this resource answers with, so that ",
                "no change made since then is lost"
            )
            .into(),
            (RejectionKind::Failed, _) if self.flaw == Flaw::Combined => {
                "`If-Match` and `If-None-Match: *` cannot both be true".into()
            }
            (RejectionKind::Failed, Some(Condition::IfNoneMatch)) => {
                "`If-None-Match` is false: the resource is there already".into()
            }
            (RejectionKind::Failed, condition) => {
                let name = condition.unwrap_or(Condition::IfMatch).name();
                match self.current {
                    Some(_) => format!(
                        "`{name}` is false: the resource has changed since; read it again and \
                         decide anew"
                    ),
                    None => format!("`{name}` is false: the resource is not in that state"),
                }
                .into()
            }
        }
    }
}

impl Flaw {
    const fn text(self) -> &'static str {
        match self {
            Self::Syntax => {
                "must be `*` or a comma-separated list of entity tags in double quotes, such as \"7\""
            }
            Self::TooLong => "must have at most 100 entity tags",
            Self::Combined => "must not stand beside `If-Match` here",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "SYNTAX",
            Self::TooLong => "TOO_LONG",
            Self::Combined => "COMBINED",
        }
    }
}

impl Condition {
    /// As people write it.
    fn name(self) -> &'static str {
        match self {
            Self::IfMatch => "If-Match",
            Self::IfNoneMatch => "If-None-Match",
            Self::IfUnmodifiedSince => "If-Unmodified-Since",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())
    }
}

impl Error for Rejection {}

impl ToProblem for Rejection {
    fn to_problem(&self) -> Problem {
        let of = |kind| Problem::of(kind).with_detail(self.detail());
        match self.kind {
            RejectionKind::Malformed => {
                let name = self.condition.unwrap_or(Condition::IfMatch).name();
                of(INVALID_PRECONDITION).with_violation(
                    Violation::header(name, self.flaw.text()).with_code(self.flaw.code()),
                )
            }
            RejectionKind::Required => of(PRECONDITION_REQUIRED)
                .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store")),
            RejectionKind::Failed => match &self.current {
                Some(tag) => {
                    let problem = of(PRECONDITION_FAILED).with_header(ETAG, tag.to_header_value());
                    // JSON cannot carry bytes that are no text.
                    match tag.to_header_value().to_str() {
                        Ok(text) => problem.with_extension("currentEtag", text),
                        Err(_) => problem,
                    }
                }
                None => of(PRECONDITION_FAILED),
            },
        }
    }

    fn catalogue() -> Catalogue {
        Catalogue::from_iter([
            INVALID_PRECONDITION,
            PRECONDITION_FAILED,
            PRECONDITION_REQUIRED,
        ])
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        rejection.to_problem()
    }
}
