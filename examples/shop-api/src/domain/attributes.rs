//! The attributes of a product, each one checked when it is made.

use super::rule::{BrokenRule, checked_text};

/// The name of a product: 1 to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductName(String);

/// What is said about a product: up to 4000 characters, none is fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

/// An amount in the currency's minor unit, never negative. What it is an amount of is the
/// product's [`Currency`](super::Currency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(i64);

/// How many pieces are on the shelf, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stock(i64);

/// The largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
const MAX_INTEGER: i64 = (1 << 53) - 1;

impl ProductName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 200;

    /// Takes `text` as a name.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        Ok(Self(checked_text(text, 1, Self::MAX_CHARS)?))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// The longest description, in characters.
    pub const MAX_CHARS: usize = 4000;

    /// Takes `text` as a description.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(text: String) -> Result<Self, BrokenRule> {
        Ok(Self(checked_text(text, 0, Self::MAX_CHARS)?))
    }

    /// The description as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Price {
    /// Takes a number of minor units as a price.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(minor: i64) -> Result<Self, BrokenRule> {
        Ok(Self(checked_integer(minor)?))
    }

    /// The price in minor units.
    pub fn minor(self) -> i64 {
        self.0
    }
}

impl Stock {
    /// Takes a number of pieces as a stock.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn new(pieces: i64) -> Result<Self, BrokenRule> {
        Ok(Self(checked_integer(pieces)?))
    }

    /// The number of pieces.
    pub fn pieces(self) -> i64 {
        self.0
    }
}

fn checked_integer(value: i64) -> Result<i64, BrokenRule> {
    if value < 0 {
        return Err(BrokenRule::new("OUT_OF_RANGE", "must not be negative"));
    }
    if value > MAX_INTEGER {
        return Err(BrokenRule::new(
            "OUT_OF_RANGE",
            format!("must be at most {MAX_INTEGER}"),
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Result<T, BrokenRule>) -> &'static str {
        result.expect_err("a broken rule").code
    }

    #[test]
    fn a_name_has_1_to_200_characters_not_bytes() {
        assert!(ProductName::new("ü".repeat(200)).is_ok());
        assert_eq!(code(ProductName::new("ü".repeat(201))), "TOO_LONG");
        assert_eq!(code(ProductName::new(String::new())), "TOO_SHORT");
        assert_eq!(code(ProductName::new("a\0b".to_owned())), "NUL_CHARACTER");
    }

    #[test]
    fn a_description_has_up_to_4000_characters() {
        assert!(Description::new(String::new()).is_ok());
        assert!(Description::new("ü".repeat(4000)).is_ok());
        assert_eq!(code(Description::new("x".repeat(4001))), "TOO_LONG");
        assert_eq!(code(Description::new("\0".to_owned())), "NUL_CHARACTER");
    }

    #[test]
    fn amounts_are_neither_negative_nor_larger_than_json_keeps_exactly() {
        for value in [0, MAX_INTEGER] {
            assert_eq!(Price::new(value).expect("allowed").minor(), value);
            assert_eq!(Stock::new(value).expect("allowed").pieces(), value);
        }
        for value in [-1, MAX_INTEGER + 1, i64::MIN, i64::MAX] {
            assert_eq!(code(Price::new(value)), "OUT_OF_RANGE");
            assert_eq!(code(Stock::new(value)), "OUT_OF_RANGE");
        }
    }
}
