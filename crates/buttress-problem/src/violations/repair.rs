//! All errors of a document, although a deserialiser stops at the first.
//!
//! What is wrong is replaced by a placeholder that the type takes, and the document is read once
//! more: the next error is one that the first had hidden. Nothing is reported about a placeholder
//! or what contains one, so every error is one of the document as it came. Where no placeholder
//! is taken, what lies behind stays hidden.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{finding::Finding, place::Place};

/// So many bytes are read again at most, in two goes.
const BUDGET: usize = 256 * 1024;

/// So many times a document is read again at most in one go: what a type does to read a value may
/// cost more than its bytes say, and a client must not be able to ask for much of it.
const READINGS: usize = 32;

/// What it costs to read the smallest of documents, in bytes.
const SMALLEST: usize = 512;

/// Placeholders for types that do not say what they expect, or that expect a certain form.
const PLACEHOLDERS: [&str; 10] = [
    "",
    "a",
    "00000000-0000-0000-0000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01",
    "00:00:00",
    "127.0.0.1",
    "https://a.example/",
    "a@a.example",
    "0",
];

/// The first error, and those that can be found besides it, ordered by place.
pub(super) fn all<T: DeserializeOwned>(
    first: Finding,
    document: Option<Value>,
    size: usize,
) -> Vec<Finding> {
    let mut found = match document {
        Some(document) if !has_huge_number(&document) => besides::<T>(&document, size),
        _ => Vec::new(),
    };
    // A document that was read into a value has lost its order and members that it had twice, so
    // the first error may not be among the others, or not in as good words.
    found.retain(|finding| finding.place != first.place);
    found.push(first);
    found.sort_by(|left, right| left.place.cmp(&right.place));
    found
}

fn besides<T: DeserializeOwned>(document: &Value, size: usize) -> Vec<Finding> {
    let readings = (BUDGET / 2 / size.max(SMALLEST)).min(READINGS);
    let mut forwards = Repair::new(document, Order::Forwards, readings);
    let mut found = forwards.run::<T>();
    if forwards.has_chosen {
        // The name of a variant may have been the tag that decides what the rest has to be. Only
        // what is wrong under another choice too is wrong in itself.
        let mut backwards = Repair::new(document, Order::Backwards, readings);
        let under_another = backwards.run::<T>();
        found.retain(|finding| under_another.iter().any(|other| other.is_same(finding)));
    }
    found
}

/// In which order the names of variants are tried.
#[derive(Clone, Copy, Debug)]
enum Order {
    Forwards,
    Backwards,
}

struct Repair {
    document: Value,
    order: Order,
    readings: usize,
    repaired: Vec<Place>,
    has_chosen: bool,
}

/// What reading once more came to.
enum Reading {
    Fits,
    Fails(Finding),
    /// The budget is used up.
    Enough,
}

impl Repair {
    fn new(document: &Value, order: Order, readings: usize) -> Self {
        Self {
            document: document.clone(),
            order,
            readings,
            repaired: Vec::new(),
            has_chosen: false,
        }
    }

    fn run<T: DeserializeOwned>(&mut self) -> Vec<Finding> {
        let mut found = Vec::new();
        let Reading::Fails(mut current) = self.read::<T>() else {
            return found;
        };
        loop {
            if self.has_repaired(|place| place.is_within(&current.place)) {
                return found;
            }
            if !self.has_repaired(|place| current.place.is_within(place)) {
                found.push(current.clone());
            }
            let Some(next) = self.get_past::<T>(&current) else {
                return found;
            };
            self.repaired
                .push(std::mem::replace(&mut current, next).place);
        }
    }

    fn has_repaired(&self, is: impl Fn(&Place) -> bool) -> bool {
        self.repaired.iter().any(is)
    }

    /// Puts a placeholder where the error is; the error that shows up then.
    fn get_past<T: DeserializeOwned>(&mut self, current: &Finding) -> Option<Finding> {
        let mut told = self.placeholders(current);
        let mut guessed = PLACEHOLDERS.iter().map(|text| Some(Value::from(*text)));
        let mut tried: Vec<Option<Value>> = Vec::new();
        loop {
            let placeholder = told.pop().or_else(|| guessed.next())?;
            if tried.contains(&placeholder) {
                continue;
            }
            tried.push(placeholder.clone());
            let before = current.place.replace(&mut self.document, placeholder)?;
            match self.read::<T>() {
                Reading::Fits | Reading::Enough => return None,
                Reading::Fails(next) if !current.place.is_within(&next.place) => {
                    return Some(next);
                }
                // Not taken; but the type may have told now what it expects.
                Reading::Fails(next) => {
                    current.place.replace(&mut self.document, before)?;
                    if next.place == current.place {
                        told.extend(self.placeholders(&next));
                    }
                }
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self) -> Reading {
        let Some(readings) = self.readings.checked_sub(1) else {
            return Reading::Enough;
        };
        self.readings = readings;
        match serde_path_to_error::deserialize::<_, T>(&self.document) {
            Ok(_) => Reading::Fits,
            Err(error) => {
                let text = error.inner().to_string();
                Reading::Fails(Finding::new(error.path(), &text, Some(&self.document)))
            }
        }
    }

    /// What to put in the place of what is wrong, the best last; `None` stands for nothing.
    fn placeholders(&mut self, finding: &Finding) -> Vec<Option<Value>> {
        let expected = match finding.expected.as_deref() {
            _ if finding.code == "UNKNOWN" => return vec![None],
            // A type that is given null says what it wants instead.
            None => return vec![Some(Value::Null)],
            Some(expected) => expected,
        };
        if let Some(placeholder) = placeholder(expected) {
            return vec![Some(placeholder)];
        }
        // "`a` or `b`", "one of `a`, `b`, `c`"
        let names = expected.split('`').skip(1).step_by(2);
        let mut names: Vec<_> = names.map(|name| Some(Value::from(name))).collect();
        self.has_chosen |= names.len() > 1;
        if let Order::Forwards = self.order {
            names.reverse();
        }
        names
    }
}

fn placeholder(expected: &str) -> Option<Value> {
    let size = expected
        .strip_prefix("an array of length ")
        .or(expected.strip_prefix("a tuple of size "))
        .and_then(|size| size.parse::<usize>().ok());
    Some(match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128"
        | "isize" | "f32" | "f64" => Value::from(0),
        "a boolean" => Value::from(false),
        "a sequence" => Value::from(Vec::<Value>::new()),
        "a map" => Value::from(Map::new()),
        _ if expected.starts_with("struct ") => Value::from(Map::new()),
        _ if expected.starts_with("a nonzero ") => Value::from(1),
        _ => Value::from(vec![
            Value::Null;
            size.filter(|size| *size <= LONGEST_TUPLE)?
        ]),
    })
}

impl Finding {
    fn is_same(&self, other: &Self) -> bool {
        self.place == other.place && self.code == other.code
    }
}

const LONGEST_TUPLE: usize = 16;

/// `Value` keeps what is larger than 64 bits as a float, which a `u128` does not take.
fn has_huge_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number
            .as_f64()
            .is_some_and(|float| float.abs() >= 2_f64.powi(63)),
        Value::Array(elements) => elements.iter().any(has_huge_number),
        Value::Object(members) => members.values().any(has_huge_number),
        _ => false,
    }
}
