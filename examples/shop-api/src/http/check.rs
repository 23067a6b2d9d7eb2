//! JSON members as they came, and the one list of everything that is wrong with them.
//!
//! A derived `Deserialize` stops at the first member of a wrong type, and rules can only be asked
//! after it. A form that shows its mistakes one at a time is no fun, so the shape of a member is
//! kept and judged together with the rules.

use std::collections::BTreeMap;

use buttress_problem::{JsonPointer, Violation};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::error::Invalid;
use crate::domain::BrokenRule;

/// A member of a JSON object that should be a `T`.
#[derive(Debug, Default)]
pub(super) enum Member<T> {
    #[default]
    Absent,
    Null,
    OfAnotherType,
    Is(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        Ok(serde_json::from_value(value).map_or(Self::OfAnotherType, Self::Is))
    }
}

/// A type that a JSON member can have.
pub(super) trait JsonType {
    /// With its article, as in "must be …".
    const NAME: &'static str;
}

impl JsonType for String {
    const NAME: &'static str = "a string";
}

impl JsonType for i64 {
    const NAME: &'static str = "an integer";
}

/// The members that a body has and should not have.
pub(super) type Unknown = BTreeMap<String, serde::de::IgnoredAny>;

/// Checks members, and collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Checker {
    violations: Vec<Violation>,
}

/// A body can have a hundred thousand members that it should not have, or one with a name of a
/// megabyte. The answer does not grow with them.
const MAX_UNKNOWN: usize = 100;
const MAX_NAME: usize = 256;

impl Checker {
    /// A member that must be there.
    pub(super) fn required<T: JsonType, V>(
        &mut self,
        name: &'static str,
        member: Member<T>,
        rule: impl FnOnce(T) -> Result<V, BrokenRule>,
    ) -> Option<V> {
        if matches!(member, Member::Absent) {
            self.refuse(name, "MISSING", "is required");
        }
        self.optional(name, member, rule)
    }

    /// A member that can be left out, and cannot be `null`.
    pub(super) fn optional<T: JsonType, V>(
        &mut self,
        name: &'static str,
        member: Member<T>,
        rule: impl FnOnce(T) -> Result<V, BrokenRule>,
    ) -> Option<V> {
        match member {
            Member::Absent => {}
            Member::Null => self.refuse(name, "TYPE", "must not be null"),
            Member::OfAnotherType => {
                self.refuse(name, "TYPE", format!("must be {}", T::NAME));
            }
            Member::Is(value) => match rule(value) {
                Ok(value) => return Some(value),
                Err(BrokenRule { code, detail }) => self.refuse(name, code, detail),
            },
        }
        None
    }

    /// Members that there should not be.
    pub(super) fn unknown(&mut self, members: &Unknown) {
        for name in members.keys().take(MAX_UNKNOWN) {
            if name.len() <= MAX_NAME {
                self.refuse(name, "UNKNOWN", "is not a member that can be set");
            } else {
                let detail = "has a member with a very long name that cannot be set";
                let violation = Violation::pointer(JsonPointer::root(), detail);
                self.violations.push(violation.with_code("UNKNOWN"));
            }
        }
    }

    /// What was built, if nothing was wrong.
    pub(super) fn finish<V>(self, value: Option<V>) -> Result<V, Invalid> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(Invalid {
                violations: self.violations,
            }),
        }
    }

    fn refuse(
        &mut self,
        name: &str,
        code: &'static str,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        let pointer = JsonPointer::root().join(name);
        self.violations
            .push(Violation::pointer(pointer, detail).with_code(code));
    }
}
