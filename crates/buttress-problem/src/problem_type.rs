use std::borrow::Cow;

use fluent_uri::pct_enc::{EStr, encoder::Fragment};
use http::StatusCode;

use crate::{UriReference, status, uri_reference::is_plain_reference};

/// A kind of problem, known at compile time: what RFC 9457, section 4 wants documented.
///
/// `#[derive(Problem)]` makes one for each variant; by hand it is a constant, and everything
/// wrong with it is a compile error:
///
/// ```
/// use buttress_problem::{Problem, ProblemType};
/// use http::StatusCode;
///
/// const OUT_OF_STOCK: ProblemType = ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK")
///     .with_type("https://errors.example.com/out-of-stock")
///     .with_title("Out of stock");
///
/// let problem = Problem::of(OUT_OF_STOCK).with_detail("there are 3 left");
/// assert_eq!(problem.title(), "Out of stock");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemType {
    status: StatusCode,
    code: &'static str,
    type_uri: &'static str,
    title: Option<&'static str>,
    description: Option<&'static str>,
}

impl ProblemType {
    /// A kind with this status and stable machine name, of type `about:blank` and with the
    /// status' phrase as its title.
    ///
    /// # Panics
    ///
    /// At compile time in a `const`: when the status is not from 400 to 599, or the code is not
    /// upper-case letters, digits and `_`, beginning with a letter.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str) -> Self {
        assert!(
            status::is_error(status),
            "the status of a problem is from 400 to 599"
        );
        assert!(
            is_code(code),
            "a code is upper-case letters, digits and `_`, beginning with a letter"
        );
        Self {
            status,
            code,
            type_uri: "about:blank",
            title: None,
            description: None,
        }
    }

    /// The URI reference that identifies the kind; an absolute URI is best (RFC 9457,
    /// section 3.1.1).
    ///
    /// # Panics
    ///
    /// At compile time in a `const`: when it is not a URI reference; see
    /// [`UriReference::from_static`].
    #[must_use]
    pub const fn with_type(self, type_uri: &'static str) -> Self {
        assert!(
            is_plain_reference(type_uri.as_bytes()),
            "the type of a problem is a URI reference (RFC 3986, section 4.1) in plain ASCII"
        );
        self.with_checked_type(type_uri)
    }

    /// For a type that the derive macro has checked.
    pub(crate) const fn with_checked_type(mut self, type_uri: &'static str) -> Self {
        self.type_uri = type_uri;
        self
    }

    /// A short text for people that is the same for every problem of this kind.
    #[must_use]
    pub const fn with_title(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// What the kind means and how to get past it, for the documentation.
    #[must_use]
    pub const fn with_description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// The status of every problem of this kind.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable machine name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The URI reference that identifies the kind; `about:blank` by default.
    #[must_use]
    pub const fn type_uri(&self) -> UriReference {
        UriReference::from_checked(self.type_uri)
    }

    /// The title; the status' phrase by default.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.title.unwrap_or_else(|| status::phrase(self.status))
    }

    pub(crate) const fn own_title(&self) -> Option<&'static str> {
        self.title
    }

    /// What the kind means and how to get past it.
    #[must_use]
    pub const fn description(&self) -> Option<&'static str> {
        self.description
    }

    /// Whether a client could not tell the two apart.
    pub(crate) fn is_same_kind(&self, other: &Self) -> bool {
        (self.status, self.code, self.type_uri, self.title())
            == (other.status, other.code, other.type_uri, other.title())
    }

    /// The last segment of the type, by which a page about it is found: `out-of-stock` for
    /// `https://errors.example.com/out-of-stock`, the fragment where there is one, and the code
    /// in lower case with dashes for `about:blank`. Percent-encoded text is decoded, as routers do
    /// with the parameters of a path.
    #[must_use]
    pub fn slug(&self) -> String {
        let path = self.type_uri.split('?').next().unwrap_or_default();
        let fragment = self.type_uri.split_once('#').map(|(_, fragment)| fragment);
        let segment = fragment
            .or_else(|| path.rsplit(['/', ':']).find(|segment| !segment.is_empty()))
            .unwrap_or_default();
        // `.` and `..` cannot be the last segment of a link.
        if self.type_uri == "about:blank" || matches!(segment, "" | "." | "..") {
            return self.code.to_ascii_lowercase().replace('_', "-");
        }
        EStr::<Fragment>::new(segment)
            .and_then(|segment| segment.decode().to_string().ok())
            .map_or_else(|| segment.to_owned(), Cow::into_owned)
    }
}

/// Upper-case letters, digits and `_`, beginning with a letter.
pub(crate) const fn is_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_uppercase() {
        return false;
    }
    let mut at = 1;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_uppercase() || bytes[at].is_ascii_digit() || bytes[at] == b'_') {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_the_last_segment() {
        let plain = ProblemType::new(StatusCode::CONFLICT, "OUT_OF_STOCK");
        for (type_uri, slug) in [
            ("about:blank", "out-of-stock"),
            ("https://e.example/a/sold-out", "sold-out"),
            ("https://e.example/a/sold-out/", "sold-out"),
            (
                "https://iana.org/assignments/http-problem-types#date",
                "date",
            ),
            ("urn:problem-type:sold-out", "sold-out"),
            ("/types/1?x=/y", "1"),
            ("/types/k%C3%A4se%2Fbrot", "käse/brot"),
            ("/types/%FF", "%FF"),
            ("/types/..", "out-of-stock"),
            ("/types/a#", "out-of-stock"),
        ] {
            assert_eq!(plain.with_type(type_uri).slug(), slug);
        }
    }

    #[test]
    fn codes_are_screaming_snake_case() {
        for good in ["A", "OUT_OF_STOCK", "E2"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "a", "2E", "_A", "A-B", "É", "A B"] {
            assert!(!is_code(bad), "{bad}");
        }
    }
}
