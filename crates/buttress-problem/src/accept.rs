//! Reading `Accept` (RFC 9110, section 12.5.1), as far as two formats need it.

use http::HeaderValue;

use crate::Format;

/// Whether XML is what the client wants; the rules stand at [`Format::negotiate`].
pub(crate) fn prefers_xml<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> bool {
    let mut wishes = [
        Wish::new("application", "problem+json"),
        Wish::new("application", "json"),
        Wish::new("application", "problem+xml"),
        Wish::new("application", "xml"),
        Wish::new("text", "xml"),
    ];
    let ranges = lines
        .flat_map(|line| Elements(line.as_bytes()))
        .take(Format::MAX_RANGES)
        .filter_map(Range::parse);
    for range in ranges {
        for wish in &mut wishes {
            wish.consider(range);
        }
    }
    let [problem_json, json, problem_xml, xml, text_xml] = wishes.map(Wish::quality);
    let json = problem_json.max(json);
    problem_xml > json || (json == 0 && xml.max(text_xml) > 0)
}

/// What a client thinks of one media type, as far as its ranges have been read.
struct Wish {
    kind: &'static str,
    subtype: &'static str,
    /// The specificity and the quality of the range that decides.
    best: Option<(u8, u16)>,
}

impl Wish {
    const fn new(kind: &'static str, subtype: &'static str) -> Self {
        Self {
            kind,
            subtype,
            best: None,
        }
    }

    fn consider(&mut self, range: Range<'_>) {
        let Some(specificity) = range.specificity(self.kind, self.subtype) else {
            return;
        };
        // The more specific range decides, and of two equally specific ones the kinder.
        self.best = self.best.max(Some((specificity, range.quality)));
    }

    fn quality(self) -> u16 {
        self.best.map_or(0, |(_, quality)| quality)
    }
}

/// A media range with its quality in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    quality: u16,
}

impl<'a> Range<'a> {
    /// `media-range [ weight ]`; `None` for what the grammar does not allow.
    fn parse(element: &'a [u8]) -> Option<Self> {
        let (media_range, mut rest) = split_at_delimiter(element, b';');
        let slash = media_range.iter().position(|&byte| byte == b'/')?;
        let (kind, subtype) = (&media_range[..slash], &media_range[slash + 1..]);
        if !is_token(kind) || !is_token(subtype) || (kind == b"*" && subtype != b"*") {
            return None;
        }
        let mut quality = None;
        while let Some(parameters) = rest {
            let (parameter, next) = split_at_delimiter(parameters, b';');
            rest = next;
            // RFC 9110, section 5.6.6 allows an empty parameter.
            if parameter.is_empty() {
                continue;
            }
            let equals = parameter.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
            if name.eq_ignore_ascii_case(b"q") && quality.is_none() {
                quality = Some(parse_quality(value)?);
            } else if !is_token(name) || !(is_token(value) || is_quoted(value)) {
                return None;
            }
        }
        Some(Self {
            kind,
            subtype,
            quality: quality.unwrap_or(1000),
        })
    }

    /// How closely this range matches the media type; `None` when it does not.
    fn specificity(self, kind: &str, subtype: &str) -> Option<u8> {
        if self.kind == b"*" {
            return Some(0);
        }
        if !self.kind.eq_ignore_ascii_case(kind.as_bytes()) {
            return None;
        }
        if self.subtype == b"*" {
            return Some(1);
        }
        let suffix = subtype.split_once('+').map(|(_, suffix)| suffix.as_bytes());
        let wanted = self.subtype.strip_prefix(b"*+");
        if let (Some(wanted), Some(suffix)) = (wanted, suffix)
            && wanted.eq_ignore_ascii_case(suffix)
        {
            return Some(2);
        }
        self.subtype
            .eq_ignore_ascii_case(subtype.as_bytes())
            .then_some(3)
    }
}

/// The elements of a list (RFC 9110, section 5.6.1), without the empty ones.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.0.is_empty() {
            let (element, rest) = split_at_delimiter(self.0, b',');
            self.0 = rest.unwrap_or_default();
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// What stands before the first delimiter outside a quoted string, without the white space around
/// it, and what stands behind the delimiter.
fn split_at_delimiter(text: &[u8], delimiter: u8) -> (&[u8], Option<&[u8]>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate() {
        if byte == delimiter && !quoted {
            return (trim(&text[..at]), Some(&text[at + 1..]));
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && byte == b'\\' && !escaped;
    }
    (trim(text), None)
}

/// `OWS` (RFC 9110, section 5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// `qvalue` (RFC 9110, section 12.4.2) in thousandths.
fn parse_quality(text: &[u8]) -> Option<u16> {
    let (&whole, fraction) = text.split_first()?;
    let digits = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut thousandths = 0;
    for at in 0..3 {
        let digit = *digits.get(at).unwrap_or(&b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths * 10 + u16::from(digit - b'0');
    }
    match whole {
        b'0' => Some(thousandths),
        b'1' if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// `token` (RFC 9110, section 5.6.2).
fn is_token(text: &[u8]) -> bool {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_token_byte)
}

/// `quoted-string` (RFC 9110, section 5.6.4), its inside taken as it is.
fn is_quoted(text: &[u8]) -> bool {
    text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hostile headers end in an answer, and what is read is in bounds.
        #[test]
        fn nothing_in_a_header_panics(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            for element in Elements(&line) {
                if let Some(range) = Range::parse(element) {
                    prop_assert!(range.quality <= 1000);
                    prop_assert!(is_token(range.kind) && is_token(range.subtype));
                }
            }
        }
    }

    #[test]
    fn qualities_are_read_as_the_grammar_says() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.125", Some(125)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.1234", None),
            (".5", None),
            ("2", None),
            ("-1", None),
            ("0,5", None),
            ("0.x", None),
            ("", None),
        ] {
            assert_eq!(parse_quality(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_strings_hide_delimiters() {
        let line = br#"a/b;x="1,2;q=0\",";q=0.5 , ,c/d"#;
        let ranges: Vec<_> = Elements(line).filter_map(Range::parse).collect();
        let range = |kind, subtype, quality| Range {
            kind,
            subtype,
            quality,
        };
        assert_eq!(ranges, [range(b"a", b"b", 500), range(b"c", b"d", 1000)]);
    }

    #[test]
    fn what_the_grammar_does_not_allow_is_no_range() {
        for bad in [
            "*",
            "*/json",
            "json",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "a/b;q",
            "a/b;q=2",
            "a/b; q = 1",
            "a/b;=x",
            "a/b;x=\"",
            "a/b;x=",
            "é/b",
        ] {
            assert_eq!(Range::parse(bad.as_bytes()), None, "{bad:?}");
        }
        for good in [
            "a/b",
            "*/*",
            "a/*",
            "a/b;",
            "a/b ; Q=1;;x=y",
            "a/b;q=1;level=1",
        ] {
            assert!(Range::parse(good.as_bytes()).is_some(), "{good:?}");
        }
    }
}
