use std::{fmt, str::FromStr};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::{
    Error, ErrorKind,
    tags::{Tag, is_opaque},
};

/// Stands before the name of a variant.
const VARIANT: &str = "--";

/// Stands before the name of a content coding. No version has it, and no name of a variant.
pub(crate) const CODING: u8 = b';';

/// An entity tag: the name of one state of one representation (RFC 9110, section 8.8.3).
///
/// It is the value of the header field `ETag`, as in `"7"` or `W/"7"`. The same version, or the
/// same bytes, give the same tag in every process, on every machine and in every release of this
/// crate.
///
/// `==` compares the text. To compare as HTTP does, use [`strong_eq`](Self::strong_eq) and
/// [`weak_eq`](Self::weak_eq).
///
/// ```
/// use buttress_preconditions::ETag;
///
/// let tag = ETag::from_version(7);
/// assert_eq!(tag.to_string(), r#""7""#);
/// assert_eq!(tag.version(), Some(7));
/// assert_eq!(r#"W/"7""#.parse::<ETag>()?, tag.clone().into_weak());
/// assert!(!tag.strong_eq(&tag.clone().into_weak()));
/// # Ok::<_, buttress_preconditions::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(HeaderValue);

impl ETag {
    /// The strong tag of a row's version, a counter that every change of the row raises.
    ///
    /// The tag is the number between quotes. It says nothing about how the row is shown: where one
    /// resource has several representations at the same version, give each a
    /// [variant](Self::with_variant).
    ///
    /// A version must never come back. Where a row can be deleted and made anew under the same
    /// address, let the new one go on counting (from a sequence, or from the row that was marked as
    /// deleted), or the tag of the old one opens the new one.
    #[must_use]
    pub fn from_version(version: i64) -> Self {
        Self::of_text(format!("\"{version}\"").into_bytes())
    }

    /// The strong tag of some content: the first 128 bits of its SHA-256, in hexadecimal.
    ///
    /// ```
    /// use buttress_preconditions::ETag;
    ///
    /// let tag = ETag::from_bytes(r#"{"name":"Desk lamp"}"#);
    /// assert_eq!(tag.to_string(), r#""4f9deca0ffcd9fdcf2d211091764f649""#);
    /// ```
    #[must_use]
    pub fn from_bytes(content: impl AsRef<[u8]>) -> Self {
        Self::from_digest(Sha256::new().chain_update(content))
    }

