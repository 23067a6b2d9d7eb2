//! A problem as JSON.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Problem, UriReference, Violation, status};

impl Problem {
    /// The document: a JSON object with each member once, the standard ones first.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let inner = &self.0;
        let title = self.sent_title();
        let code = self.code();
        let mut json = Writer(Vec::with_capacity(self.json_size(title, code)));
        // `type` is always there, so every other member begins with a comma.
        json.raw(r#"{"type":"#);
        json.uri(&inner.type_uri);
        if let Some(title) = title {
            json.raw(r#","title":"#);
            json.string(title);
        }
        if status::fits_member(inner.status) {
            json.raw(r#","status":"#);
            json.raw(inner.status.as_str());
        }
        if let Some(detail) = &inner.detail {
            json.raw(r#","detail":"#);
            json.string(detail);
        }
        if let Some(instance) = &inner.instance {
            json.raw(r#","instance":"#);
            json.uri(instance);
        }
        if let Some(code) = code {
            json.raw(r#","code":"#);
            json.string(code);
        }
        for extension in inner.extensions.iter() {
            json.raw(",");
            // A member that was read from a document has whatever name it had there.
            json.string(&extension.name);
            json.raw(":");
            json.raw(&extension.json);
        }
        if !inner.violations.is_empty() {
            json.raw(r#","errors":"#);
            json.violations(&inner.violations);
        }
        json.raw("}");
        Bytes::from(json.0)
    }

    /// The exact size where nothing has to be escaped, which saves the buffer a second allocation
    /// on its way into `Bytes`. `errors` are not counted: their answers are not the hot ones.
    fn json_size(&self, title: Option<&str>, code: Option<&str>) -> usize {
        let inner = &self.0;
        let member = |name: &str, value: Option<&str>| {
            value.map_or(0, |value| r#","":"""#.len() + name.len() + value.len())
        };
        let extensions: usize = inner
            .extensions
            .iter()
            .map(|extension| r#","":"#.len() + extension.name.len() + extension.json.len())
            .sum();
        let status = if status::fits_member(inner.status) {
            r#","status":404"#.len()
        } else {
            0
        };
        // The comma that `type` does not need and the two braces.
        1 + member("type", Some(inner.type_uri.as_str()))
            + member("title", title)
            + status
            + member("detail", self.detail())
            + member("instance", inner.instance.as_ref().map(|uri| uri.as_str()))
            + member("code", code)
            + extensions
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// A checked reference has no character that JSON would escape.
    fn uri(&mut self, reference: &UriReference) {
        self.0.push(b'"');
        self.raw(reference.as_str());
        self.0.push(b'"');
    }

    fn string(&mut self, text: &str) {
        if needs_escape(text.as_bytes()) {
            // Writing a string into memory cannot fail.
            let _ = serde_json::to_writer(&mut self.0, text);
        } else {
            self.0.push(b'"');
            self.raw(text);
            self.0.push(b'"');
        }
    }

    fn violations(&mut self, violations: &[Violation]) {
        self.0.push(b'[');
        for (at, violation) in violations.iter().enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            // A map of strings into memory cannot fail.
            let _ = serde_json::to_writer(&mut self.0, violation);
        }
        self.0.push(b']');
    }
}

/// Looks at every byte without an early exit, which the compiler turns into vector instructions.
fn needs_escape(text: &[u8]) -> bool {
    text.iter().fold(false, |found, &byte| {
        found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    })
}

/// The same members as [`Problem::to_json`], for embedding in another document.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &inner.type_uri)?;
        if let Some(title) = self.sent_title() {
            map.serialize_entry("title", title)?;
        }
        if status::fits_member(inner.status) {
            map.serialize_entry("status", &inner.status.as_u16())?;
        }
        if let Some(detail) = &inner.detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &inner.instance {
            map.serialize_entry("instance", instance)?;
        }
        if let Some(code) = self.code() {
            map.serialize_entry("code", code)?;
        }
        // One member of somebody else's that no `Value` can hold, such as `1e999`, must not cost the
        // rest: `extensions` leaves it out.
        for (name, value) in self.extensions() {
            map.serialize_entry(name, &value)?;
        }
        if !inner.violations.is_empty() {
            map.serialize_entry("errors", &inner.violations)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        /// Whatever the texts are, the document is what `serde_json` makes of the same members.
        #[test]
        fn the_document_is_what_serde_makes_of_it(
            title in any::<String>(),
            detail in any::<Option<String>>(),
            code in any::<String>(),
            value in any::<String>(),
        ) {
            let mut problem = Problem::new(StatusCode::CONFLICT)
                .with_title(title)
                .with_code(code)
                .with_extension("value", value);
            if let Some(detail) = detail {
                problem = problem.with_detail(detail);
            }
            let document: Value = serde_json::from_slice(&problem.to_json()).unwrap();
            prop_assert_eq!(document, serde_json::to_value(&problem).unwrap());
        }
    }

    #[test]
    fn the_size_is_known_before_writing() {
        for status in [404, 650] {
            let problem = Problem::new(StatusCode::from_u16(status).unwrap())
                .with_detail("order 7 does not exist")
                .with_extension("orderId", 7);
            let (title, code) = (problem.sent_title(), problem.code());
            assert_eq!(problem.json_size(title, code), problem.to_json().len());
        }
    }
}
