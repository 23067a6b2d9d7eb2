//! serde's error texts, taken apart. `serde::de::Error` hands everything over as text, so there
//! is nothing better to read; the formats are those of its provided methods.

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    InvalidType(Mismatch<'a>),
    InvalidValue(Mismatch<'a>),
    InvalidLength {
        expected: &'a str,
    },
    UnknownVariant {
        allowed: Option<&'a str>,
    },
    UnknownField {
        name: &'a str,
        allowed: Option<&'a str>,
    },
    MissingField {
        name: &'a str,
    },
    DuplicateField {
        name: &'a str,
    },
    /// No variant of an untagged enum, or of a flattened one, was there.
    NoVariant,
    OutOfRange,
    TooDeep,
    TooLong,
    NotANumericKey,
    /// A number, flag or other scalar that its own `FromStr` refused, always with this text.
    Unparsable(Unparsable),
    Custom(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch<'a> {
    /// What stood there, as `serde::de::Unexpected` displays it: it holds input.
    pub(super) unexpected: &'a str,
    pub(super) expected: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unparsable {
    Integer,
    TooLarge,
    TooSmall,
    Zero,
    Number,
    Flag,
}

/// What a text has to begin with to be read as anything but custom.
pub(super) const BEGINNINGS: [&str; 8] = [
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
    "unknown variant `",
    "unknown field `",
    "missing field `",
    "duplicate field `",
    "data did not match",
];

impl<'a> Message<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        known(text)
            .or_else(|| provided(text))
            .unwrap_or(Self::Custom(text))
    }
}

/// Texts without parameters: of `serde_json`, of serde's derive, and of the standard library.
fn known<'a>(text: &str) -> Option<Message<'a>> {
    Some(match text {
        // Of what is JSON `serde_json` says this of an enum's object with a second member.
        "expected value" => Message::NoVariant,
        "number out of range" => Message::OutOfRange,
        "recursion limit exceeded" => Message::TooDeep,
        "trailing characters" => Message::TooLong,
        "invalid value: expected key to be a number in quotes" => Message::NotANumericKey,
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            Message::Unparsable(Unparsable::Integer)
        }
        "number too large to fit in target type" => Message::Unparsable(Unparsable::TooLarge),
        "number too small to fit in target type" => Message::Unparsable(Unparsable::TooSmall),
        "number would be zero for non-zero type" => Message::Unparsable(Unparsable::Zero),
        "invalid float literal" | "cannot parse float from empty string" => {
            Message::Unparsable(Unparsable::Number)
        }
        "provided string was not `true` or `false`" => Message::Unparsable(Unparsable::Flag),
        _ if text.starts_with("data did not match any variant of untagged enum ")
            || (text.starts_with("no variant of enum ")
                && text.ends_with(" found in flattened data")) =>
        {
            Message::NoVariant
        }
        _ => return None,
    })
}

/// The texts of the provided methods of `serde::de::Error`.
fn provided(text: &str) -> Option<Message<'_>> {
    if let Some(rest) = text.strip_prefix("invalid type: ") {
        return mismatch(rest).map(Message::InvalidType);
    }
    if let Some(rest) = text.strip_prefix("invalid value: ") {
        return mismatch(rest).map(Message::InvalidValue);
    }
    if let Some(rest) = text.strip_prefix("invalid length ") {
        let (_, expected) = rest.split_once(", expected ")?;
        return Some(Message::InvalidLength { expected });
    }
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        let (_, allowed) = name_and_allowed(rest)?;
        return Some(Message::UnknownVariant { allowed });
    }
    if let Some(rest) = text.strip_prefix("unknown field `") {
        let (name, allowed) = name_and_allowed(rest)?;
        return Some(Message::UnknownField { name, allowed });
    }
    if let Some(rest) = text.strip_prefix("missing field `") {
        let name = rest.strip_suffix('`')?;
        return Some(Message::MissingField { name });
    }
    let rest = text.strip_prefix("duplicate field `")?;
    let name = rest.strip_suffix('`')?;
    Some(Message::DuplicateField { name })
}

fn mismatch(rest: &str) -> Option<Mismatch<'_>> {
    // A string stands there escaped and in quotes, and may itself contain ", expected ".
    let searched_from = match rest.strip_prefix("string \"") {
        Some(string) => rest.len() - string.len() + end_of_string(string)?,
        None => 0,
    };
    let at = searched_from + rest[searched_from..].find(", expected ")?;
    Some(Mismatch {
        unexpected: &rest[..at],
        expected: &rest[at + ", expected ".len()..],
    })
}

/// Where the closing quote of an escaped string is.
fn end_of_string(string: &str) -> Option<usize> {
    let mut escaped = false;
    string.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// The name comes from the input and is not escaped; what is allowed comes from the program, so
/// the last separator is the real one.
fn name_and_allowed(rest: &str) -> Option<(&str, Option<&str>)> {
    for nothing in ["`, there are no variants", "`, there are no fields", "`"] {
        if let Some(name) = rest.strip_suffix(nothing)
            && (nothing != "`" || !rest.contains("`, expected "))
        {
            return Some((name, None));
        }
    }
    let at = rest.rfind("`, expected ")?;
    Some((&rest[..at], Some(&rest[at + "`, expected ".len()..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_inside_a_text_does_not_move_its_borders() {
        let text = r#"invalid type: string "a\", expected b", expected u32"#;
        let mismatch = Mismatch {
            unexpected: r#"string "a\", expected b""#,
            expected: "u32",
        };
        assert_eq!(Message::read(text), Message::InvalidType(mismatch));

        let text = "unknown variant `x`, expected `y`, expected one of `a`, `b`, `c`";
        let allowed = Some("one of `a`, `b`, `c`");
        assert_eq!(Message::read(text), Message::UnknownVariant { allowed });

        let text = "unknown field `x`, expected `y`, there are no fields";
        let name = "x`, expected `y";
        let allowed = None;
        assert_eq!(Message::read(text), Message::UnknownField { name, allowed });
    }

    #[test]
    fn a_flattened_struct_reports_an_unknown_member_without_a_list() {
        let expected = Message::UnknownField {
            name: "x",
            allowed: None,
        };
        assert_eq!(Message::read("unknown field `x`"), expected);
    }
}
