use std::{fmt, sync::Arc};

use http::HeaderMap;

use super::{Formats, HeaderFormat, PolicyCache, Report, ResetForm};
use crate::Decision;

/// Writes the header fields that tell of decisions, as [`RateLimitLayer`](crate::RateLimitLayer) does: for handlers,
/// middleware and frameworks that ask a limiter themselves.
///
/// What other limiters have told stays, as it does between layers. `Retry-After` is not written but read, and belongs
/// into the headers before: the problem of a [`Rejection`](crate::Rejection) has it. There is no partition key among them,
/// since a decision does not know whose it is.
///
/// One of these for a limiter, since it keeps what is the same in every answer. Clones share that.
///
/// ```
/// use buttress_ratelimit::{HeaderFormat, Key, Quota, RateLimitHeaders, RateLimiter, ResetForm};
/// use http::HeaderMap;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), buttress_ratelimit::Error> {
/// let limiter = RateLimiter::in_process([Quota::per_minute(60).named("minute")])?;
/// let told = RateLimitHeaders::new(HeaderFormat::Draft11).with_x_headers(ResetForm::DeltaSeconds);
///
/// let decision = limiter.check(&Key::from("paul"), 1).await?;
/// let mut headers = HeaderMap::new();
/// told.write(&decision, &mut headers);
/// assert_eq!(headers["ratelimit-policy"], r#""minute";q=60;w=60"#);
/// assert_eq!(headers["ratelimit"], r#""minute";r=59;t=1"#);
/// assert_eq!(headers["x-ratelimit-remaining"], "59");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RateLimitHeaders {
    formats: Formats,
    policies: Arc<PolicyCache>,
}

impl RateLimitHeaders {
    /// Tells in this format; [`HeaderFormat::Draft11`] is the default.
    pub fn new(format: HeaderFormat) -> Self {
        let mut headers = Self::default();
        headers.formats.draft = format;
        headers
    }

    /// Adds `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, as
    /// [the layer](crate::RateLimitLayer::with_x_headers) does.
    pub fn with_x_headers(mut self, reset: ResetForm) -> Self {
        self.formats.older = Some(reset);
        self
    }

    /// Writes what the decision has to tell into the headers of an answer: of one that was allowed, how all quotas
    /// stand, and of a refusal, those that have refused.
    pub fn write(&self, decision: &Decision, headers: &mut HeaderMap) {
        if self.formats.is_none() {
            return;
        }
        self.policies.with(decision, |policies| {
            Report::new(decision, policies, self.formats).write(headers);
        });
    }
}

impl fmt::Debug for RateLimitHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitHeaders")
            .field("format", &self.formats.draft)
            .field("x_headers", &self.formats.older)
            .finish_non_exhaustive()
    }
}
