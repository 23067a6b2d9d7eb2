use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header::ACCEPT};

use crate::{Problem, headers};

/// The formats that a problem can be sent in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `application/problem+json` (RFC 9457, section 3): the default, and what is sent whenever
    /// the client's wishes cannot be met.
    #[default]
    Json,
    /// `application/problem+xml` (RFC 9457, appendix B).
    #[cfg(feature = "xml")]
    #[cfg_attr(docsrs, doc(cfg(feature = "xml")))]
    Xml,
}

impl Format {
    /// How many media ranges of a request are looked at: 64. A client that sends more is not
    /// asking, and what it would get is decided by the first ones.
    pub const MAX_RANGES: usize = 64;

    /// Chooses the format for a request with these headers by all its `Accept` lines (RFC 9110,
    /// section 12.5.1).
    ///
    /// There is always an answer: an error must reach the client, and RFC 9110 lets a server
    /// send what was not asked for, so nothing here leads to a 406 or to an empty body. JSON it is,
    /// unless the feature `xml` is on and one of these holds:
    ///
    /// 1. The client gives `application/problem+xml` a higher quality than both
    ///    `application/problem+json` and `application/json`.
    /// 2. The client accepts neither of these two, and it accepts `application/xml` or `text/xml`.
    ///    Where it accepts JSON too, even by `*/*`, these generic types do not count: every browser
    ///    sends `application/xml;q=0.9,*/*;q=0.8`.
    ///
    /// The quality of a media type is that of the most specific range that matches it: the type
    /// itself, then `application/*+json` (which RFC 9110 does not define but clients send), then
    /// `application/*`, then `*/*`; of equal ones the highest counts. Case and parameters other
    /// than `q` are ignored. A range that RFC 9110's grammar does not allow is ignored too, and at
    /// most [`MAX_RANGES`](Self::MAX_RANGES) are looked at.
    ///
    /// ```
    /// use buttress_problem::Format;
    /// use http::{HeaderMap, HeaderValue, header::ACCEPT};
    ///
    /// let mut headers = HeaderMap::new();
    /// assert_eq!(Format::negotiate(&headers), Format::Json);
    ///
    /// headers.insert(ACCEPT, HeaderValue::from_static("text/html, application/json;q=0.1"));
    /// assert_eq!(Format::negotiate(&headers), Format::Json);
    ///
    /// # #[cfg(feature = "xml")] {
    /// headers.insert(ACCEPT, HeaderValue::from_static("application/problem+xml, */*;q=0.1"));
    /// assert_eq!(Format::negotiate(&headers), Format::Xml);
    /// # }
    /// ```
    #[must_use]
    pub fn negotiate(headers: &HeaderMap) -> Self {
        Self::preferred(headers.get_all(ACCEPT).iter())
    }

    /// The format that the lines of `Accept` ask for.
    #[cfg(feature = "xml")]
    pub(crate) fn preferred<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> Self {
        if crate::accept::prefers_xml(lines) {
            Self::Xml
        } else {
            Self::Json
        }
    }

    #[cfg(not(feature = "xml"))]
    pub(crate) fn preferred<'a>(_: impl Iterator<Item = &'a HeaderValue>) -> Self {
        Self::Json
    }

    #[cfg(feature = "layer")]
    const ALL: &[Self] = &[
        Self::Json,
        #[cfg(feature = "xml")]
        Self::Xml,
    ];

    /// The format that an answer of this content type is in, if it is a problem.
    #[cfg(feature = "layer")]
    pub(crate) fn of(content_type: &HeaderValue) -> Option<Self> {
        let media_type = headers::media_type(content_type);
        let is_it =
            |format: &Self| media_type.eq_ignore_ascii_case(format.content_type().as_bytes());
        Self::ALL.iter().copied().find(is_it)
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => headers::PROBLEM_JSON,
            #[cfg(feature = "xml")]
            Self::Xml => headers::PROBLEM_XML,
        }
    }

    pub(crate) fn render(self, problem: &Problem) -> Bytes {
        match self {
            Self::Json => problem.to_json(),
            #[cfg(feature = "xml")]
            Self::Xml => problem.to_xml(),
        }
    }
}

impl Problem {
    /// The response in the format that was negotiated; [`From`] is the one for JSON alone.
    ///
    /// `Vary: Accept` is added, unless `Vary` says so or says `*` already, so that no cache serves
    /// one client's format to another (RFC 9110, section 12.5.5).
    ///
    /// ```
    /// use buttress_problem::{Format, Problem};
    /// use http::{HeaderMap, Response, StatusCode};
    ///
    /// let format = Format::negotiate(&HeaderMap::new());
    /// let response: Response<bytes::Bytes> =
    ///     Problem::new(StatusCode::NOT_FOUND).into_response_as(format);
    /// assert_eq!(response.headers()["content-type"], "application/problem+json");
    /// assert_eq!(response.headers()["vary"], "accept");
    /// ```
    #[must_use]
    pub fn into_response_as<B: From<Bytes>>(self, format: Format) -> Response<B> {
        let mut response = crate::response::in_format(self, format);
        headers::vary_by_accept(response.headers_mut());
        response
    }
}
