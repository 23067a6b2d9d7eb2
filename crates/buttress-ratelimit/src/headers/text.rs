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

    fn written(&self) -> &[u8] {
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

    /// A sequence of bytes, of so many that their base64 needs no padding.
    pub(super) fn bytes<const N: usize>(&mut self, bytes: &[u8; N]) {
        const { assert!(N.is_multiple_of(3)) };
        self.raw(":");
        let (threes, _) = bytes.as_chunks();
        for [first, second, third] in threes {
            let bits = u32::from_be_bytes([0, *first, *second, *third]);
            for shift in [18, 12, 6, 0] {
                let digit = (bits >> shift & 0x3f) as usize;
                self.raw(&BASE64[digit..=digit]);
            }
        }
        self.raw(":");
    }

    /// Begins the next member of a list.
    pub(super) fn next(&mut self) {
        if self.length > 0 {
            self.raw(", ");
        }
    }

    /// Nothing that is written is unfit for a value, since names are checked at the start.
    pub(super) fn into_value(self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.written()).ok()
    }

    pub(super) fn into_box(self) -> Box<str> {
        String::from_utf8_lossy(self.written()).into()
    }
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
    fn bytes_are_base64() {
        let mut text = Text::new();
        text.bytes(b"");
        text.bytes(b"foobar");
        text.bytes(&[0xfb, 0xff, 0xbf, 0x00, 0x10, 0x83]);
        assert_eq!(
            text.into_value().unwrap(),
            "::".to_owned() + ":Zm9vYmFy:" + ":+/+/ABCD:"
        );
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
