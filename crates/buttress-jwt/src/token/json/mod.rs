//! JSON objects, read more strictly than RFC 8259 demands: names are unique, text is Unicode, depth is bounded.
//!
//! serde_json takes the last of two members of one name, which is how `{"role":"user","role":"admin"}` means
//! one thing to one reader and another to the next. This reader refuses it (RFC 7515, section 4; RFC 7519,
//! section 4), also when one of the names is written with escapes.

#[cfg(test)]
mod properties;

use std::borrow::Cow;

/// How deep arrays and objects may nest, the outermost object included.
pub(crate) const MAX_DEPTH: usize = 32;

/// A JSON object: its members in the order of the text.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// A JSON value as it stands in the text, known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    text: &'a str,
    /// Whether it is a string with escapes.
    escaped: bool,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy)]
struct Content<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Object<'a> {
    /// `None` when the bytes are something else than one object in UTF-8, have a name twice at its top, a
    /// string that is not Unicode, or nest too deep.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader { text, at: 0 };
        reader.space();
        let object = reader.top()?;
        reader.space();
        (reader.at == text.len() && object.has_unique_names()).then_some(object)
    }

    pub(crate) fn members(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        &self.members
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.members
            .iter()
            .find_map(|(member, value)| (member == name).then_some(*value))
    }

    fn has_unique_names(&self) -> bool {
        // Nearly every token has fewer members than it pays to sort.
        if self.members.len() <= 16 {
            return self
                .members
                .iter()
                .enumerate()
                .all(|(at, (name, _))| self.members[..at].iter().all(|(other, _)| other != name));
        }
        let mut names: Vec<&str> = self.members.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1])
    }
}

