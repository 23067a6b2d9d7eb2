//! The grammar of RFC 8259.

use std::borrow::Cow;

use super::{
    MAX_DEPTH, Value,
    text::{Content, code_unit, plain},
};

type Member<'a> = (Cow<'a, str>, Value<'a>);

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The members of the one object that the text is, and whether one of their names may stand there twice: it does not if
    /// this is `false`.
    pub(super) fn members(mut self) -> Option<(Vec<Member<'a>>, bool)> {
        self.space();
        // Nothing is allocated for junk.
        self.expect(b'{')?;
        // What an access token of RFC 9068 has, with a little room.
        let mut members = Vec::with_capacity(12);
        let mut names = Marks::default();
        self.items(b'}', |reader| {
            let name = reader.name()?.unescape();
            names.mark(&name);
            members.push((name, reader.value(MAX_DEPTH - 1)?));
            Some(())
        })?;
        self.space();
        (self.at == self.text.len()).then_some((members, names.repeated))
    }

    /// The values of an array.
    pub(super) fn values(mut self) -> Option<Vec<Value<'a>>> {
        let mut values = Vec::new();
        self.expect(b'[')?;
        self.items(b']', |reader| {
            values.push(reader.value(MAX_DEPTH)?);
            Some(())
        })?;
        Some(values)
    }

    /// A value in which up to `depth` arrays and objects nest.
    #[inline]
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let start = self.at;
        // Most are strings.
        let escaped = match self.peek()? {
            b'"' => self.string()?.escaped,
            _ => {
                self.other(depth)?;
                false
            }
        };
        let text = &self.text[start..self.at];
        Some(Value { text, escaped })
    }

    /// A value that is no string.
    fn other(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                self.items(b'}', |reader| {
                    reader.name()?;
                    reader.value(depth).map(drop)
                })
            }
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                self.items(b']', |reader| reader.value(depth).map(drop))
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    /// What stands between an opening bracket and its end, separated by commas.
    #[inline]
    fn items(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.space();
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        loop {
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
            self.space();
        }
    }

    /// The name of a member and the colon after it.
    #[inline]
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

    /// White space, of which tokens have none.
    #[inline]
    fn space(&mut self) {
        while let Some(byte @ ..=b' ') = self.peek() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return;
            }
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// Which names were seen, roughly: one of 64 marks for each.
#[derive(Default)]
struct Marks {
    seen: u64,
    repeated: bool,
}

impl Marks {
    /// The names that tokens have as a rule get a mark each.
    #[inline]
    fn mark(&mut self, name: &str) {
        let bytes = name.as_bytes();
        let end = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
        let sum = 31 * end(bytes.first()) + 18 * end(bytes.last()) + bytes.len();
        let mark = 1 << (sum % 64);
        self.repeated |= self.seen & mark != 0;
        self.seen |= mark;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::REGISTERED;

    #[test]
    fn what_tokens_have_as_a_rule_is_not_compared() {
        let mut names = Marks::default();
        for name in REGISTERED {
            names.mark(name);
        }
        assert!(!names.repeated);
        for name in REGISTERED {
            let mut again = Marks { ..names };
            again.mark(name);
            assert!(again.repeated, "{name}");
        }
        names.mark("");
        names.mark("");
        assert!(names.repeated);
    }
}
