//! The readers of what strangers send, against what strangers send: documents that are good but for a few changes, and a
//! slow second opinion on each.

mod key_sets;
mod tokens;

use std::fmt;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// A change to a text of bytes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Other bytes in place of some.
    Put(Index, usize, Vec<u8>),
    /// A part stands there twice.
    Repeat(Index, Index),
    /// A part is gone.
    Cut(Index, Index),
    /// Two parts have changed their places.
    Turn(Index),
}

/// Bytes that mean something to one of the readers, or that nobody expects.
pub(crate) fn changes(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Change>> {
    let word = prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec());
    let bytes = prop_oneof![6 => word, 2 => vec(any::<u8>(), 0..4), 1 => vec(b' '..=b'~', 1..4)];
    let change = prop_oneof![
        6 => (any::<Index>(), prop_oneof![3 => Just(0_usize), 2 => 1..8_usize], bytes)
            .prop_map(|(at, gone, bytes)| Change::Put(at, gone, bytes)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Repeat(from, to)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Cut(from, to)),
        1 => any::<Index>().prop_map(Change::Turn),
    ];
    vec(change, 0..4)
}

/// Most changes are made where one member ends and the next begins, as elsewhere they only break the text.
pub(crate) fn apply(text: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        let joints: Vec<usize> = (0..=text.len())
            .filter(|at| {
                let around =
                    |at: usize| text.get(at).is_some_and(|byte| b"{}[],:\"".contains(byte));
                around(*at) || at.checked_sub(1).is_some_and(around)
            })
            .collect();
        let place = |index: &Index| match joints.len() {
            0 => index.index(text.len() + 1),
            joints_len => joints[index.index(joints_len)],
        };
        let range = |from: &Index, to: &Index| {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Put(at, gone, bytes) => {
                let at = place(at);
                let end = (at + gone).min(text.len());
                text.splice(at..end, bytes.iter().copied());
            }
            Change::Repeat(from, to) => {
                let range = range(from, to);
                let (end, part) = (range.end, text[range].to_vec());
                text.splice(end..end, part);
            }
            Change::Cut(from, to) => drop(text.drain(range(from, to))),
            Change::Turn(at) => {
                let at = place(at);
                text.rotate_left(at);
            }
        }
    }
}

/// An object as serde_json sees it, with all members, also those of one name.
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// What the slow reader makes of an object: its members, if their names are unique and nothing nests too deep.
pub(crate) enum Read {
    Object(serde_json::Map<String, Value>),
    Nothing,
    /// A number that no f64 holds, about which serde_json has no opinion.
    TooBig,
}

pub(crate) fn read(bytes: &[u8]) -> Read {
    let Members(members) = match serde_json::from_slice(bytes) {
        Ok(members) => members,
        Err(error) if error.to_string().contains("number out of range") => return Read::TooBig,
        Err(_) => return Read::Nothing,
    };
    let count = members.len();
    let object: serde_json::Map<_, _> = members.into_iter().collect();
    let is_shallow = object.values().all(|value| depth(value) < 32);
    if object.len() == count && is_shallow {
        Read::Object(object)
    } else {
        Read::Nothing
    }
}

/// Arrays and objects within each other.
fn depth(value: &Value) -> usize {
    let inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(values) => Box::new(values.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => return 0,
    };
    1 + inner.map(depth).max().unwrap_or(0)
}
