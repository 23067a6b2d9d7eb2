//! Numbers and strings as structured fields (RFC 9651) have them.

use http::HeaderValue;

/// A value of a header field while it is written. Most are short, and need one allocation then: that of the value.
pub(super) struct Text {
    length: usize,
    short: [u8; 192],
    /// All of it, once that is more.
    long: Vec<u8>,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            length: 0,
            short: [0; 192],
            long: Vec::new(),
        }
    }

    pub(super) fn raw(&mut self, text: &str) {
        let end = self.length + text.len();
        if self.long.is_empty() {
            if let Some(place) = self.short.get_mut(self.length..end) {
                place.copy_from_slice(text.as_bytes());
                self.length = end;
                return;
            }
            self.long.extend_from_slice(&self.short[..self.length]);
        }
        self.long.extend_from_slice(text.as_bytes());
        self.length = end;
    }

    fn bytes(&self) -> &[u8] {
        match self.long.is_empty() {
            true => &self.short[..self.length],
            false => &self.long,
        }
    }

    pub(super) fn number(&mut self, number: u64) {
        let mut digits = itoa::Buffer::new();
        // Fifteen digits are the most that an integer has (RFC 9651, section 3.3.1).
        self.raw(digits.format(number.min(999_999_999_999_999)));
    }

    /// A string of printable ASCII in its quotes.
    pub(super) fn string(&mut self, text: &str) {
        self.raw("\"");
        for part in text.split_inclusive(['"', '\\']) {
            let plain = part.trim_end_matches(['"', '\\']);
            self.raw(plain);
            if plain.len() < part.len() {
                self.raw("\\");
                self.raw(&part[plain.len()..]);
            }
        }
        self.raw("\"");
    }

    /// Begins the next member of a list.
    pub(super) fn next(&mut self) {
        if self.length > 0 {
            self.raw(", ");
        }
    }

    /// Nothing that is written is unfit for a value, since names are checked at the start.
    pub(super) fn into_value(self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.bytes()).ok()
    }

    pub(super) fn into_box(self) -> Box<str> {
        String::from_utf8_lossy(self.bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_has_more_digits_than_the_standard_allows() {
        let mut text = Text::new();
        text.number(u64::MAX);
        text.next();
        text.number(0);
        assert_eq!(text.into_value().unwrap(), "999999999999999, 0");
    }

    #[test]
    fn what_would_end_a_string_is_escaped() {
        let mut text = Text::new();
        text.string(r#"a"b\c;t=1\""#);
        assert_eq!(text.into_value().unwrap(), r#""a\"b\\c;t=1\\\"""#);
    }

    #[test]
    fn what_is_long_is_all_there() {
        for size in [190, 191, 192, 193, 194, 1_000] {
            let mut text = Text::new();
            let mut expected = String::new();
            while expected.len() < size {
                text.raw("ab");
                text.number(7);
                expected.push_str("ab7");
            }
            assert_eq!(text.into_value().unwrap(), expected);
        }
    }
}
