use http::StatusCode;

/// How the answers tell of quotas.
///
/// The fields are those of an Internet-Draft, draft-ietf-httpapi-ratelimit-headers, which may change until it is an RFC: so a
/// format is the one of a certain draft, and stays it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderFormat {
    /// `RateLimit-Policy: "burst";q=20;w=2` and `RateLimit: "burst";r=19;t=1`, as drafts 08 to 11 have them: one member for each
    /// quota.
    #[default]
    Draft11,
    /// `RateLimit-Policy: 20;w=2` and `RateLimit: limit=20, remaining=19, reset=1`, as draft 07 has them: of the quota that is
    /// nearest to its end.
    Draft07,
    /// None.
    None,
}

/// How `X-RateLimit-Reset` says when. There is no standard, and clients guess wrong unless they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetForm {
    /// The time, in seconds since 1970: as GitHub and Discord have it.
    UnixSeconds,
    /// How many seconds it takes: as Reddit has it.
    DeltaSeconds,
}

/// All of it together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Formats {
    pub(crate) draft: HeaderFormat,
    pub(crate) older: Option<ResetForm>,
    /// Whether answers that send their client elsewhere tell nothing.
    pub(crate) redirects_untold: bool,
}

impl Formats {
    /// Whether there is nothing to tell.
    pub(crate) fn is_none(self) -> bool {
        self.draft == HeaderFormat::None && self.older.is_none()
    }

    /// Whether an answer with this status is to tell anything. 304 sends nobody elsewhere.
    pub(crate) fn are_told_with(self, status: StatusCode) -> bool {
        !self.redirects_untold || !status.is_redirection() || status == StatusCode::NOT_MODIFIED
    }
}
