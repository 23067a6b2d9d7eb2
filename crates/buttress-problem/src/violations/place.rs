//! Where in a document an error is, as far as serde knows and the document tells.

use std::cmp::Ordering;

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::JsonPointer;

/// A pointer longer than this is cut back to one of its parents: member names are input, and
/// an answer does not grow with it.
const LONGEST: usize = 256;

/// The reference tokens on the way from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(Vec<String>);

impl Place {
    /// The path as it is in the document. Where serde loses its way (buffered content, keys that
    /// are not strings), this is the last place that it was sure of.
    pub(super) fn of(path: &Path, document: Option<&Value>) -> Self {
        let mut tokens = Vec::new();
        let mut value = document;
        for segment in path {
            let token = match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } => key.clone(),
                Segment::Enum { variant } => match value {
                    Some(Value::Object(_)) => variant.clone(),
                    // The variant is the string itself, not a member.
                    Some(_) => continue,
                    None => break,
                },
                Segment::Unknown => break,
            };
            value = value.and_then(|value| child(value, &token));
            tokens.push(token);
        }
        Self(tokens)
    }

    pub(super) fn ends_with(&self, token: &str) -> bool {
        self.0.last().is_some_and(|last| last == token)
    }

    pub(super) fn join(mut self, token: &str) -> Self {
        self.0.push(token.to_owned());
        self
    }

    /// The value there, or the nearest one above that exists.
    pub(super) fn nearest<'a>(&self, document: &'a Value) -> &'a Value {
        let mut value = document;
        for token in &self.0 {
            match child(value, token) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    pub(super) fn value<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0
            .iter()
            .try_fold(document, |value, token| child(value, token))
    }

    /// The only place below this one whose value is shown by serde as `unexpected`.
    pub(super) fn only_below(&self, document: &Value, unexpected: &str) -> Option<Self> {
        let mut found = Vec::new();
        collect(
            self.value(document)?,
            unexpected,
            &mut self.clone(),
            &mut found,
        );
        (found.len() == 1).then(|| found.pop()).flatten()
    }

    /// Is this the place or below it?
    pub(super) fn is_within(&self, place: &Self) -> bool {
        self.0.starts_with(&place.0)
    }

    /// By name, and elements of an array by number.
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let key = |token: &String| (token.parse::<usize>().ok(), token.clone());
        self.0.iter().map(key).cmp(other.0.iter().map(key))
    }

    /// Puts a value there, or nothing, and gives back what was there. `None` when the document
    /// has no such place.
    pub(super) fn replace(
        &self,
        document: &mut Value,
        value: Option<Value>,
    ) -> Option<Option<Value>> {
        let Some((last, way)) = self.0.split_last() else {
            return Some(Some(std::mem::replace(document, value?)));
        };
        let parent = way.iter().try_fold(document, |value, token| match value {
            Value::Object(members) => members.get_mut(token),
            Value::Array(elements) => elements.get_mut(token.parse::<usize>().ok()?),
            _ => None,
        })?;
        match (parent, value) {
            (Value::Object(members), Some(value)) => Some(members.insert(last.clone(), value)),
            (Value::Object(members), None) => Some(members.remove(last)),
            (Value::Array(elements), Some(value)) => {
                let element = elements.get_mut(last.parse::<usize>().ok()?)?;
                Some(Some(std::mem::replace(element, value)))
            }
            _ => None,
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    pub(crate) fn into_pointer(self) -> JsonPointer {
        let mut pointer = JsonPointer::root();
        for token in &self.0 {
            let longer = pointer.clone().join(token);
            if longer.as_str().len() > LONGEST {
                break;
            }
            pointer = longer;
        }
        pointer
    }
}

#[cfg(feature = "axum")]
pub(crate) fn is_too_long(name: &str) -> bool {
    name.len() > LONGEST
}

fn child<'a>(value: &'a Value, token: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(token),
        Value::Array(elements) => elements.get(token.parse::<usize>().ok()?),
        _ => None,
    }
}

fn collect(value: &Value, unexpected: &str, at: &mut Place, found: &mut Vec<Place>) {
    let mut visit = |token: String, value: &Value| {
        at.0.push(token);
        if shown(value) == unexpected {
            found.push(at.clone());
        }
        collect(value, unexpected, at, found);
        at.0.pop();
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                visit(name.clone(), value);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                visit(index.to_string(), value);
            }
        }
        _ => {}
    }
}

/// The value as `serde_json` lets `serde::de::Unexpected` display it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("boolean `{flag}`"),
        Value::Number(number) if number.is_f64() => format!("floating point `{number}`"),
        Value::Number(number) => format!("integer `{number}`"),
        Value::String(string) => format!("string {string:?}"),
        Value::Array(_) => "sequence".to_owned(),
        Value::Object(_) => "map".to_owned(),
    }
}
