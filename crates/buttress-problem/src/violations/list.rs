//! What a validator found, in an order that does not depend on a hash.

use crate::{JsonPointer, Violation};

/// A name or an index on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    Index(usize),
    Name(String),
}

/// Collects violations with the way to each, and orders them by it.
#[derive(Debug, Default)]
pub(super) struct List(Vec<(Vec<Token>, Violation)>);

impl List {
    pub(super) fn push(&mut self, path: &[Token], detail: String, code: String) {
        let mut pointer = JsonPointer::root();
        for token in path {
            match token {
                Token::Index(index) => pointer.push(index),
                Token::Name(name) => pointer.push(name),
            }
        }
        let violation = Violation::pointer(pointer, detail).with_code(code);
        self.0.push((path.to_vec(), violation));
    }

    /// By place, an object before its members and elements by number; what is wrong with one
    /// place stays in the order in which it was found.
    pub(super) fn into_violations(mut self) -> Vec<Violation> {
        self.0.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.0.into_iter().map(|(_, violation)| violation).collect()
    }
}
