//! From the `garde` crate.

use ::garde::{Path, Report, error::Kind};

use super::list::{List, Token};
use crate::{Problem, Violation};

impl Violation {
    /// Everything that `garde` found, ordered by place.
    ///
    /// - The **pointer** is made of the names of Rust fields, which is all that `garde` reports
    ///   (`#[garde(rename(…))]` has no effect in 0.23); [`named_as`](Self::named_as) turns them
    ///   into those of the JSON. An error of a whole struct points at the object. `garde` does not
    ///   name the variant of an enum.
    /// - The **detail** is `garde`'s message, in the language of its `i18n`. Its own messages do
    ///   not tell the refused value; those of custom rules are passed on as they are.
    /// - The **code** tells the rule where the message is one of `garde`'s in English: `LENGTH`,
    ///   `RANGE`, `EMAIL`, …; otherwise it is `INVALID`, since `garde` has no codes of its own.
    ///
    /// ```
    /// use buttress_problem::Violation;
    /// use garde::Validate;
    ///
    /// #[derive(Validate)]
    /// struct SignUp {
    ///     #[garde(length(min = 8, max = 128))]
    ///     password: String,
    /// }
    ///
    /// let sign_up = SignUp { password: "secret".into() };
    /// let violations = Violation::from_garde(&sign_up.validate().unwrap_err());
    /// assert_eq!(violations[0].detail(), "length is lower than 8");
    /// assert_eq!(violations[0].code(), Some("LENGTH"));
    /// ```
    #[must_use]
    pub fn from_garde(report: &Report) -> Vec<Self> {
        let mut list = List::default();
        for (path, error) in report.iter() {
            let message = error.message();
            list.push(&tokens(path), message.to_owned(), code(message).to_owned());
        }
        list.into_violations()
    }
}

/// 422 with the first [`Problem::MAX_VIOLATIONS`] of [`Violation::from_garde`].
impl From<&Report> for Problem {
    fn from(report: &Report) -> Self {
        Self::validation_capped(Violation::from_garde(report))
    }
}

/// 422 with the first [`Problem::MAX_VIOLATIONS`] of [`Violation::from_garde`].
impl From<Report> for Problem {
    fn from(report: Report) -> Self {
        Self::from(&report)
    }
}

/// The path as text (`a.b[0]`) does not tell a dot in a key from one between keys, so this reads
/// what `garde::select!` reads. It runs from the value to the root.
fn tokens(path: &Path) -> Vec<Token> {
    path.__iter()
        .rev()
        .filter_map(|(kind, component)| match kind {
            Kind::None => None,
            Kind::Key => Some(Token::Name(component.to_string())),
            Kind::Index => Some(match component.parse() {
                Ok(index) => Token::Index(index),
                Err(_) => Token::Name(component.to_string()),
            }),
        })
        .collect()
}

/// The beginnings of the messages of `garde::i18n::DefaultI18n`; the codes are those that the same
/// rules have in `validator`.
const RULES: [(&str, &str); 19] = [
    ("length is lower than ", "LENGTH"),
    ("length is greater than ", "LENGTH"),
    ("lower than ", "RANGE"),
    ("greater than ", "RANGE"),
    ("not a valid credit card number", "CREDIT_CARD"),
    ("does not match pattern ", "REGEX"),
    ("does not contain \"", "CONTAINS"),
    ("not a valid url", "URL"),
    ("value does not begin with \"", "PREFIX"),
    ("does not end with \"", "SUFFIX"),
    ("not a valid phone number", "PHONE_NUMBER"),
    ("not a valid IP address", "IP"),
    ("not a valid IPv4 address", "IP"),
    ("not a valid IPv6 address", "IP"),
    ("does not match ", "MUST_MATCH"),
    ("not a valid email", "EMAIL"),
    ("not ascii", "ASCII"),
    ("not alphanumeric", "ALPHANUMERIC"),
    ("not set", "REQUIRED"),
];

fn code(message: &str) -> &'static str {
    RULES
        .iter()
        .find(|(beginning, _)| message.starts_with(beginning))
        .map_or("INVALID", |(_, code)| code)
}
