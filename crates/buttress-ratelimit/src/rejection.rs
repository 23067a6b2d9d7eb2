use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use buttress_problem::{Answers, Catalogue, PreparedProblem, Problem, ProblemType, ToProblem};
use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER},
};

use crate::{ConcurrencyLayer, Decision, Error, ErrorKind, RateLimitLayer, headers::ceil_seconds};

/// Why a request was refused, and the problem that tells its client so.
///
/// | kind | status | `code` | and |
/// |---|---|---|---|
/// | [`QuotaExceeded`](RejectionKind::QuotaExceeded) | 429 | `QUOTA_EXCEEDED` | `violated-policies`, `Retry-After`, type `…#quota-exceeded` |
/// | [`CostTooLarge`](RejectionKind::CostTooLarge) | 400 | `COST_TOO_LARGE` | no `Retry-After`: to wait would be in vain |
/// | [`AtCapacity`](RejectionKind::AtCapacity) | 503 | `AT_CAPACITY` | `violated-policies`, `Retry-After`, type `…#temporary-reduced-capacity` |
/// | [`Unavailable`](RejectionKind::Unavailable) | 503 | `RATE_LIMIT_UNAVAILABLE` | `Retry-After`, type `…#temporary-reduced-capacity` |
///
/// The types begin with `https://iana.org/assignments/http-problem-types`, as in draft-ietf-httpapi-ratelimit-headers,
/// and `violated-policies` lists the names of all quotas that refused. All have `Cache-Control: no-store`: a 429 must
/// not be stored (RFC 6585, section 4).
///
/// It is an error that knows its problem: a handler that asks a limiter itself returns it.
///
/// ```
/// use buttress_problem::ToProblem;
/// use buttress_ratelimit::{Key, Quota, RateLimiter, Rejection};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_ratelimit::Error> {
/// let exports = RateLimiter::in_process([Quota::per_day(1).named("exports")])?;
/// let export = async || -> Result<&str, Rejection> {
///     let decision = exports.check(&Key::from("paul"), 1).await?;
///     Rejection::of(&decision).map_or(Ok("all of it"), Err)
/// };
/// assert!(export().await.is_ok());
/// let problem = export().await.unwrap_err().to_problem();
/// assert_eq!((problem.status().as_u16(), problem.code()), (429, Some("QUOTA_EXCEEDED")));
/// assert_eq!(problem.headers()["retry-after"], "86400");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rejection {
    refusal: Arc<Refusal>,
    /// In seconds, as in the header.
    retry_after: Option<u64>,
}

/// All of a rejection but when to come back: it is the same each time that the same quotas refuse.
#[derive(Debug)]
pub(crate) struct Refusal {
    kind: RejectionKind,
    violated: Vec<Arc<str>>,
    /// With all headers but `Retry-After`.
    problem: PreparedProblem,
}

/// The kind of a [`Rejection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// A quota is used up: 429.
    QuotaExceeded,
    /// The request costs more than a full bucket has: 400.
    CostTooLarge,
    /// There are too many requests at once: 503.
    AtCapacity,
    /// The store of the limiter failed: 503.
    Unavailable,
}

const QUOTA_EXCEEDED: ProblemType = ProblemType::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED")
    .with_type("https://iana.org/assignments/http-problem-types#quota-exceeded")
    .with_title("Quota exceeded")
    .with_description(
        "More was asked for than the quotas allow that `violated-policies` names: try again after the seconds that \
         `Retry-After` names.",
    );

const COST_TOO_LARGE: ProblemType = ProblemType::new(StatusCode::BAD_REQUEST, "COST_TOO_LARGE")
    .with_description(
        "The request asks for more at once than a quota ever allows: ask for less. To wait would be in vain.",
    );

const AT_CAPACITY: ProblemType = ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "AT_CAPACITY")
    .with_type(TEMPORARY_REDUCED_CAPACITY)
    .with_title("Temporarily reduced capacity")
    .with_description(
        "The service has as many requests as it takes at once: try again after the seconds that `Retry-After` names.",
    );

const UNAVAILABLE: ProblemType =
    ProblemType::new(StatusCode::SERVICE_UNAVAILABLE, "RATE_LIMIT_UNAVAILABLE")
        .with_type(TEMPORARY_REDUCED_CAPACITY)
        .with_title("Temporarily reduced capacity")
        .with_description(
            "Whether the request may pass cannot be found out at the moment: try again after the seconds that \
             `Retry-After` names.",
        );

const TEMPORARY_REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

