use std::{borrow::Cow, fmt, str::FromStr};

use fluent_uri::{IriRef, Uri, UriRef};

use crate::{Error, ErrorKind};

/// A URI reference (RFC 3986, section 4.1): what the members `type` and `instance` hold.
///
/// Unlike `http::Uri` it holds every kind of reference: `urn:uuid:…`, `tag:…`, `/types/1`,
/// `../x`, and fragments survive, which every type of the IANA registry needs
/// (`https://iana.org/assignments/http-problem-types#date`). A text that is an IRI (RFC 3987)
/// is percent-encoded into the URI that it stands for.
///
/// ```
/// use buttress_problem::UriReference;
///
/// const OUT_OF_CREDIT: UriReference =
///     UriReference::from_static("https://errors.example.com/out-of-credit");
///
/// let instance = UriReference::parse("/products/käse")?;
/// assert_eq!(instance.as_str(), "/products/k%C3%A4se");
/// assert!(UriReference::parse("http://[").is_err());
/// # Ok::<(), buttress_problem::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UriReference(Cow<'static, str>);

impl UriReference {
    /// `about:blank`: the type of a problem that says no more than its status.
    pub const ABOUT_BLANK: Self = Self(Cow::Borrowed("about:blank"));

    /// A reference that is known to be right.
    ///
    /// In a `const` a wrong one is a compile error. Accepts a little less than
    /// [`parse`](Self::parse): ASCII only, and no IP literal in brackets.
    ///
    /// # Panics
    ///
    /// When called at run time with something that is not a URI reference.
    #[must_use]
    pub const fn from_static(reference: &'static str) -> Self {
        assert!(
            is_plain_reference(reference.as_bytes()),
            "not a URI reference (RFC 3986, section 4.1) in plain ASCII"
        );
        Self(Cow::Borrowed(reference))
    }

    /// Reads a URI reference, or an IRI reference, which is percent-encoded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUri`], with the text and what is allowed.
    pub fn parse(reference: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        let reference = reference.into();
        // The short check accepts nearly all that is seen, and nothing that the grammar does not.
        if is_plain_reference(reference.as_bytes()) || UriRef::parse(reference.as_ref()).is_ok() {
            return Ok(Self(reference));
        }
        match IriRef::parse(reference.as_ref()) {
            Ok(iri) => Ok(Self(Cow::Owned(iri.to_uri_ref().into_string()))),
            Err(error) => Err(Error::new(
                ErrorKind::InvalidUri,
                format!(
                    "{:?} is not a URI reference: {error}; allowed is what RFC 3986, section 4.1 \
                     allows, such as \"https://example.com/a#b\", \"urn:uuid:…\" or \"/a/b\"",
                    Excerpt(&reference)
                ),
            )),
        }
    }

    /// For the path of a request, which `http` has checked less strictly than RFC 3986 wants:
    /// what may not stand in a URI is percent-encoded, so that no request is refused an `instance`.
    #[cfg(feature = "layer")]
    pub(crate) fn from_path(path: &str) -> Self {
        // A path that begins with two slashes would read as an authority.
        let slashes = path.len() - path.trim_start_matches('/').len();
        let path = if slashes > 1 {
            &path[slashes - 1..]
        } else {
            path
        };
        if is_plain_reference(path.as_bytes()) {
            return Self(Cow::Owned(path.to_owned()));
        }
        let mut encoded = String::with_capacity(path.len() + 16);
        for (at, byte) in path.bytes().enumerate() {
            let is_escape = byte == b'%' && is_escape_at(path.as_bytes(), at);
            if is_escape || (is_path_byte(byte) && byte != b'%') {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        Self(Cow::Owned(encoded))
    }

    /// For text that a constructor has checked already.
    pub(crate) const fn from_checked(reference: &'static str) -> Self {
        Self(Cow::Borrowed(reference))
    }

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Resolves this reference against the URI of the document it stood in (RFC 3986, section 5).
    ///
    /// A consumer that compares types does this first, with the URI of the request (RFC 9457,
    /// section 3.1.1).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUri`] when `base` is not an absolute URI without a fragment.
    pub fn resolve(&self, base: &str) -> Result<Self, Error> {
        let invalid = |error: &dyn fmt::Display| {
            Error::new(
                ErrorKind::InvalidUri,
                format!(
                    "{:?} cannot be a base URI: {error}; allowed is an absolute URI without a fragment",
                    Excerpt(base)
                ),
            )
        };
        let base = Uri::parse(base).map_err(|error| invalid(&error))?;
        let own = UriRef::parse(self.as_str()).map_err(|error| invalid(&error))?;
        let resolved = own
            .resolve_against(&base)
            .map_err(|error| invalid(&error))?;
        Ok(Self(Cow::Owned(resolved.into_string())))
    }
}

/// The first characters of a text: an error must not repeat a megabyte of bad input.
struct Excerpt<'a>(&'a str);

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(100) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

impl fmt::Debug for UriReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for UriReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for UriReference {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for UriReference {
    type Err = Error;

