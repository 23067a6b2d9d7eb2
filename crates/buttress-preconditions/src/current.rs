use std::time::SystemTime;

use crate::{ETag, date::Seconds, tags::Tag};

/// What the server has now of the resource that a request is about, as far as preconditions look
/// at it: whether there is a representation, its entity tag and when it was last modified.
///
/// ```
/// use buttress_preconditions::{Current, ETag};
/// use std::time::SystemTime;
///
/// let tag = ETag::from_version(7);
/// let found = Current::of(&tag).with_last_modified(SystemTime::UNIX_EPOCH);
/// let not_found = Current::missing();
/// # let _ = (found, not_found);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Current<'a> {
    exists: bool,
    etag: Option<&'a ETag>,
    last_modified: Option<Seconds>,
    dates_are_strong: bool,
}

impl<'a> Current<'a> {
    /// There is no such resource, or it has no representation.
    pub const fn missing() -> Self {
        Self {
            exists: false,
            etag: None,
            last_modified: None,
            dates_are_strong: false,
        }
    }

    /// There is a representation with this tag.
    pub const fn of(etag: &'a ETag) -> Self {
        Self {
            exists: true,
            etag: Some(etag),
            ..Self::missing()
        }
    }

    /// There is a representation without a tag.
    pub const fn untagged() -> Self {
        Self {
            exists: true,
            ..Self::missing()
        }
    }

    /// When the representation was last modified. HTTP counts whole seconds, so a part of a second
    /// is left out, as it is from the header field.
    ///
    /// A change within the same second goes unseen. Use tags to keep updates from being lost.
    pub fn with_last_modified(mut self, time: SystemTime) -> Self {
        self.last_modified = Some(time.into());
        self
    }

    /// As [`with_last_modified`](Self::with_last_modified), for a server that knows that the
    /// representation did not change twice within that second. Only then does a date satisfy
    /// `If-Range` (RFC 9110, section 8.8.2.2).
    pub fn with_strong_last_modified(mut self, time: SystemTime) -> Self {
        self.dates_are_strong = true;
        self.with_last_modified(time)
    }

    pub(crate) fn with_seconds(mut self, last_modified: Option<Seconds>) -> Self {
        self.last_modified = last_modified;
        self
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    pub(crate) fn etag(&self) -> Option<&'a ETag> {
        self.etag
    }

    pub(crate) fn tag(&self) -> Option<Tag<'a>> {
        self.etag.map(ETag::tag)
    }

    pub(crate) fn last_modified(&self) -> Option<Seconds> {
        self.last_modified
    }

    /// The date, if it may be used where only a strong validator may.
    pub(crate) fn strong_date(&self) -> Option<Seconds> {
        self.last_modified.filter(|_| self.dates_are_strong)
    }
}

impl<'a> From<&'a ETag> for Current<'a> {
    fn from(etag: &'a ETag) -> Self {
        Self::of(etag)
    }
}

/// `None` is a resource that is missing.
impl<'a> From<Option<&'a ETag>> for Current<'a> {
    fn from(etag: Option<&'a ETag>) -> Self {
        etag.map_or(Self::missing(), Self::of)
    }
}
