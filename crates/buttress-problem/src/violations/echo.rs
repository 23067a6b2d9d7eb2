//! Whether a text that somebody else wrote repeats something of the input.

use serde_json::Value;

/// Says whether `text` repeats a string or a number at or below `value`, in any case.
///
/// A number, and a string of one or two characters, has to stand free: `1` does not repeat
/// itself in `100`. Of a string that stands at `value` itself, each longer word counts.
///
/// What has been read as a number may be displayed in another form than it was written in, so both
/// count: `1e3` is repeated by `1000`. A text too long to look through for each value of a large
/// body counts as repeating something, which nearly always makes it so long.
pub(super) fn repeats(text: &str, value: &Value) -> bool {
    if text.len() > LONGEST_TEXT {
        return true;
    }
    let text = text.to_lowercase();
    if let Value::String(string) = value {
        let words = string
            .split(|char: char| !char.is_alphanumeric())
            .filter(|word| word.chars().count() >= SHORTEST_WORD);
        if words.into_iter().any(|word| contains(&text, word)) {
            return true;
        }
    }
    any_scalar(value, &mut |scalar| match scalar {
        Value::String(string) => {
            contains(&text, string)
                || contains(&text, &escaped(string))
                || string
                    .trim()
                    .parse()
                    .is_ok_and(|number| displays(&text, number))
        }
        Value::Number(number) => {
            stands_free(&text, &number.to_string().to_lowercase())
                || number
                    .as_f64()
                    .is_some_and(|number| displays(&text, number))
        }
        _ => false,
    })
}

/// Says whether `text` has the number in Rust's own form, which knows no exponent and no `.0`.
fn displays(text: &str, number: f64) -> bool {
    number.is_finite() && stands_free(text, &number.to_string())
}

/// Says whether a string at or below `value` contains one of these texts.
#[cfg(feature = "serde-path-to-error")]
pub(super) fn holds_any(value: &Value, texts: &[&str]) -> bool {
    any_scalar(value, &mut |scalar| {
        scalar
            .as_str()
            .is_some_and(|string| texts.iter().any(|text| string.contains(text)))
    })
}

const SHORTEST_WORD: usize = 5;

const LONGEST_TEXT: usize = 512;

fn escaped(string: &str) -> String {
    string.escape_debug().to_string()
}

fn contains(text: &str, string: &str) -> bool {
    let string = string.trim().to_lowercase();
    match string.chars().count() {
        0 => false,
        1 | 2 => stands_free(text, &string),
        _ => text.contains(&string),
    }
}

fn stands_free(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + part.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// `serde_json` reads no deeper than 128 levels, which bounds the recursion.
fn any_scalar(value: &Value, test: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_scalar(element, test)),
        Value::Object(members) => members.values().any(|member| any_scalar(member, test)),
        scalar => test(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn repetition_is_found_however_it_is_spelled() {
        for (text, value) in [
            ("hunter2 is too short", json!("hunter2")),
            ("HUNTER2 is too short", json!("hunter2")),
            ("bad: 'hunter2'", json!("  hunter2  ")),
            ("no such domain: evil.example", json!("eve@evil.example")),
            ("17 is not prime enough", json!(17)),
            ("1.5 is not whole", json!({"a": [{"b": 1.5}]})),
            (r"bad: a\nb\nc", json!("a\nb\nc")),
            ("1000 is too much", json!(1000.0)),
            ("1000 is too much", json!(1e3)),
            ("41117 is too much", json!(" 0041117")),
            ("x is bad", json!("x")),
            ("the word is short", json!("~short~")),
        ] {
            assert!(repeats(text, &value), "{text} repeats {value}");
        }
    }

    #[test]
    fn chance_is_no_repetition() {
        for (text, value) in [
            ("must be from 1 to 100", json!(10)),
            ("must not be empty", json!("")),
            ("must not be empty", json!("e")),
            (
                "start must be before end",
                json!({"start": 5, "end": "now"}),
            ),
            ("is taken", json!([null, true])),
        ] {
            assert!(!repeats(text, &value), "{text} does not repeat {value}");
        }
    }
}
