//! From the `validator` crate.

use std::collections::HashMap;

use ::validator::{ValidationError, ValidationErrors, ValidationErrorsKind};
use serde_json::Value;

use super::list::{List, Token};
use crate::{Problem, Violation, problem_type::is_code};

impl Violation {
    /// Everything that `validator` found, ordered by place.
    ///
    /// - The **pointer** is made of the names of Rust fields, which is all that `validator` knows;
    ///   [`named_as`](Self::named_as) turns them into those of the JSON. An error of a whole
    ///   struct (`#[validate(schema(…))]`) points at the object. Entries of maps are told by their
    ///   position, as `validator` does.
    /// - The **code** is that of the rule in upper case: `LENGTH`, `RANGE`, `EMAIL`, …, or what
    ///   `code = "…"` says; `INVALID` where that makes no code.
    /// - The **detail** is the rule's `message`, else a sentence about the rule with its bounds.
    ///   The refused value is not told, nor (`must_match`) that of another field, and a message
    ///   that quotes the value is replaced.
    ///
    /// ```
    /// use buttress_problem::Violation;
    /// use validator::Validate;
    ///
    /// #[derive(Validate)]
    /// struct SignUp {
    ///     #[validate(length(min = 8, max = 128))]
    ///     password: String,
    ///     #[validate(email(message = "must be an address that we can write to"))]
    ///     email: String,
    /// }
    ///
    /// let sign_up = SignUp { password: "secret".into(), email: "nowhere".into() };
    /// let violations = Violation::from_validator(&sign_up.validate().unwrap_err());
    /// assert_eq!(violations[0].detail(), "must be an address that we can write to");
    /// assert_eq!(violations[1].detail(), "must have a length from 8 to 128");
    /// assert_eq!(violations[1].code(), Some("LENGTH"));
    /// ```
    #[must_use]
    pub fn from_validator(errors: &ValidationErrors) -> Vec<Self> {
        let mut list = List::default();
        collect(errors, &mut Vec::new(), &mut list);
        list.into_violations()
    }
}

/// 422 with the first [`Problem::MAX_VIOLATIONS`] of [`Violation::from_validator`].
impl From<&ValidationErrors> for Problem {
    fn from(errors: &ValidationErrors) -> Self {
        Self::validation_capped(Violation::from_validator(errors))
    }
}

/// 422 with the first [`Problem::MAX_VIOLATIONS`] of [`Violation::from_validator`].
impl From<ValidationErrors> for Problem {
    fn from(errors: ValidationErrors) -> Self {
        Self::from(&errors)
    }
}

/// The key under which `validator` puts the errors of a whole struct.
const WHOLE: &str = "__all__";

/// The key under which it puts those of a list's elements when the list itself is validated.
const ELEMENTS: &str = "_tmp_validator";

fn collect(errors: &ValidationErrors, path: &mut Vec<Token>, list: &mut List) {
    for (name, kind) in errors.errors() {
        let is_member = name != WHOLE && name != ELEMENTS;
        if is_member {
            path.push(Token::Name(name.to_string()));
        }
        match kind {
            ValidationErrorsKind::Field(errors) => {
                for error in errors {
                    list.push(path, detail(error), code(&error.code));
                }
            }
            ValidationErrorsKind::Struct(errors) => collect(errors, path, list),
            ValidationErrorsKind::List(elements) => {
                for (index, errors) in elements {
                    path.push(Token::Index(*index));
                    collect(errors, path, list);
                    path.pop();
                }
            }
        }
        if is_member {
            path.pop();
        }
    }
}

/// `terrible_username`, `terrible-username` and `terribleUsername` are `TERRIBLE_USERNAME`.
fn code(code: &str) -> String {
    let mut screaming = String::with_capacity(code.len());
    let mut after_lower = false;
    for char in code.chars() {
        if char.is_ascii_uppercase() && after_lower {
            screaming.push('_');
        }
        after_lower = char.is_ascii_lowercase() || char.is_ascii_digit();
        screaming.push(match char {
            '-' | '.' | ' ' => '_',
            other => other.to_ascii_uppercase(),
        });
    }
    match is_code(&screaming) {
        true => screaming,
        false => "INVALID".to_owned(),
    }
}

fn detail(error: &ValidationError) -> String {
    match &error.message {
        Some(message) if !quotes_input(message, &error.params) => message.to_string(),
        _ => of_rule(error),
    }
}

/// The derive puts the refused value, and for `must_match` the one it was compared to, among the
/// parameters.
fn quotes_input(message: &str, params: &HashMap<std::borrow::Cow<'static, str>, Value>) -> bool {
    ["value", "other"]
        .iter()
        .filter_map(|name| params.get(*name))
        .any(|value| super::echo::repeats(message, value))
}

/// A sentence for each rule of the derive; only parameters that come from its attributes are told.
fn of_rule(error: &ValidationError) -> String {
    let param = |name: &str| error.params.get(name).map(shown);
    match error.code.as_ref() {
        "length" => match (param("min"), param("max"), param("equal")) {
            (_, _, Some(equal)) => format!("must have a length of {equal}"),
            (Some(min), Some(max), _) => format!("must have a length from {min} to {max}"),
            (Some(min), None, _) => format!("must have a length of at least {min}"),
            (None, Some(max), _) => format!("must have a length of at most {max}"),
            (None, None, None) => "has the wrong length".to_owned(),
        },
        "range" => range(
            param("min"),
            param("exclusive_min"),
            param("max"),
            param("exclusive_max"),
        ),
        "contains" => needle("must contain", param("needle")),
        "does_not_contain" => needle("must not contain", param("needle")),
        "email" => "must be an e-mail address".to_owned(),
        "url" => "must be a URL".to_owned(),
        "ip" => "must be an IP address".to_owned(),
        "credit_card" => "must be a credit card number".to_owned(),
        "must_match" => "must be the same as the other".to_owned(),
        "regex" => "does not have the right form".to_owned(),
        "required" => "is required".to_owned(),
        "non_control_character" => "must not contain control characters".to_owned(),
        _ => "is not valid".to_owned(),
    }
}

fn range(
    min: Option<String>,
    above: Option<String>,
    max: Option<String>,
    below: Option<String>,
) -> String {
    let low = min
        .map(|min| format!("at least {min}"))
        .or(above.map(|above| format!("greater than {above}")));
    let high = max
        .map(|max| format!("at most {max}"))
        .or(below.map(|below| format!("less than {below}")));
    match (low, high) {
        (Some(low), Some(high)) => format!("must be {low} and {high}"),
        (Some(bound), None) | (None, Some(bound)) => format!("must be {bound}"),
        (None, None) => "is out of range".to_owned(),
    }
}

fn needle(must: &str, needle: Option<String>) -> String {
    match needle {
        Some(needle) => format!("{must} `{needle}`"),
        None => "does not have the right form".to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Bounds of a floating-point field are floats, and 1.0 reads better as 1.
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_scream() {
        for (given, expected) in [
            ("length", "LENGTH"),
            ("terrible_username", "TERRIBLE_USERNAME"),
            ("terrible-username", "TERRIBLE_USERNAME"),
            ("terribleUsername", "TERRIBLE_USERNAME"),
            ("ALREADY_LOUD", "ALREADY_LOUD"),
            ("", "INVALID"),
            ("5 letters", "INVALID"),
            ("größe", "INVALID"),
        ] {
            assert_eq!(code(given), expected);
        }
    }
}
