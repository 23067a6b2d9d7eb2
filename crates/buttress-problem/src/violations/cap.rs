//! How much of what is wrong is told.

use crate::{Problem, Violation};

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
