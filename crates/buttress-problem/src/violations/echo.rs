//! Whether a text that somebody else wrote repeats something of the input.

use serde_json::Value;

/// Says whether `text` repeats a string or a number at or below `value`, in any case.
///
/// A number, and a string of one or two characters, has to stand free: `1` does not repeat
/// itself in `100`. Of a string that stands at `value` itself, each longer word counts.
pub(super) fn repeats(text: &str, value: &Value) -> bool {
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
        Value::String(string) => contains(&text, string) || contains(&text, &escaped(string)),
        Value::Number(number) => stands_free(&text, &number.to_string().to_lowercase()),
        _ => false,
    })
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
            ("x is bad", json!("x")),
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
