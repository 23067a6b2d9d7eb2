//! Where keys are asked for, and what may stand in such an address.

use std::net::IpAddr;

use http::{Uri, uri::Scheme};

use crate::{Error, ErrorKind, token::json::Object};

/// Where the document is, or how it is found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Jwks(Uri),
    /// The metadata of the issuer says where.
    Metadata {
        address: Uri,
        issuer: String,
    },
}

/// Which addresses are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Https,
    /// And without TLS, but only from this machine.
    LoopbackToo,
}

/// The metadata of an issuer (RFC 8414, section 3.1): between the host and the path.
pub(super) fn of_oauth(issuer: &str, allowed: Allowed) -> Result<Place, Error> {
    let (origin, path) = parts(issuer, allowed)?;
    place(
        issuer,
        &format!("{origin}/.well-known/oauth-authorization-server{path}"),
        allowed,
    )
}

/// The metadata of an issuer (OpenID Connect Discovery 1.0, section 4.1): behind the path.
pub(super) fn of_openid(issuer: &str, allowed: Allowed) -> Result<Place, Error> {
    let (origin, path) = parts(issuer, allowed)?;
    place(
        issuer,
        &format!("{origin}{path}/.well-known/openid-configuration"),
        allowed,
    )
}

/// An address that may be asked.
pub(super) fn read(address: &str, allowed: Allowed) -> Result<Uri, Error> {
    let uri: Uri = address
        .parse()
        .map_err(|_| wrong("it is not a URL in ASCII with a scheme and a host"))?;
    let Some(authority) = uri.authority() else {
        return Err(wrong("it has no host"));
    };
    if authority.as_str().contains('@') {
        return Err(wrong(
            "it has a user or a password, which have no place in a URL",
        ));
    }
    if authority.host().is_empty() {
        return Err(wrong("it has no host"));
    }
    if uri.scheme() == Some(&Scheme::HTTPS) {
        return Ok(uri);
    }
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err(wrong("its scheme is not https"));
    }
    match (allowed, is_loopback(authority.host())) {
        (Allowed::LoopbackToo, true) => Ok(uri),
        (Allowed::LoopbackToo, false) => Err(wrong(
            "its scheme is http, which is allowed for this machine only, and its host is another one",
        )),
        (Allowed::Https, _) => Err(wrong(
            "its scheme is not https: whoever sits between could put in keys of their own",
        )),
    }
}

/// The address of the JWKS document, as the metadata of this issuer names it.
pub(super) fn in_metadata(
    json: &[u8],
    issuer: &str,
    allowed: Allowed,
) -> Result<Uri, &'static str> {
    let object =
        Object::read(json).ok_or("the metadata is not one JSON object with unique names")?;
    let text = |name| object.get(name).and_then(|value| value.as_str());
    if text("issuer").ok_or("the metadata names no `issuer`")? != issuer {
        return Err("the metadata is that of another `issuer`");
    }
    let address = text("jwks_uri").ok_or("the metadata has no `jwks_uri`")?;
    // What another service writes leads to no port that only this machine reaches.
    let allowed = match issuer.parse::<Uri>() {
        Ok(uri) if uri.host().is_some_and(is_loopback) => allowed,
        _ => Allowed::Https,
    };
    read(&address, allowed).map_err(|_| "the `jwks_uri` of the metadata is not an https URL")
}

/// The address without what may be secret in it, for logs.
pub(super) fn shown(uri: &Uri) -> String {
    format!(
        "{}://{}{}",
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |authority| authority.as_str()),
        uri.path()
    )
}

fn place(issuer: &str, address: &str, allowed: Allowed) -> Result<Place, Error> {
    Ok(Place::Metadata {
        address: read(address, allowed)?,
        issuer: issuer.to_owned(),
    })
}

