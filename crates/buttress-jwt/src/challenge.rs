//! The challenges of RFC 6750, section 3: the only place that spells `WWW-Authenticate`.

use std::sync::Arc;

use http::{HeaderValue, Uri, uri::Scheme};

use crate::{Error, ErrorKind, token::is_scope_byte};

/// What all challenges of a layer say of what is behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Realm {
    /// What it is called.
    pub(crate) name: Option<Arc<str>>,
    /// The URL of its metadata (RFC 9728).
    pub(crate) metadata: Option<Arc<str>>,
}

impl Realm {
    /// The same with its metadata at this URL.
    pub(crate) fn with_metadata(mut self, url: Arc<str>) -> Result<Self, Error> {
        let is_https = url.parse::<Uri>().is_ok_and(|uri| {
            uri.scheme() == Some(&Scheme::HTTPS) && uri.host().is_some_and(|host| !host.is_empty())
        });
        // `Uri` drops fragments, and allows quotes.
        let is_plain = url.bytes().all(|byte| is_scope_byte(byte) && byte != b'#');
        if !is_https || !is_plain {
            return Err(Error::new(
                ErrorKind::InvalidConfiguration,
                "the URL of the resource metadata is absolute, begins with https:// and has no fragment and no quotes",
            ));
        }
        self.metadata = Some(url);
        Ok(self)
    }
}

/// `Bearer`, with each attribute at most once and nothing in it that the RFC does not allow there.
pub(crate) fn bearer(realm: &Realm, error: Option<(&str, &str)>, scopes: &[String]) -> HeaderValue {
    let mut text = String::from("Bearer");
    let mut separator = " ";
    let mut attribute = |name: &str, value: &str| {
        text.push_str(std::mem::replace(&mut separator, ", "));
        text.push_str(name);
        text.push_str("=\"");
        text.extend(value.chars().map(plain));
        text.push('"');
    };
    if let Some(name) = &realm.name {
        attribute("realm", name);
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
    if let Some(url) = &realm.metadata {
        attribute("resource_metadata", url);
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

    fn bearer(realm: Option<&str>, error: Option<(&str, &str)>, scopes: &[String]) -> HeaderValue {
        let name = realm.map(Arc::from);
        super::bearer(
            &Realm {
                name,
                metadata: None,
            },
            error,
            scopes,
        )
    }

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

    #[test]
    fn metadata_have_a_url_that_can_stand_there() {
        let url = "https://api.example.com/.well-known/oauth-protected-resource/v1?a=b";
        let realm = Realm::default().with_metadata(url.into()).expect("a URL");
        assert_eq!(
            super::bearer(&realm, None, &[]),
            "Bearer resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource/v1?a=b\""
        );
        for url in [
            "",
            "/.well-known/oauth-protected-resource",
            "api.example.com",
            "http://api.example.com/",
            "https://",
            "https:///path",
            "https://api.example.com/#part",
            "https://api.example.com/a b",
            "https://api.example.com/\"",
            "https://api.example.com/\\",
            "https://api.example.com/ü",
        ] {
            let error = Realm::default().with_metadata(url.into()).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        }
    }
}
