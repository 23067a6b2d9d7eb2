//! What a validator found, in an order that does not depend on a hash.

use crate::{JsonPointer, Problem, Violation};

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

impl Problem {
    /// How many entries of `errors` a validator's report is cut to.
    pub const MAX_VIOLATIONS: usize = 100;

    /// [`Problem::validation`] of at most [`MAX_VIOLATIONS`](Self::MAX_VIOLATIONS) violations. The
    /// extension member `omittedErrors` tells how many more there are.
    ///
    /// ```
    /// use buttress_problem::{JsonPointer, Problem, Violation};
    ///
    /// let wrong = |index: usize| Violation::pointer(JsonPointer::root().join(index), "must be even");
    /// let problem = Problem::validation_capped((0..120).map(wrong));
    /// assert_eq!(problem.violations().len(), 100);
    /// assert_eq!(problem.extension("omittedErrors"), Some(20));
    /// ```
    #[must_use]
    pub fn validation_capped(violations: impl IntoIterator<Item = Violation>) -> Self {
        Self::validation([]).with_violations_capped(violations)
    }

    pub(crate) fn with_violations_capped(
        mut self,
        violations: impl IntoIterator<Item = Violation>,
    ) -> Self {
        let mut violations = violations.into_iter();
        for violation in violations.by_ref().take(Self::MAX_VIOLATIONS) {
            self = self.with_violation(violation);
        }
        match violations.count() {
            0 => self,
            omitted => self.with_extension("omittedErrors", omitted),
        }
    }
}
