//! What a visitor expected, in the words of whoever sends JSON or a query.

use std::borrow::Cow;

/// The texts of serde's own visitors. `32 bits` and the like mean nothing to a client; a range does.
fn known(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" | "usize" => "an integer from 0 to 18446744073709551615",
        "u128" => "a non-negative integer",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "i64" | "isize" => "an integer from -9223372036854775808 to 9223372036854775807",
        "i128" => "an integer",
        "f32" | "f64" => "a number",
        "bool" | "a boolean" => "true or false",
        "char" | "a character" => "a single character",
        "a string" | "a borrowed string" | "string" | "str" | "String" | "&str" | "path string"
        | "variant identifier" | "field identifier" | "newtype variant" | "unit variant" => {
            "a string"
        }
        "a sequence" | "bytes" | "byte array" | "a byte array" | "tuple variant" => "an array",
        "a map" | "struct variant" => "an object",
        "unit" => "null",
        _ => return None,
    })
}

/// Beginnings after which serde's derive names a Rust type.
const NAMING_A_TYPE: [(&str, &str); 9] = [
    ("struct ", "an object"),
    ("struct variant ", "an object"),
    ("internally tagged enum ", "an object"),
    ("adjacently tagged enum ", "an object"),
    ("tuple struct ", "an array"),
    ("tuple variant ", "an array"),
    ("unit struct ", "null"),
    ("variant of enum ", "a string"),
    ("enum ", "a string or an object with one member"),
];

/// A text to stand after "must be", and whether its author was serde itself.
///
/// `None` when nothing of it can be said in public.
pub(super) fn describe(expected: &str) -> Option<(Cow<'static, str>, bool)> {
    if let Some(text) = known(expected) {
        return Some((text.into(), true));
    }
    if expected.starts_with("a nonzero ") {
        return Some(("an integer other than 0".into(), true));
    }
    for before in ["an array of length ", "a tuple of size "] {
        if let Some(size) = expected.strip_prefix(before)
            && size.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Some((array_of(size), true));
        }
    }
    if let Some((_, text)) = NAMING_A_TYPE
        .iter()
        .find(|(before, _)| expected.starts_with(before))
    {
        // `struct Point with 2 elements` was read from an array.
        let size = expected
            .rsplit_once(" with ")
            .and_then(|(_, size)| size.split(' ').next())
            .filter(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()));
        return Some((size.map_or(Cow::Borrowed(*text), array_of), true));
    }
    let names_a_type = ["::", "struct ", "enum "]
        .iter()
        .any(|sign| expected.contains(sign));
    (!names_a_type).then(|| (expected.to_owned().into(), false))
}

fn array_of(size: &str) -> Cow<'static, str> {
    let plural = if size == "1" { "" } else { "s" };
    format!("an array of {size} element{plural}").into()
}

/// The sentence about something expected: `must be an array`, or for a text that does not fit
/// there, `expected: …`.
pub(super) fn sentence(expected: &str) -> String {
    let fits = ["a ", "an ", "the ", "one of ", "`", "\"", "true ", "null"]
        .iter()
        .any(|start| expected.starts_with(start));
    if fits {
        format!("must be {expected}")
    } else {
        format!("expected: {expected}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_is_named() {
        for (expected, said) in [
            ("struct Secret", Some("an object")),
            (
                "struct Secret with 2 elements",
                Some("an array of 2 elements"),
            ),
            (
                "tuple struct Pair with 1 element",
                Some("an array of 1 element"),
            ),
            ("struct variant Shape::Circle", Some("an object")),
            ("internally tagged enum Shape", Some("an object")),
            ("enum Shape", Some("a string or an object with one member")),
            ("a tuple of size 3", Some("an array of 3 elements")),
            ("a nonzero u32", Some("an integer other than 0")),
            ("some my_crate::Secret", None),
            ("any struct Secret", None),
            ("an RFC 3339 time", Some("an RFC 3339 time")),
        ] {
            let text = describe(expected).map(|(text, _)| text);
            assert_eq!(text.as_deref(), said, "{expected}");
        }
    }
}
