//! The challenges of RFC 6750, section 3: the only place that spells `WWW-Authenticate`.

use http::HeaderValue;

use crate::token::is_scope_byte;

/// `Bearer`, with each attribute at most once and nothing in it that the RFC does not allow there.
pub(crate) fn bearer(
    realm: Option<&str>,
    error: Option<(&str, &str)>,
    scopes: &[String],
) -> HeaderValue {
    let mut text = String::from("Bearer");
    let mut separator = " ";
    let mut attribute = |name: &str, value: &str| {
        text.push_str(std::mem::replace(&mut separator, ", "));
        text.push_str(name);
        text.push_str("=\"");
        text.extend(value.chars().map(plain));
        text.push('"');
    };
    if let Some(realm) = realm {
        attribute("realm", realm);
    }
    if let Some((code, description)) = error {
        attribute("error", code);
        attribute("error_description", description);
    }
    // What cannot be a scope cannot be granted either.
    let scopes: Vec<_> = scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| !scope.is_empty() && scope.bytes().all(is_scope_byte))
        .collect();
    if !scopes.is_empty() {
        attribute("scope", &scopes.join(" "));
    }
    // Every character in it is printable ASCII.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// What may stand in a value is left as it is (RFC 6750, section 3: `%x20-21 / %x23-5B / %x5D-7E`).
fn plain(character: char) -> char {
    match character {
        ' '..='!' | '#'..='[' | ']'..='~' => character,
        '"' => '\'',
        '\\' => '/',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_once_and_in_order() {
        let scopes = ["a".to_owned(), "b:c".to_owned()];
        assert_eq!(bearer(None, None, &[]), "Bearer");
        assert_eq!(bearer(Some("shop"), None, &[]), "Bearer realm=\"shop\"");
        assert_eq!(
            bearer(Some("shop"), Some(("invalid_token", "no")), &scopes),
            "Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"no\", scope=\"a b:c\""
        );
        assert_eq!(bearer(None, None, &scopes), "Bearer scope=\"a b:c\"");
    }

    #[test]
    fn what_may_not_stand_in_a_value_does_not() {
        let realm = "a\"b\\c\r\nd\tü😀\u{7f}\0z";
        assert_eq!(
            bearer(Some(realm), None, &[]),
            "Bearer realm=\"a'b/c??d?????z\""
        );
        let scopes = ["a b", "", "c\"d", "é", "e"].map(str::to_owned);
        assert_eq!(bearer(None, None, &scopes), "Bearer scope=\"e\"");
        assert_eq!(bearer(None, None, &scopes[..4]), "Bearer");
    }
}