impl<'a> Value<'a> {
    /// The JSON text of the value.
    pub(crate) fn text(self) -> &'a str {
        self.text
    }

    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let text = self.text.strip_prefix('"')?.strip_suffix('"')?;
        let escaped = self.escaped;
        Some(Content { text, escaped }.unescape())
    }

    /// The digits, sign, point and exponent of a number, as written.
    pub(crate) fn as_number(self) -> Option<&'a str> {
        self.text
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
            .then_some(self.text)
    }

    pub(crate) fn as_array(self) -> Option<Vec<Self>> {
        if !self.text.starts_with('[') {
            return None;
        }
        let mut reader = Reader {
            text: self.text,
            at: 1,
        };
        let mut values = Vec::new();
        reader.items(']', |reader| {
            values.push(reader.value(MAX_DEPTH)?);
            Some(())
        })?;
        Some(values)
    }

    /// The strings of an array that has nothing else in it.
    pub(crate) fn as_strings(self) -> Option<Vec<Cow<'a, str>>> {
        self.as_array()?.into_iter().map(Self::as_str).collect()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn top(&mut self) -> Option<Object<'a>> {
        self.expect(b'{')?;
        // What an access token of RFC 9068 has, with a little room.
        let mut members = Vec::with_capacity(12);
        self.items('}', |reader| {
            let name = reader.name()?;
            members.push((name.unescape(), reader.value(MAX_DEPTH - 1)?));
            Some(())
        })?;
        Some(Object { members })
    }

    /// A value in which up to `depth` arrays and objects nest.
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let start = self.at;
        let mut escaped = false;
        match self.peek()? {
            b'"' => escaped = self.string()?.escaped,
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                self.items('}', |reader| {
                    reader.name()?;
                    reader.value(depth)?;
                    Some(())
                })?;
            }
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                self.items(']', |reader| reader.value(depth).map(drop))?;
            }
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => self.number()?,
        }
        let text = &self.text[start..self.at];
        Some(Value { text, escaped })
    }

    /// What stands between an opening bracket and its end, separated by commas.
    fn items(&mut self, end: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let end = end as u8;
        self.space();
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            item(self)?;
            self.space();
            let next = self.peek()?;
            self.at += 1;
            if next == end {
                return Some(());
            }
            if next != b',' {
                return None;
            }
        }
    }

    /// The name of a member and the colon after it.
    fn name(&mut self) -> Option<Content<'a>> {
        let name = self.string()?;
        self.space();
        self.expect(b':')?;
        self.space();
        Some(name)
    }

    /// What stands between the quotes, escapes and all.
    fn string(&mut self) -> Option<Content<'a>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..)?);
            match self.peek()? {
                b'"' => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Some(Content { text, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        self.at += 1;
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.code_unit()? {
                // The second half of a pair that has no first one.
                0xdc00..=0xdfff => None,
                0xd800..=0xdbff => {
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    matches!(self.code_unit()?, 0xdc00..=0xdfff).then_some(())
                }
                _ => Some(()),
            },
            _ => None,
        }
    }

    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        code_unit(digits)
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        let found = self.text.as_bytes().get(self.at..)?;
        self.at += text.len();
        found.starts_with(text.as_bytes()).then_some(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

fn code_unit(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// How many bytes come before the first quote, backslash or control character. The text is UTF-8: the bytes of a
/// character above ASCII need no look.
///
/// Most of a token is strings, so eight bytes are looked at in one step. A byte is marked in its highest bit if it
/// is what is looked for; a byte behind a marked one may be marked wrongly, the first one never is.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);

    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let marks = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if marks != 0 {
            return at * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

impl<'a> Content<'a> {
    /// The string that this stands for. The reader has seen that it is well-formed.
    fn unescape(self) -> Cow<'a, str> {
        match self.escaped {
            true => Cow::Owned(unescape(self.text)),
            false => Cow::Borrowed(self.text),
        }
    }
}

fn unescape(content: &str) -> String {
    let first = content.find('\\').unwrap_or(content.len());
    let (before, mut rest) = content.split_at(first);
    let mut text = String::with_capacity(content.len());
    text.push_str(before);
    while let Some(escape) = rest.strip_prefix('\\') {
        let (character, length) = match escape.as_bytes() {
            [b'b', ..] => ('\u{8}', 1),
            [b'f', ..] => ('\u{c}', 1),
            [b'n', ..] => ('\n', 1),
            [b'r', ..] => ('\r', 1),
            [b't', ..] => ('\t', 1),
            [b'u', digits @ ..] => unescape_unicode(digits),
            [other, ..] => (char::from(*other), 1),
            [] => break,
        };
        text.push(character);
        rest = &escape[length..];
        let plain = rest.find('\\').unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    text
}

/// The character whose digits stand after the `u`, and how long its escape is after the first backslash.
fn unescape_unicode(digits: &[u8]) -> (char, usize) {
    let unit = |at: usize| digits.get(at..at + 4).and_then(code_unit);
    // The second half of a pair has its own backslash and u between.
    let units = [unit(0), unit(6)].into_iter().flatten();
    let character = char::decode_utf16(units)
        .next()
        .and_then(Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    (character, if character.len_utf16() == 2 { 11 } else { 5 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Object<'_>> {
        Object::read(text.as_bytes())
    }

    #[test]
    fn members_are_found() {
        let object = read(" {\"a\" : \"x\\ny\\u00e4\\ud83d\\ude00/\\/\", \"b\":[1, \"two\" ,{}],\r\n\t\"c\":-1.5E+3} ")
            .expect("an object");
        assert_eq!(object.members().len(), 3);
        let a = object.get("a").expect("a");
        assert_eq!(a.as_str().as_deref(), Some("x\nyä😀//"));
        assert_eq!((a.as_number(), a.as_array()), (None, None));
        let b = object.get("b").expect("b").as_array().expect("an array");
        assert_eq!(
            b.iter().map(|value| value.text()).collect::<Vec<_>>(),
            ["1", "\"two\"", "{}"]
        );
        assert_eq!(object.get("b").and_then(Value::as_strings), None);
        assert_eq!(object.get("c").and_then(Value::as_number), Some("-1.5E+3"));
        assert_eq!(object.get("d"), None);
        assert!(read("{}").expect("an object").members().is_empty());
        let array = read(r#"{"a":["x","\u0078"]}"#).expect("an object");
        assert_eq!(
            array.get("a").and_then(Value::as_strings).expect("strings"),
            ["x", "x"]
        );
    }

    /// Every byte at every place of a step and the next ones, before and behind what marks bytes wrongly.
    #[test]
    fn the_end_of_plain_text_is_found() {
        let slow = |bytes: &[u8]| {
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            bytes.iter().position(special).unwrap_or(bytes.len())
        };
        for filler in [b'a', b' ', 0x7f, 0x80, 0xff, b'"' + 1, b'\\' - 1] {
            for length in 0..20 {
                let mut bytes = vec![filler; length];
                assert_eq!(plain(&bytes), length);
                for at in 0..length {
                    for byte in 0..=u8::MAX {
                        bytes[at] = byte;
                        assert_eq!(plain(&bytes), slow(&bytes), "{bytes:?}");
                        if let Some(next) = bytes.get_mut(at + 1) {
                            *next = b'"';
                            assert_eq!(plain(&bytes), slow(&bytes), "{bytes:?}");
                            bytes[at + 1] = filler;
                        }
                    }
                    bytes[at] = filler;
                }
            }
        }
    }

    #[test]
    fn every_escape_is_undone() {
        let object =
            read(r#"{"\u0065\"\\\/\b\f\n\r\t\uD834\udd1E\uFFFF\u0000":0}"#).expect("an object");
        assert_eq!(
            object.members()[0].0,
            "e\"\\/\u{8}\u{c}\n\r\t\u{1d11e}\u{ffff}\0"
        );
    }

    #[test]
    fn a_name_stands_once() {
        for text in [
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"\u0065xp":2}"#,
            r#"{"\u0065xp":1,"a":0,"e\u0078p":2}"#,
            r#"{"/":1,"\/":2}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(r#"{"exp":1,"Exp":2,"exp ":3}"#).is_some());
        assert!(read(r#"{"a":{"b":1},"b":2}"#).is_some());
    }

    #[test]
    fn many_names_are_unique_too() {
        let mut members: Vec<_> = (0..500).map(|n| format!("\"m{n}\":{n}")).collect();
        assert!(read(&format!("{{{}}}", members.join(","))).is_some());
        members.push("\"m\\u0033\":0".to_owned());
        assert!(read(&format!("{{{}}}", members.join(","))).is_none());
    }

    #[test]
    fn only_objects_are_read() {
        for text in [
            "",
            " ",
            "[]",
            "\"a\"",
            "1",
            "null",
            "true",
            "{",
            "}",
            "{}{}",
            "{},",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "{1:1}",
            "\u{feff}{}",
            "{}\0",
            "\u{a0}{}",
            "{\"a\":tru}",
            "{\"a\":nul",
            "{\"a\":True}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{/**/}",
            "{\"a\":1}//",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn strings_are_unicode() {
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud800a""#,
            r#""\ud800\n""#,
            r#""\ud800\u0061""#,
            r#""\u12""#,
            r#""\u12g4""#,
            r#""\u+123""#,
            r#""\x41""#,
            r#""\'""#,
            "\"a\nb\"",
            "\"\u{1}\"",
            "\"",
            "\"\\\"",
            "\"\\",
        ] {
            assert!(read(&format!("{{\"a\":{text}}}")).is_none(), "{text}");
            assert!(read(&format!("{{\"a\":[{text}]}}")).is_none(), "{text}");
            assert!(read(&format!("{{{text}:1}}")).is_none(), "{text}");
        }
        assert!(Object::read(b"{\"a\":\"\xff\"}").is_none());
        assert!(Object::read(b"{\"a\":\"\xc0\x80\"}").is_none());
        assert!(Object::read(b"{\"a\":\"\xed\xa0\x80\"}").is_none());
        assert!(read("{\"a\":\"\u{7f}\u{2028}\"}").is_some());
    }

    #[test]
    fn numbers_have_one_grammar() {
        for number in [
            "0",
            "-0",
            "10",
            "-1.0",
            "1e5",
            "1E-5",
            "0.10e+05",
            "123456789012345678901",
        ] {
            assert!(read(&format!("{{\"a\":{number}}}")).is_some(), "{number}");
        }
        for number in [
            "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1_0", "--1", "1.e5", "-01", "1.5.5",
            "e5",
        ] {
            assert!(read(&format!("{{\"a\":{number}}}")).is_none(), "{number}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize, open: &str, close: &str| {
            format!("{{\"a\":{}{}}}", open.repeat(depth), close.repeat(depth))
        };
        assert!(read(&nested(MAX_DEPTH - 1, "[", "]")).is_some());
        assert!(read(&nested(MAX_DEPTH, "[", "]")).is_none());
        assert!(read(&nested(100_000, "[", "]")).is_none());
        assert!(read(&nested(MAX_DEPTH, "{\"a\":", "}")).is_none());
    }
}
