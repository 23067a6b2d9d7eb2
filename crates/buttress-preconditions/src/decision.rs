use http::{HeaderName, header};

/// What a server has to do with a request, as [`evaluate`](crate::evaluate()) finds.
///
/// Only [`Proceed`](Self::Proceed) performs the method: an arm `_` of a `match` must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Perform the method. Every condition that counts is true.
    Proceed {
        /// Answer with all of the representation, even though the request has a `Range`:
        /// `If-Range` says that the parts that the client has are of another one. A server that
        /// does not serve ranges need not look at it.
        ignore_range: bool,
    },
    /// Do not perform the method: answer 304, since the client has what it asks for. Only for GET
    /// and HEAD.
    NotModified,
    /// Do not perform the method: answer 412, since this condition is false.
    Failed(Condition),
    /// Do not perform the method: answer 428, since the request must have `If-Match`, or
    /// `If-None-Match: *` to create, and has neither.
    Required,
    /// Do not perform the method: answer 400, since this condition cannot be read, so that nobody
    /// knows what the client wants to keep.
    Malformed(Condition),
}

/// A header field that may keep a request from being performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// `If-Match` (RFC 9110, section 13.1.1)
    IfMatch,
    /// `If-None-Match` (RFC 9110, section 13.1.2)
    IfNoneMatch,
    /// `If-Unmodified-Since` (RFC 9110, section 13.1.4)
    IfUnmodifiedSince,
}

impl Decision {
    /// Whether the method is to be performed.
    #[must_use]
    pub fn may_proceed(self) -> bool {
        matches!(self, Self::Proceed { .. })
    }
}

impl Condition {
    /// The header field's name.
    #[must_use]
    pub const fn header(self) -> HeaderName {
        match self {
            Self::IfMatch => header::IF_MATCH,
            Self::IfNoneMatch => header::IF_NONE_MATCH,
            Self::IfUnmodifiedSince => header::IF_UNMODIFIED_SINCE,
        }
    }
}
