//! URI references in attributes: read, percent-encoded and resolved while the macro runs.

use fluent_uri::{Iri, IriRef, Uri, UriRef};
use syn::LitStr;

/// What the `type`s of an enum are resolved against.
pub(crate) struct Base(Uri<String>);

impl Base {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Self> {
        let value = text.value();
        let uri = match Uri::parse(value.as_str()) {
            Ok(uri) => uri.to_owned(),
            Err(_) => Iri::parse(value.as_str())
                .map_err(|error| {
                    let message = format!(
                        "not an absolute URI: {error}; allowed is what RFC 3986 allows, with a \
                         scheme, such as \"https://errors.example.com/\""
                    );
                    syn::Error::new(text.span(), message)
                })?
                .to_uri(),
        };
        if uri.has_fragment() {
            let message = "a base URI has no fragment (RFC 3986, section 5.1): remove the `#…`";
            return Err(syn::Error::new(text.span(), message));
        }
        Ok(Self(uri))
    }
}

/// The `type` as it is sent: resolved against the base when there is one (RFC 3986, section 5.2).
pub(crate) fn resolve(base: Option<&Base>, text: &LitStr) -> syn::Result<String> {
    let value = text.value();
    let reference = match UriRef::parse(value.as_str()) {
        Ok(reference) => reference.to_owned(),
        Err(_) => IriRef::parse(value.as_str())
            .map_err(|error| {
                let message = format!(
                    "not a URI reference: {error}; allowed is what RFC 3986, section 4.1 allows, \
                     such as \"order-not-found\", \"/errors#gone\" or \"urn:example:gone\""
                );
                syn::Error::new(text.span(), message)
            })?
            .to_uri_ref(),
    };
    let Some(Base(base)) = base else {
        return Ok(reference.into_string());
    };
    let resolved = reference.resolve_against(base).map_err(|error| {
        let message = format!("cannot be resolved against the `base` \"{base}\": {error}");
        syn::Error::new(text.span(), message)
    })?;
    Ok(resolved.into_string())
}

/// What tells one type from its neighbours: the fragment, or else the last segment of the path.
pub(crate) fn last_segment(uri: &str) -> &str {
    if let Some((_, fragment)) = uri.split_once('#') {
        return fragment;
    }
    let path = uri.split_once('?').map_or(uri, |(path, _)| path);
    let mut segments = path.rsplit(['/', ':']);
    segments.find(|part| !part.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn literal(text: &str) -> LitStr {
        LitStr::new(text, Span::call_site())
    }

    fn resolved(base: &str, text: &str) -> String {
        let base = Base::parse(&literal(base)).unwrap();
        resolve(Some(&base), &literal(text)).unwrap()
    }

    #[test]
    fn references_are_resolved_as_the_rfc_says() {
        let base = "https://errors.example.com/shop/";
        for (reference, uri) in [
            ("gone", "https://errors.example.com/shop/gone"),
            ("../gone", "https://errors.example.com/gone"),
            ("/gone", "https://errors.example.com/gone"),
            ("#gone", "https://errors.example.com/shop/#gone"),
            ("//other.example/x", "https://other.example/x"),
            ("urn:uuid:1-2", "urn:uuid:1-2"),
            ("tag:example.com,2026:x", "tag:example.com,2026:x"),
            ("about:blank", "about:blank"),
        ] {
            assert_eq!(resolved(base, reference), uri);
        }
        // Without the slash the last segment is replaced.
        assert_eq!(
            resolved("https://e.example/shop", "gone"),
            "https://e.example/gone"
        );
    }

    #[test]
    fn without_a_base_a_reference_stays_what_it_is() {
        for text in [
            "gone",
            "/types/1",
            "../x",
            "#frag",
            "http://[::1]:8080/x",
            "/a%20b",
            "https://iana.org/assignments/http-problem-types#date",
        ] {
            assert_eq!(resolve(None, &literal(text)).unwrap(), text);
        }
    }

    #[test]
    fn iris_are_percent_encoded() {
        assert_eq!(resolve(None, &literal("/käse")).unwrap(), "/k%C3%A4se");
        assert_eq!(
            resolved("https://e.example/ö/", "ä"),
            "https://e.example/%C3%B6/%C3%A4"
        );
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["http://[", "a b", "a\n", "%", "%zz", "1:x", "a#b#c"] {
            assert!(resolve(None, &literal(text)).is_err(), "{text:?}");
        }
        for text in ["/errors/", "errors", "", "https://e.example/#x", "http://["] {
            assert!(Base::parse(&literal(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_opaque_base_takes_no_relative_reference() {
        let base = Base::parse(&literal("urn:example:errors")).unwrap();
        assert!(resolve(Some(&base), &literal("gone")).is_err());
        assert!(resolve(Some(&base), &literal("urn:example:gone")).is_ok());
    }

    #[test]
    fn last_segments() {
        for (uri, segment) in [
            ("https://e.example/a/sold-out", "sold-out"),
            ("https://e.example/a/sold-out/?x=/y", "sold-out"),
            ("https://e.example/a#date", "date"),
            ("urn:example:gone", "gone"),
            ("gone", "gone"),
            ("/", ""),
        ] {
            assert_eq!(last_segment(uri), segment);
        }
    }
}
