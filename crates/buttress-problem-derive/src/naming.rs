//! From the names in the source to the names on the wire.

use std::ops::Range;

/// `order_id` to `orderId`: the default name of an extension member.
pub(crate) fn camel_case(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    for word in field.split('_').filter(|word| !word.is_empty()) {
        if name.is_empty() {
            name.push_str(&with_first(word, char::to_ascii_lowercase));
        } else {
            name.push_str(&with_first(word, char::to_ascii_uppercase));
        }
    }
    name
}

/// `OrderNotFound` to `Order not found`: the default title. An acronym stays one.
pub(crate) fn sentence_case(variant: &str) -> String {
    let mut sentence = String::with_capacity(variant.len() + 4);
    for word in words(variant) {
        let word = &variant[word];
        if sentence.is_empty() {
            sentence.push_str(word);
            continue;
        }
        sentence.push(' ');
        let is_acronym = word.len() > 1 && !word.chars().any(char::is_lowercase);
        if is_acronym {
            sentence.push_str(word);
        } else {
            sentence.push_str(&word.to_lowercase());
        }
    }
    sentence
}

/// `order-not-found` to `ORDER_NOT_FOUND`: the default code. `None` when no code can be made of
/// the text: it begins with no letter, or has characters that a code cannot stand for.
pub(crate) fn screaming_snake_case(segment: &str) -> Option<String> {
    if !segment.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let mut code = String::with_capacity(segment.len() + 4);
    for part in segment.split(['-', '_', '.', '~']) {
        if !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        for word in words(part) {
            if !code.is_empty() {
                code.push('_');
            }
            code.push_str(&part[word].to_ascii_uppercase());
        }
    }
    Some(code)
}

/// Upper-case letters, digits and `_`, beginning with a letter.
pub(crate) fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A letter, then letters, digits and `_` (RFC 9457, section 4).
pub(crate) fn is_member_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn with_first(word: &str, change: impl Fn(&char) -> char) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| change(&first));
    first.into_iter().chain(chars).collect()
}

/// Where the words of a camel-case name stand: a word begins at an upper-case letter that follows
/// something else or that a lower-case letter follows (`HTTPError` is `HTTP`, `Error`).
fn words(name: &str) -> Vec<Range<usize>> {
    let chars: Vec<(usize, char)> = name.char_indices().collect();
    let mut starts = Vec::new();
    for (at, (offset, this)) in chars.iter().enumerate() {
        let previous = at.checked_sub(1).map(|before| chars[before].1);
        let next_is_lower = chars
            .get(at + 1)
            .is_some_and(|(_, next)| next.is_lowercase());
        let begins = match previous {
            None => true,
            Some(previous) => this.is_uppercase() && (!previous.is_uppercase() || next_is_lower),
        };
        if begins {
            starts.push(*offset);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([name.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| *start..end)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_camel_case() {
        for (field, name) in [
            ("id", "id"),
            ("order_id", "orderId"),
            ("_order_id", "orderId"),
            ("retry_after_2", "retryAfter2"),
            ("a__b_", "aB"),
            ("URL", "uRL"),
            ("_", ""),
        ] {
            assert_eq!(camel_case(field), name);
        }
    }

    #[test]
    fn variants_become_sentences() {
        for (variant, title) in [
            ("OrderNotFound", "Order not found"),
            ("Db", "Db"),
            ("HTTPError", "HTTP error"),
            ("NoSuchURL", "No such URL"),
            ("AtLeastOneA", "At least one a"),
            ("V2Gone", "V2 gone"),
            ("ÄrgerImÖl", "Ärger im öl"),
        ] {
            assert_eq!(sentence_case(variant), title);
        }
    }

    #[test]
    fn segments_become_codes() {
        for (segment, code) in [
            ("order-not-found", Some("ORDER_NOT_FOUND")),
            ("orderNotFound", Some("ORDER_NOT_FOUND")),
            ("date", Some("DATE")),
            ("v2.gone_now~x", Some("V2_GONE_NOW_X")),
            ("a--b", Some("A_B")),
            ("404", None),
            ("", None),
            ("-x", None),
            ("k%C3%A4se", None),
        ] {
            assert_eq!(screaming_snake_case(segment).as_deref(), code, "{segment}");
        }
    }

    #[test]
    fn a_made_code_is_a_code() {
        for segment in ["order-not-found", "aB9", "x._-~y", "A"] {
            assert!(
                is_code(&screaming_snake_case(segment).unwrap()),
                "{segment}"
            );
        }
    }

    #[test]
    fn names_of_codes_and_members() {
        for good in ["A", "OUT_OF_STOCK", "E2"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "a", "2E", "_A", "A-B", "É", "A B"] {
            assert!(!is_code(bad), "{bad}");
        }
        for good in ["a", "orderId", "a_2"] {
            assert!(is_member_name(good), "{good}");
        }
        for bad in ["", "order-id", "2a", "_a", "é", "a b", "a.b"] {
            assert!(!is_member_name(bad), "{bad}");
        }
    }
}