impl Rejection {
    /// The refusal that a decision is: `None` when it was allowed.
    #[must_use]
    pub fn of(decision: &Decision) -> Option<Self> {
        if decision.is_allowed() {
            return None;
        }
        let wait = decision.retry_after().unwrap_or_default();
        let names = decision.violated().map(|state| state.quota.shared_name());
        let refusal = Arc::new(Refusal::new(names.cloned().collect()));
        Some(Self::new(refusal, wait))
    }

    pub(crate) fn new(refusal: Arc<Refusal>, wait: Duration) -> Self {
        Self {
            refusal,
            // 0 would be an invitation.
            retry_after: Some(ceil_seconds(wait).max(1)),
        }
    }

    /// Of a request about which nothing could be decided.
    pub(crate) fn undecided(error: &Error) -> Self {
        if error.kind() == ErrorKind::CostTooLarge {
            let problem = Problem::of(COST_TOO_LARGE).with_detail(error.to_string());
            return Self {
                refusal: Refusal::with(RejectionKind::CostTooLarge, vec![], problem).into(),
                retry_after: None,
            };
        }
        let problem = Problem::of(UNAVAILABLE)
            .with_detail("whether the request may pass cannot be found out at the moment");
        let refusal = Refusal::with(RejectionKind::Unavailable, vec![], problem);
        Self::new(refusal.into(), Duration::from_secs(1))
    }

    /// Why the request was refused.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.refusal.kind
    }

    /// The names of the quotas that refused it, all of them.
    pub fn violated(&self) -> impl ExactSizeIterator<Item = &str> {
        self.refusal.violated.iter().map(|name| &**name)
    }

    /// When to try again, in whole seconds, at least one: `None` when that would be in vain.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_secs)
    }

    /// The problem as a response, but for `Retry-After`.
    pub(crate) fn to_response(&self) -> Response<Bytes> {
        self.refusal.problem.to_response()
    }

    /// The value of the header.
    pub(crate) fn retry_after_value(&self) -> Option<HeaderValue> {
        self.retry_after.map(HeaderValue::from)
    }
}

pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

impl Refusal {
    /// By quotas with these names.
    pub(crate) fn new(violated: Vec<Arc<str>>) -> Self {
        let problem = Problem::of(QUOTA_EXCEEDED)
            .with_detail("more was asked for than the quota allows; try again later");
        Self::with(RejectionKind::QuotaExceeded, violated, problem)
    }

    /// By a bound of this name on how many there are at once.
    pub(crate) fn at_capacity(name: Arc<str>) -> Self {
        let problem = Problem::of(AT_CAPACITY)
            .with_detail("the service has as many requests as it takes at once; try again later");
        Self::with(RejectionKind::AtCapacity, vec![name], problem)
    }

    fn with(kind: RejectionKind, violated: Vec<Arc<str>>, mut problem: Problem) -> Self {
        if !violated.is_empty() {
            let names: Vec<&str> = violated.iter().map(|name| &**name).collect();
            problem = problem.with_extension("violated-policies", names);
        }
        Self {
            kind,
            violated,
            problem: PreparedProblem::new(problem.with_header(CACHE_CONTROL, NO_STORE)),
        }
    }
}

impl RejectionKind {
    /// Its name in metrics: `quota-exceeded`, `cost-too-large`, `at-capacity` or `unavailable`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuotaExceeded => "quota-exceeded",
            Self::CostTooLarge => "cost-too-large",
            Self::AtCapacity => "at-capacity",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.refusal.problem.problem().detail().unwrap_or_default())
    }
}

impl StdError for Rejection {}

impl ToProblem for Rejection {
    fn to_problem(&self) -> Problem {
        let problem = self.refusal.problem.problem().clone();
        let problem = match self.retry_after_value() {
            Some(seconds) => problem.with_header(RETRY_AFTER, seconds),
            None => problem,
        };
        problem.with_header(CACHE_CONTROL, NO_STORE)
    }

    fn catalogue() -> Catalogue {
        Catalogue::from_iter([QUOTA_EXCEEDED, COST_TOO_LARGE, AT_CAPACITY, UNAVAILABLE])
    }
}

/// Of what could not be decided: a cost that no bucket has is the client's error, and everything else is not.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::undecided(&error)
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        rejection.to_problem()
    }
}

/// What the layer answers with: 400, 429 and 503.
impl Answers for RateLimitLayer {
    fn problems() -> Catalogue {
        Catalogue::from_iter([QUOTA_EXCEEDED, COST_TOO_LARGE, UNAVAILABLE])
    }
}

/// What the layer answers with: 503.
impl Answers for ConcurrencyLayer {
    fn problems() -> Catalogue {
        Catalogue::from_iter([AT_CAPACITY])
    }
}