/// Scheme and host, and the path without the slash at its end.
fn parts(issuer: &str, allowed: Allowed) -> Result<(String, &str), Error> {
    let uri = read(issuer, allowed)?;
    if issuer.contains(['?', '#']) {
        return Err(wrong("an issuer has no query and no fragment"));
    }
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("it has no host"));
    };
    // As it is written: what is compared later is not normalised either.
    let path = issuer
        .splitn(4, '/')
        .nth(3)
        .map_or("", |path| &issuer[issuer.len() - path.len() - 1..]);
    Ok((
        format!("{scheme}://{authority}"),
        path.strip_suffix('/').unwrap_or(path),
    ))
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn wrong(reason: &'static str) -> Error {
    Error::new(
        ErrorKind::InvalidConfiguration,
        format!("this is no address to get keys from: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_this_machine() {
        for address in [
            "https://example.com/jwks.json",
            "https://example.com:8443/a?b=c",
            "HTTPS://example.com/",
            "https://[::1]/",
        ] {
            assert!(read(address, Allowed::Https).is_ok(), "{address}");
        }
        for address in [
            "http://localhost/jwks",
            "http://127.0.0.1:8080/",
            "http://127.8.9.1/",
            "http://[::1]:80/",
        ] {
            assert!(read(address, Allowed::Https).is_err(), "{address}");
            assert!(read(address, Allowed::LoopbackToo).is_ok(), "{address}");
        }
        for address in [
            "",
            "/jwks",
            "example.com/jwks",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://user:secret@example.com/",
            "https:///jwks",
            "http://example.com/",
            "http://169.254.169.254/latest",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "https://exämple.com/",
            "https://example.com/a b",
        ] {
            let error = read(address, Allowed::LoopbackToo).expect_err(address);
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn metadata_has_its_place() {
        let of = |place: Result<Place, Error>| match place.expect("a place") {
            Place::Metadata { address, .. } => address.to_string(),
            Place::Jwks(_) => panic!("no document yet"),
        };
        for (issuer, oauth, openid) in [
            (
                "https://example.com",
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
            ),
            (
                "https://example.com/",
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
            ),
            (
                "https://example.com:444/a/b/",
                "https://example.com:444/.well-known/oauth-authorization-server/a/b",
                "https://example.com:444/a/b/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(of(of_oauth(issuer, Allowed::Https)), oauth);
            assert_eq!(of(of_openid(issuer, Allowed::Https)), openid);
        }
        for issuer in ["https://a.com/?b", "https://a.com/#b", "http://a.com", "a"] {
            assert!(of_oauth(issuer, Allowed::Https).is_err(), "{issuer}");
            assert!(of_openid(issuer, Allowed::Https).is_err(), "{issuer}");
        }
    }

    #[test]
    fn metadata_is_of_the_very_issuer() {
        let read = |json: &str| in_metadata(json.as_bytes(), "https://a.com", Allowed::Https);
        let good = r#"{"issuer":"https://a.com","jwks_uri":"https://keys.b.com/k","x":[]}"#;
        assert_eq!(
            read(good),
            Ok("https://keys.b.com/k".parse().expect("a URI"))
        );
        for bad in [
            "",
            "[]",
            "<html>",
            r#"{"issuer":"https://a.com"}"#,
            r#"{"jwks_uri":"https://a.com/k"}"#,
            r#"{"issuer":"https://a.com/","jwks_uri":"https://a.com/k"}"#,
            r#"{"issuer":["https://a.com"],"jwks_uri":"https://a.com/k"}"#,
            r#"{"issuer":"https://a.com","jwks_uri":"http://a.com/k"}"#,
            r#"{"issuer":"https://a.com","jwks_uri":"http://127.0.0.1/k"}"#,
            r#"{"issuer":"https://a.com","jwks_uri":"file:///k"}"#,
            r#"{"issuer":"https://a.com","jwks_uri":1}"#,
            r#"{"issuer":"https://b.com","issuer":"https://a.com","jwks_uri":"https://a.com/k"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_not_shown() {
        let uri = "https://a.com:8/b?key=secret".parse().expect("a URI");
        assert_eq!(shown(&uri), "https://a.com:8/b");
    }
}