    fn from_str(reference: &str) -> Result<Self, Error> {
        Self::parse(reference.to_owned())
    }
}

impl TryFrom<&'static str> for UriReference {
    type Error = Error;

    fn try_from(reference: &'static str) -> Result<Self, Error> {
        Self::parse(reference)
    }
}

impl TryFrom<String> for UriReference {
    type Error = Error;

    fn try_from(reference: String) -> Result<Self, Error> {
        Self::parse(reference)
    }
}

impl serde::Serialize for UriReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The part of RFC 3986 that a `const fn` can check in a few lines; a property test holds it
/// against the full grammar.
pub(crate) const fn is_plain_reference(text: &[u8]) -> bool {
    let mut at = 0;
    let mut fragment = false;
    // Where the first of `:/?#` stands decides whether there is a scheme.
    let mut first_delimiter = text.len();
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'#' if fragment => return false,
            b'#' => fragment = true,
            b'%' if !is_escape_at(text, at) => return false,
            b'/' | b'?' | b'%' => {}
            _ if !is_path_byte(byte) => return false,
            _ => {}
        }
        if first_delimiter == text.len() && matches!(byte, b':' | b'/' | b'?' | b'#') {
            first_delimiter = at;
        }
        at += 1;
    }
    let mut rest = 0;
    if first_delimiter < text.len() && text[first_delimiter] == b':' {
        if !is_scheme(text, first_delimiter) {
            return false;
        }
        rest = first_delimiter + 1;
    }
    if rest + 1 < text.len() && text[rest] == b'/' && text[rest + 1] == b'/' {
        return is_plain_authority(text, rest + 2);
    }
    true
}

const fn is_scheme(text: &[u8], end: usize) -> bool {
    if end == 0 || !text[0].is_ascii_alphabetic() {
        return false;
    }
    let mut at = 1;
    while at < end {
        if !(text[at].is_ascii_alphanumeric() || matches!(text[at], b'+' | b'-' | b'.')) {
            return false;
        }
        at += 1;
    }
    true
}

/// `[userinfo "@"] host [":" port]` without IP literals, from `start` to the next delimiter.
const fn is_plain_authority(text: &[u8], start: usize) -> bool {
    let mut at = start;
    let mut host = start;
    let mut user_info = false;
    while at < text.len() && !matches!(text[at], b'/' | b'?' | b'#') {
        if text[at] == b'@' {
            if user_info {
                return false;
            }
            user_info = true;
            host = at + 1;
        }
        at += 1;
    }
    let end = at;
    at = host;
    while at < end && text[at] != b':' {
        at += 1;
    }
    at += 1;
    while at < end {
        if !text[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_escape_at(text: &[u8], at: usize) -> bool {
    at + 2 < text.len() && text[at + 1].is_ascii_hexdigit() && text[at + 2].is_ascii_hexdigit()
}

/// `pchar / "/"` (RFC 3986, section 3.3), with `%` as a plain byte.
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'%'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_accepted_at_compile_time_is_a_uri_reference(
            text in "[a-c:/?#@%0-9A-F.\\[\\]é \\-]{0,12}"
        ) {
            if is_plain_reference(text.as_bytes()) {
                prop_assert!(UriRef::parse(text.as_str()).is_ok(), "{text:?}");
            } else if UriRef::parse(text.as_str()).is_ok() {
                prop_assert!(text.contains('['), "refused without need: {text:?}");
            }
        }

        #[cfg(feature = "layer")]
        #[test]
        fn every_path_becomes_a_reference(path in "/[ -~é]{0,12}") {
            let reference = UriReference::from_path(&path);
            prop_assert!(UriRef::parse(reference.as_str()).is_ok(), "{reference}");
            prop_assert!(!reference.as_str().starts_with("//"));
        }
    }

    #[cfg(feature = "layer")]
    #[test]
    fn a_path_keeps_its_escapes_and_loses_its_leading_slashes() {
        assert_eq!(UriReference::from_path("/a%20b").as_str(), "/a%20b");
        assert_eq!(UriReference::from_path("/a%2").as_str(), "/a%252");
        assert_eq!(UriReference::from_path("//evil/x").as_str(), "/evil/x");
        assert_eq!(UriReference::from_path("*").as_str(), "*");
    }
}
