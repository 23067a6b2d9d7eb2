use http::{HeaderMap, header::IF_MATCH};

use crate::{
    Condition, Current, ETag, Rejection,
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
/// With the feature `axum` it is an extractor that refuses a request without it (428), and
/// `Option<IfMatch>` is one that takes both; a malformed value is refused by either (400).
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
    /// The most tags that are read. A client has one.
    pub const MAX_TAGS: usize = 100;

    /// Reads the field of a request that must have it.
    ///
    /// # Errors
    ///
    /// 428 when it is absent; 400 when it is malformed, or has more than
    /// [`MAX_TAGS`](Self::MAX_TAGS) tags.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Rejection> {
        Self::find(headers)?.ok_or(Rejection::required())
    }

    /// Reads the field of a request that may have it.
    ///
    /// # Errors
    ///
    /// 400 when it is malformed, or has more than [`MAX_TAGS`](Self::MAX_TAGS) tags.
    pub fn find(headers: &HeaderMap) -> Result<Option<Self>, Rejection> {
        let mut tags = Vec::new();
        let mut excess = false;
        let form = tags::read(headers, &IF_MATCH, |tag| {
            if tags.len() < Self::MAX_TAGS {
                tags.push(tag);
            } else {
                excess = true;
            }
        });
        match form {
            Form::Absent => Ok(None),
            Form::Any => Ok(Some(Self { tags: None })),
            Form::List if !excess => {
                let tags = Some(tags.into_iter().map(ETag::from_tag).collect());
                Ok(Some(Self { tags }))
            }
            Form::List | Form::Malformed => Err(Rejection::malformed(Condition::IfMatch)),
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
