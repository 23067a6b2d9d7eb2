//! What stands in strings: plain text and escapes.

use std::borrow::Cow;

/// What stands between the quotes of a string.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) text: &'a str,
    pub(super) escaped: bool,
}

/// The number that four digits of an escape stand for.
pub(super) fn code_unit(digits: &[u8]) -> Option<u16> {
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
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
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
    #[inline]
    pub(super) fn unescape(self) -> Cow<'a, str> {
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
}
