//! JSON objects, read more strictly than RFC 8259 demands: names are unique, text is Unicode, depth is bounded.
//!
//! serde_json takes the last of two members of one name, which is how `{"role":"user","role":"admin"}` means
//! one thing to one reader and another to the next. This reader refuses it (RFC 7515, section 4; RFC 7519,
//! section 4), also when one of the names is written with escapes.

#[cfg(test)]
mod properties;
mod reader;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use reader::Reader;
use text::Content;

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

impl<'a> Object<'a> {
    /// `None` when the bytes are something else than one object in UTF-8, have a name twice at its top, a
    /// string that is not Unicode, or nest too deep.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (members, may_repeat) = Reader::new(text).members()?;
        let object = Self { members };
        (!may_repeat || object.has_unique_names()).then_some(object)
    }

    pub(crate) fn members(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        &self.members
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.members
            .iter()
            .find_map(|(member, value)| (member == name).then_some(*value))
    }

    #[cold]
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
        Reader::new(self.text).values()
    }

    /// The strings of an array that has nothing else in it.
    pub(crate) fn as_strings(self) -> Option<Vec<Cow<'a, str>>> {
        self.as_array()?.into_iter().map(Self::as_str).collect()
    }
}
