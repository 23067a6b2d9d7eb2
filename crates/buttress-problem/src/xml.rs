//! A problem as XML (RFC 9457, appendix B).

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{Problem, parse::Members, status};

/// RFC 9457 kept the namespace of RFC 7807.
const ROOT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><problem xmlns="urn:ietf:rfc:7807">"#;

impl Problem {
    /// The document as `application/problem+xml` (RFC 9457, appendix B), with the members of
    /// [`to_json`](Self::to_json) in the same order.
    ///
    /// Every element is in the namespace `urn:ietf:rfc:7807` and there are no attributes. An
    /// object becomes an element with an element for each member, an array one with an `<i>` for
    /// each entry; numbers and booleans are written as in JSON, and `null`, `""`, `[]` and `{}` are
    /// empty elements. What XML 1.0 cannot carry is replaced or left out, so that the document is
    /// always well-formed:
    ///
    /// - a character that is not allowed, such as U+0000 or U+FFFE, becomes U+FFFD;
    /// - a member whose name is not an XML name without a colon (XML 1.0, section 2.3; Namespaces in
    ///   XML, section 3) is left out;
    /// - what is nested deeper than [`MAX_DEPTH`](Self::MAX_DEPTH) is left out.
    ///
    /// The format cannot tell an object whose only member is named `i` from an array.
    ///
    /// ```
    /// use buttress_problem::Problem;
    /// use http::StatusCode;
    ///
    /// let problem = Problem::new(StatusCode::CONFLICT).with_extension("left", [3, 5]);
    /// assert_eq!(
    ///     problem.to_xml(),
    ///     "<?xml version=\"1.0\" encoding=\"UTF-8\"?><problem xmlns=\"urn:ietf:rfc:7807\">\
    ///      <type>about:blank</type><title>Conflict</title><status>409</status>\
    ///      <code>CONFLICT</code><left><i>3</i><i>5</i></left></problem>"
    /// );
    /// ```
    #[must_use]
    pub fn to_xml(&self) -> Bytes {
        let inner = &self.0;
        let mut xml = Writer(String::with_capacity(512));
        xml.0.push_str(ROOT);
        xml.text("type", inner.type_uri.as_str());
        if let Some(title) = self.sent_title() {
            xml.text("title", title);
        }
        if status::fits_member(inner.status) {
            xml.text("status", inner.status.as_str());
        }
        if let Some(detail) = &inner.detail {
            xml.text("detail", detail);
        }
        if let Some(instance) = &inner.instance {
            xml.text("instance", instance.as_str());
        }
        if let Some(code) = self.code() {
            xml.text("code", code);
        }
        for extension in inner.extensions.iter() {
            xml.element(&extension.name, |xml| xml.json(&extension.json, 1));
        }
        if !inner.violations.is_empty() {
            xml.element("errors", |xml| {
                for violation in &inner.violations {
                    xml.element("i", |xml| {
                        let (location, at) = violation.location().member();
                        xml.text(location, at);
                        xml.text("detail", violation.detail());
                        if let Some(code) = violation.code() {
                            xml.text("code", code);
                        }
                    });
                }
            });
        }
        xml.0.push_str("</problem>");
        Bytes::from(xml.0)
    }
}

struct Writer(String);

impl Writer {
    fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.escape(text));
    }

    /// Writes nothing when `name` cannot be the name of an element.
    fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        if !is_name(name) {
            return;
        }
        self.tag("<", name);
        content(self);
        self.tag("</", name);
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.0.push_str(open);
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Writes a value from its JSON text and not from a `Value`, which would lose the order of
    /// members and the last digits of numbers.
    ///
    /// What is valid as JSON text and cannot be read all the same (half of a surrogate pair, which
    /// only somebody else's document can contain) leaves the element empty.
    fn json(&mut self, json: &str, depth: usize) {
        if depth > Problem::MAX_DEPTH {
            return;
        }
        match json.as_bytes().first() {
            Some(b'{') => {
                let members = serde_json::from_str::<Members>(json).map(|members| members.0);
                for (name, value) in members.unwrap_or_default() {
                    self.element(&name, |xml| xml.json(value.get(), depth + 1));
                }
            }
            Some(b'[') => {
                let entries = serde_json::from_str::<Vec<&RawValue>>(json);
                for value in entries.unwrap_or_default() {
                    self.element("i", |xml| xml.json(value.get(), depth + 1));
                }
            }
            Some(b'"') => {
                if let Ok(text) = serde_json::from_str::<Cow<'_, str>>(json) {
                    self.escape(&text);
                }
            }
            Some(b'n') | None => {}
            Some(_) => self.0.push_str(json),
        }
    }

    fn escape(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                // Only `]]>` must not stand in text; one rule is simpler than looking back.
                '>' => self.0.push_str("&gt;"),
                // A bare one would be read as a line feed (XML 1.0, section 2.11).
                '\r' => self.0.push_str("&#13;"),
                allowed if is_char(allowed) => self.0.push(allowed),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }
}

/// `Char` (XML 1.0, section 2.2); a Rust `char` is never a surrogate.
const fn is_char(char: char) -> bool {
    !matches!(char, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

/// `NCName` (Namespaces in XML 1.0, section 3): a name without a colon, which would make a prefix.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// `NameStartChar` (XML 1.0, section 2.3) without the colon.
const fn is_name_start(char: char) -> bool {
    matches!(char,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// `NameChar` (XML 1.0, section 2.3) without the colon.
const fn is_name_char(char: char) -> bool {
    is_name_start(char)
        || matches!(char,
            '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}' | '\u{2040}')
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A real parser agrees about every name: refused ones are left out, all others read back.
        #[test]
        fn a_name_is_one_for_a_parser_too(name in prop_oneof!["[a-z:é·_.0-9 -]{1,4}", any::<String>()]) {
            let document = format!("<{name}/>");
            let parsed = roxmltree::Document::parse(&document);
            if is_name(&name) {
                let parsed = parsed.unwrap();
                prop_assert_eq!(parsed.root_element().tag_name().name(), name);
            } else if let Ok(parsed) = parsed {
                // `<a />` and `<a b="c"/>` parse, with another name.
                prop_assert_ne!(parsed.root_element().tag_name().name(), name);
            }
        }
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let deep = (0..500).fold(serde_json::json!("core"), |value, _| {
            serde_json::json!([value])
        });
        let xml = Problem::new(StatusCode::CONFLICT)
            .with_extension("deep", deep)
            .to_xml();
        let text = std::str::from_utf8(&xml).unwrap();
        assert_eq!(text.matches("<i>").count(), Problem::MAX_DEPTH);
        assert!(!text.contains("core"));
        roxmltree::Document::parse(text).unwrap();
    }
}
