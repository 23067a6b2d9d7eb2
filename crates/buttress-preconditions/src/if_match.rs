use http::{
    HeaderMap,
    header::{IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE},
};

use crate::{
    Condition, Current, ETag, Rejection,
    rejection::Flaw,
    tags::{self, Form},
};

/// The value of `If-Match`: the states of a resource that a client wants to change (RFC 9110,
/// section 13.1.1).
///
/// It serves handlers that leave the comparison to the database: `UPDATE … WHERE version = …`. With
/// the feature `sqlx`, `push_guard` writes that condition, and [`Written`](crate::Written) tells
/// what came of it. A handler that reads the resource first has less to do with
/// [`Preconditions`](crate::Preconditions).
///
/// A database that compares versions can evaluate no other condition. So a request that has one is
/// refused rather than performed against it: 428 when it stands in the place of `If-Match`, 400 or
/// 412 when `If-None-Match` stands beside it. `If-Unmodified-Since` beside it does not count (RFC
/// 9110, section 13.1.4).
///
/// With the feature `axum` it is an extractor that refuses a request without it, and
/// `Option<IfMatch>` is one that takes an unconditional request as well.
///
/// ```
/// use buttress_preconditions::{ETag, IfMatch};
/// use http::{HeaderMap, HeaderValue, header};
///
/// let mut headers = HeaderMap::new();
/// headers.insert(header::IF_MATCH, HeaderValue::from_static(r#""7""#));
/// let if_match = IfMatch::from_headers(&headers)?;
/// assert!(if_match.matches(&ETag::from_version(7)));
/// assert_eq!(if_match.versions(), Some(vec![7]));
/// # Ok::<_, buttress_preconditions::Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch {
    /// `None` for `*`.
    tags: Option<Vec<ETag>>,
}

impl IfMatch {
    /// Reads the field of a request that must have it.
    ///
    /// # Errors
    ///
    /// 428 when it is absent; 400 when it is malformed, has more than 100 tags, or has tags of
    /// `If-None-Match` beside it; 412 beside `If-None-Match: *`, since both cannot be true.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Rejection> {
        Self::find(headers)?.ok_or(Rejection::required())
    }

    /// Reads the field of a request that may have it: `None` when the request is unconditional.
    ///
    /// # Errors
    ///
    /// 428 when there is another condition in its place; otherwise as
    /// [`from_headers`](Self::from_headers).
    pub fn find(headers: &HeaderMap) -> Result<Option<Self>, Rejection> {
        let mut tags = Vec::new();
        let mut count = 0;
        let form = tags::read(headers, &IF_MATCH, |tag| {
            count += 1;
            if count <= MAX_TAGS {
                tags.push(tag);
            }
        });
        let tags = match form {
            Form::Absent if has_another_condition(headers) => return Err(Rejection::required()),
            Form::Absent => return Ok(None),
            Form::Malformed => return Err(Rejection::malformed(Condition::IfMatch)),
            Form::List if count > MAX_TAGS => {
                return Err(Rejection::flawed(Condition::IfMatch, Flaw::TooLong));
            }
            Form::List => Some(tags.into_iter().map(ETag::from_tag).collect()),
            Form::Any => None,
        };
        match tags::read(headers, &IF_NONE_MATCH, |_| ()) {
            Form::Absent => Ok(Some(Self { tags })),
            Form::Any => Err(Rejection::contradictory()),
            Form::List => Err(Rejection::flawed(Condition::IfNoneMatch, Flaw::Combined)),
            Form::Malformed => Err(Rejection::malformed(Condition::IfNoneMatch)),
        }
    }

    /// Whether the resource is in one of the states that the client named: a tag equals the current
    /// one by strong comparison, or the field is `*` and there is a representation.
    #[must_use]
    pub fn matches<'a>(&self, current: impl Into<Current<'a>>) -> bool {
        let current = current.into();
        match (&self.tags, current.etag()) {
            (None, _) => current.exists(),
            (Some(tags), Some(current)) => tags.iter().any(|tag| tag.strong_eq(current)),
            (Some(_), None) => false,
        }
    }

    /// Refuses the request unless it [`matches`](Self::matches).
    ///
    /// # Errors
    ///
    /// 412, with the current tag.
    pub fn check<'a>(&self, current: impl Into<Current<'a>>) -> Result<(), Rejection> {
        let current = current.into();
        if self.matches(current) {
            return Ok(());
        }
        Err(Rejection::failed(current.etag().cloned()))
    }

    /// The versions that the client named, as [`ETag::version`] reads them, each once: `None` for
    /// `*`, which names all of them, and nothing for tags that no version has.
    ///
    /// Variants count as the version that they are of, which is looser than
    /// [`matches`](Self::matches): who sends `"7--v2"` has seen version 7.
    #[must_use]
    pub fn versions(&self) -> Option<Vec<i64>> {
        let mut versions: Vec<i64> = self
            .tags
            .as_ref()?
            .iter()
            .filter_map(ETag::version)
            .collect();
        versions.sort_unstable();
        versions.dedup();
        Some(versions)
    }
}

/// The most tags that are read. A client has one.
const MAX_TAGS: usize = 100;

fn has_another_condition(headers: &HeaderMap) -> bool {
    headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_UNMODIFIED_SINCE)
}