    pub(crate) fn from_digest(digest: Sha256) -> Self {
        let mut text = String::with_capacity(34);
        text.push('"');
        for byte in &digest.finalize()[..16] {
            for nibble in [byte >> 4, byte & 0xf] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        text.push('"');
        Self::of_text(text.into_bytes())
    }

    /// The strong tag with this text between the quotes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOpaque`] when the text has a space, a control character or a double
    /// quote.
    pub fn new(opaque: impl AsRef<[u8]>) -> Result<Self, Error> {
        let opaque = opaque.as_ref();
        if !is_opaque(opaque) {
            return Err(Error::new(
                ErrorKind::InvalidOpaque,
                "an entity tag has no spaces, control characters and double quotes in it",
            ));
        }
        let weak = false;
        Ok(Self::from_tag(Tag { weak, opaque }))
    }

    /// Reads the value of an `ETag` field.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidTag`] when it is not one entity tag.
    pub fn parse(value: &HeaderValue) -> Result<Self, Error> {
        let tag = Tag::parse(value.as_bytes()).ok_or_else(malformed)?;
        // There may be spaces around it, which hyper would have removed.
        if tag.len() == value.len() {
            return Ok(Self(value.clone()));
        }
        Ok(Self::from_tag(tag))
    }

    /// The tag in the header fields of a response: `None` without `ETag`, with several, and when
    /// its value is no entity tag.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::ETAG).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value).ok(),
            _ => None,
        }
    }

    /// The same tag, marked as weak: it names representations that are equivalent, but may differ
    /// in bytes.
    ///
    /// A weak tag answers `If-None-Match`. It never satisfies `If-Match` (RFC 9110, section 13.1.1).
    #[must_use]
    pub fn into_weak(self) -> Self {
        if self.is_weak() {
            return self;
        }
        Self::from_tag(Tag {
            weak: true,
            ..self.tag()
        })
    }

    /// The tag of another representation of the same state, such as another language
    /// (`"7--de-CH"`), another media type (`"7--text/csv"`), or the layout that the JSON has since the
    /// last release (`"7--v2"`).
    ///
    /// Its [`version`](Self::version) is still that of the row. Content codings are not for it: the
    /// [layer](crate::PreconditionsLayer) names them.
    ///
    /// ```
    /// use buttress_preconditions::ETag;
    ///
    /// let tag = ETag::from_version(7).with_variant("v2")?;
    /// assert_eq!(tag.to_string(), r#""7--v2""#);
    /// assert_eq!(tag.version(), Some(7));
    /// # Ok::<_, buttress_preconditions::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidVariant`] when the name is empty, has something else than ASCII letters,
    /// digits and `+ . _ / -`, has `--`, or begins or ends with `-`.
    pub fn with_variant(&self, name: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+._/-".contains(&byte);
        let is_name = !name.is_empty()
            && name.bytes().all(allowed)
            && !(name.contains(VARIANT) || name.starts_with('-') || name.ends_with('-'));
        if !is_name {
            return Err(Error::new(
                ErrorKind::InvalidVariant,
                "the name of a variant is made of ASCII letters, digits and + . _ /, and of - \
                 between two of these",
            ));
        }
        let Tag { weak, opaque } = self.tag();
        let opaque = &[opaque, VARIANT.as_bytes(), name.as_bytes()].concat();
        Ok(Self::from_tag(Tag { weak, opaque }))
    }

    /// The tag of the same representation in a content coding.
    pub(crate) fn with_coding(&self, name: &str) -> Self {
        let Tag { weak, opaque } = self.tag();
        let opaque = &[opaque, &[CODING], name.as_bytes()].concat();
        Self::from_tag(Tag { weak, opaque })
    }

    /// Whether it is marked as weak, by `W/`.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.tag().weak
    }

    /// What stands between the quotes. It need not be UTF-8.
    #[must_use]
    pub fn opaque(&self) -> &[u8] {
        self.tag().opaque
    }

    /// The version that the tag was made from by [`from_version`](Self::from_version), whatever
    /// variants and codings it was given: `None` for a tag that is not of this form, or weak.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        self.tag().version()
    }

    /// Whether both name the same bytes: they are equal and neither is weak (RFC 9110,
    /// section 8.8.3.2).
    #[must_use]
    pub fn strong_eq(&self, other: &Self) -> bool {
        self.tag().strong_eq(other.tag())
    }

    /// Whether both name equivalent representations: they are equal but for the mark of weakness
    /// (RFC 9110, section 8.8.3.2).
    #[must_use]
    pub fn weak_eq(&self, other: &Self) -> bool {
        self.tag().weak_eq(other.tag())
    }

    /// The value of the header field `ETag`. It shares its text with the tag.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn tag(&self) -> Tag<'_> {
        // Every constructor has checked the form.
        let text = self.0.as_bytes();
        let weak = text.first() == Some(&b'W');
        let start = if weak { 3 } else { 1 };
        Tag {
            weak,
            opaque: &text[start..text.len() - 1],
        }
    }

    pub(crate) fn from_tag(tag: Tag<'_>) -> Self {
        let mut text = Vec::with_capacity(tag.len());
        if tag.weak {
            text.extend_from_slice(b"W/");
        }
        text.push(b'"');
        text.extend_from_slice(tag.opaque);
        text.push(b'"');
        Self::of_text(text)
    }

    /// For texts that are tags by the way they were put together.
    fn of_text(text: Vec<u8>) -> Self {
        let value = HeaderValue::from_maybe_shared(Bytes::from(text));
        Self(value.expect("what may stand in a tag may stand in a header field"))
    }
}

impl FromStr for ETag {
    type Err = Error;

    /// Reads a tag with its quotes, as [`parse`](Self::parse) does.
    fn from_str(text: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(text).map_err(|_| malformed())?;
        Self::parse(&value)
    }
}

impl TryFrom<&HeaderValue> for ETag {
    type Error = Error;

    fn try_from(value: &HeaderValue) -> Result<Self, Error> {
        Self::parse(value)
    }
}

impl From<ETag> for HeaderValue {
    fn from(tag: ETag) -> Self {
        tag.0
    }
}

/// As in the header field, but for bytes that are no ASCII, which are escaped.
impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_str() {
            Ok(text) => f.write_str(text),
            Err(_) => {
                let mark = if self.is_weak() { "W/" } else { "" };
                write!(f, "{mark}\"{}\"", self.opaque().escape_ascii())
            }
        }
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({self})")
    }
}

impl Tag<'_> {
    /// How long it is with its quotes and its mark.
    fn len(self) -> usize {
        self.opaque.len() + if self.weak { 4 } else { 2 }
    }

    /// See [`ETag::version`].
    pub(crate) fn version(self) -> Option<i64> {
        if self.weak {
            return None;
        }
        let text = std::str::from_utf8(self.opaque).ok()?;
        // The sign of a negative version is no part of what stands before a variant.
        let sign = usize::from(text.starts_with('-'));
        let end = text[sign..]
            .find(|character| character == '-' || character == char::from(CODING))
            .map_or(text.len(), |end| sign + end);
        let (number, rest) = text.split_at(end);
        if !(rest.is_empty() || rest.starts_with(VARIANT) || rest.starts_with(char::from(CODING))) {
            return None;
        }
        // Only as it is written: `+7` and `07` are other tags.
        number
            .parse::<i64>()
            .ok()
            .filter(|version| version.to_string() == number)
    }
}

fn malformed() -> Error {
    Error::new(
        ErrorKind::InvalidTag,
        "an entity tag stands in double quotes, as in \"7\" or W/\"7\", and has no spaces, control \
         characters and further quotes in it",
    )
}
