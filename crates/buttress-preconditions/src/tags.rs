//! Entity tags as they stand in header fields (RFC 9110, sections 8.8.3 and 5.6.1), read in place.

use http::{HeaderMap, HeaderName};

/// One entity tag, borrowed from the field that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) weak: bool,
    /// Between the quotes.
    pub(crate) opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Reads a whole field value.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        match Self::split(trim(text))? {
            (tag, []) => Some(tag),
            _ => None,
        }
    }

    /// The tag that `text` begins with, and the rest.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|byte| *byte == b'"')?;
        let (opaque, rest) = inside.split_at(end);
        let tag = Self { weak, opaque };
        is_opaque(opaque).then_some((tag, &rest[1..]))
    }

    /// Neither is weak, and they are the same (RFC 9110, section 8.8.3.2).
    pub(crate) fn strong_eq(self, other: Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// They are the same, weak or not (RFC 9110, section 8.8.3.2).
    pub(crate) fn weak_eq(self, other: Self) -> bool {
        self.opaque == other.opaque
    }
}

/// Whether all bytes may stand between the quotes: no quote, no space, no control character.
pub(crate) fn is_opaque(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..))
}

/// What `If-Match` or `If-None-Match` is, over all the lines that it may be spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Absent,
    /// `*`
    Any,
    /// Entity tags, or none at all.
    List,
    /// Something else. Half a list is not acted upon: what cannot be read might be the member that
    /// matters.
    Malformed,
}

/// Reads a field and shows every tag in it. What was shown is to be forgotten when the form turns
/// out not to be [`Form::List`].
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    mut see: impl FnMut(Tag<'a>),
) -> Form {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Form::Absent;
    };
    if trim(first.as_bytes()) == b"*" {
        return match lines.next() {
            None => Form::Any,
            Some(_) => Form::Malformed,
        };
    }
    let whole = std::iter::once(first)
        .chain(lines)
        .all(|line| read_line(line.as_bytes(), &mut see).is_some());
    if whole { Form::List } else { Form::Malformed }
}

/// Tags between commas. Members may be empty (RFC 9110, section 5.6.1.2).
fn read_line<'a>(line: &'a [u8], see: &mut impl FnMut(Tag<'a>)) -> Option<()> {
    let mut rest = trim_start(line);
    while !rest.is_empty() {
        if rest[0] != b',' {
            let (tag, after) = Tag::split(rest)?;
            see(tag);
            rest = trim_start(after);
        }
        // A tag ends at a comma or at the end of the line.
        if !rest.is_empty() {
            rest = trim_start(rest.strip_prefix(b",")?);
        }
    }
    Some(())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte));
    &text[start.unwrap_or(text.len())..]
}

fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let end = text.iter().rposition(|byte| !is_space(*byte));
    &text[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::IF_MATCH};

    use super::*;

    fn form(lines: &[&[u8]]) -> (Form, Vec<(bool, Vec<u8>)>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_bytes(line).expect("a value"));
        }
        let mut seen = Vec::new();
        let form = read(&headers, &IF_MATCH, |tag| {
            seen.push((tag.weak, tag.opaque.to_vec()));
        });
        (form, seen)
    }

    fn opaques(lines: &[&[u8]]) -> Vec<String> {
        let (form, seen) = form(lines);
        assert_eq!(form, Form::List, "{lines:?}");
        let text = |(weak, opaque): (bool, Vec<u8>)| {
            format!("{}{}", if weak { "W/" } else { "" }, opaque.escape_ascii())
        };
        seen.into_iter().map(text).collect()
    }

    #[test]
    fn lists_are_read_as_they_may_be_written() {
        assert_eq!(opaques(&[b"\"a\""]), ["a"]);
        assert_eq!(opaques(&[b" \t\"a\" , W/\"b\"\t,\"\" "]), ["a", "W/b", ""]);
        assert_eq!(opaques(&[b",, \"a\",,\"b\",\t,"]), ["a", "b"]);
        assert_eq!(opaques(&[b"\"a\"", b"", b"\"b\",\"c\""]), ["a", "b", "c"]);
        assert_eq!(opaques(&[b"\"a,b\", \"W/\", \"*\""]), ["a,b", "W/", "*"]);
        assert_eq!(opaques(&[b"\"\x80\xff\\\""]), [r"\x80\xff\\"]);
        assert_eq!(opaques(&[b""]), [""; 0]);
        assert_eq!(opaques(&[b" , "]), [""; 0]);
    }

    #[test]
    fn what_is_no_list_is_malformed_as_a_whole() {
        for lines in [
            &[b"a" as &[u8]] as &[&[u8]],
            &[b"\"a"],
            &[b"a\""],
            &[b"\"a\" \"b\""],
            &[b"\"a\"x"],
            &[b"w/\"a\""],
            &[b"W/a"],
            &[b"W/"],
            &[b"W/ \"a\""],
            &[b"\"a b\""],
            &[b"\"a\tb\""],
            &[b"\"a\";q=1"],
            &[b"\"a\", b"],
            &[b"\"a\"", b"b"],
            &[b"*, \"a\""],
            &[b"\"a\", *"],
            &[b"*", b"\"a\""],
            &[b"*", b"*"],
            &[b"\"a\"", b"*"],
            &[b"**"],
        ] {
            assert_eq!(form(lines).0, Form::Malformed, "{lines:?}");
        }
    }

    #[test]
    fn any_and_nothing_are_neither() {
        assert_eq!(form(&[b"*"]).0, Form::Any);
        assert_eq!(form(&[b" *\t"]).0, Form::Any);
        assert_eq!(form(&[]).0, Form::Absent);
    }

    #[test]
    fn tags_compare_as_in_the_table_of_the_rfc() {
        // RFC 9110, section 8.8.3.2.
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            let [one, other] = [one, other].map(|tag| Tag::parse(tag.as_bytes()).expect("a tag"));
            assert_eq!(one.strong_eq(other), strong, "{one:?} {other:?}");
            assert_eq!(other.strong_eq(one), strong, "{one:?} {other:?}");
            assert_eq!(one.weak_eq(other), weak, "{one:?} {other:?}");
            assert_eq!(other.weak_eq(one), weak, "{one:?} {other:?}");
        }
    }
}
