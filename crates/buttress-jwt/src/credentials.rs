//! Where a request carries its token: the only place that reads `Authorization`, `Cookie` and
//! `X-API-Key`.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};

use crate::Rejection;

/// The one token of the request, or `None` when it has none.
///
/// Credentials of another scheme than `Bearer`, and bearer tokens that are another layer's, are none of this one's.
///
/// # Errors
///
/// When there are several, or `Bearer` is followed by what is no token.
pub(crate) fn find<'a>(
    headers: &'a HeaderMap,
    cookie: Option<&str>,
    is_anothers: impl FnOnce(&[u8]) -> bool,
) -> Result<Option<Token<'a>>, Rejection> {
    let from_header = in_authorization(headers)?.filter(|token| !is_anothers(token.bytes()));
    let from_cookie = match cookie {
        Some(name) => in_cookies(headers, name)?.map(Token::Cookie),
        None => None,
    };
    match (from_header, from_cookie) {
        (Some(_), Some(_)) => Err(Rejection::invalid_request(
            "there is an access token both in `Authorization` and in a cookie",
        )),
        (from_header, from_cookie) => Ok(from_header.or(from_cookie)),
    }
}

/// A token as the request carries it. What stands in a header field was not looked through: a token that is known needs
/// it not.
#[derive(Clone, Copy)]
pub(crate) enum Token<'a> {
    Bearer(&'a [u8]),
    Cookie(&'a str),
}

impl<'a> Token<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bearer(token) => token,
            Self::Cookie(token) => token.as_bytes(),
        }
    }

    /// # Errors
    ///
    /// When it has characters that no token has.
    pub(crate) fn text(self) -> Result<&'a str, Rejection> {
        match self {
            Self::Bearer(token) if is_token68(token) => {
                str::from_utf8(token).map_err(|_| no_token())
            }
            Self::Bearer(_) => Err(no_token()),
            Self::Cookie(token) => Ok(token),
        }
    }
}

fn no_token() -> Rejection {
    Rejection::invalid_request(
        "`Authorization: Bearer` is not followed by one space and one access token",
    )
}

/// An API key that says that it is one, or a bearer token that may be one.
pub(crate) enum KeyOrToken<'a> {
    Key(&'a str),
    Token(&'a str),
}

impl<'a> KeyOrToken<'a> {
    pub(crate) fn text(&self) -> &'a str {
        match self {
            Self::Key(text) | Self::Token(text) => text,
        }
    }
}

/// The one API key of the request, or the bearer token that may be it.
///
/// # Errors
///
/// When there are several, also of both kinds, or one cannot be read.
pub(crate) fn key_or_token(headers: &HeaderMap) -> Result<Option<KeyOrToken<'_>>, Rejection> {
    let token = in_authorization(headers)?.map(Token::text).transpose()?;
    let mut values = headers.get_all(API_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) if !value.is_empty() => {
            // What is no text is no key: it is refused as one.
            Some(value.to_str().unwrap_or(""))
        }
        (Some(_), None) => {
            return Err(Rejection::invalid_request(
                "the header field `X-API-Key` is empty",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Rejection::invalid_request(
                "the header field `X-API-Key` stands there more than once",
            ));
        }
    };
    match (key, token) {
        (Some(_), Some(_)) => Err(Rejection::invalid_request(
            "there are credentials both in `Authorization` and in `X-API-Key`",
        )),
        (Some(key), None) => Ok(Some(KeyOrToken::Key(key))),
        (None, token) => Ok(token.map(KeyOrToken::Token)),
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Keeps API keys out of logs that show headers.
pub(crate) fn hide_key(headers: &mut HeaderMap) {
    hide(headers, false);
    if let Some(value) = headers.get_mut(API_KEY) {
        value.set_sensitive(true);
    }
}

/// Keeps the values out of logs that show headers.
pub(crate) fn hide(headers: &mut HeaderMap, cookie: bool) {
    if let Some(value) = headers.get_mut(AUTHORIZATION) {
        value.set_sensitive(true);
    }
    if cookie && let http::header::Entry::Occupied(mut values) = headers.entry(COOKIE) {
        values
            .iter_mut()
            .for_each(|value| value.set_sensitive(true));
    }
}

/// The bearer token.
fn in_authorization(headers: &HeaderMap) -> Result<Option<Token<'_>>, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => in_header(value),
        (Some(_), Some(_)) => Err(Rejection::invalid_request(
            "the header field `Authorization` stands there more than once",
        )),
    }
}

/// `Bearer`, in any case, one space, and `token68` (RFC 9110, section 11.2), which is not looked through.
fn in_header(value: &HeaderValue) -> Result<Option<Token<'_>>, Rejection> {
    const SCHEME: &[u8] = b"bearer";
    let value = value.as_bytes();
    let (scheme, rest) = value.split_at(SCHEME.len().min(value.len()));
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.first().is_some_and(|byte| is_tchar(*byte)) {
        return Ok(None);
    }
    let token = rest.strip_prefix(b" ").ok_or_else(no_token)?;
    Ok(Some(Token::Bearer(token)))
}

/// The value of the one cookie of this name (RFC 6265, section 5.4). HTTP/2 may split the field.
///
/// An empty one is what some clients keep of a cookie that was taken back.
pub(crate) fn in_cookies<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a str>, Rejection> {
    let mut found = None;
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    for pair in pairs {
        let Some(value) = pair
            .trim_ascii()
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .filter(|value| !value.is_empty())
        else {
            continue;
        };
        // Which of them comes from here, and which from a neighbour's domain, cannot be told.
        if found.is_some() {
            return Err(Rejection::invalid_request(
                "the cookie of the token stands there more than once",
            ));
        }
        // What is no token is not one that is accepted: the verifier says so.
        found = Some(str::from_utf8(value).unwrap_or(""));
    }
    Ok(found)
}

/// RFC 9110, section 5.6.2.
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A token is looked through on every request: without branches, the compiler looks at many bytes in one step.
fn is_token68(token: &[u8]) -> bool {
    let is_allowed = |byte: u8| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // Digits, and `-`, `.` and `/` before them.
        let is_digit = byte.wrapping_sub(b'-') <= b'9' - b'-';
        is_letter | is_digit | (byte == b'+') | (byte == b'_') | (byte == b'~')
    };
    let end = token.iter().rposition(|byte| *byte != b'=');
    end.is_some_and(|end| {
        let content = &token[..=end];
        content
            .iter()
            .fold(true, |all, byte| all & is_allowed(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(fields: &[(&'static str, &'static str)]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let found = find(&headers, Some("__Host-at"), |_| false).ok()?;
        let token = found.map(Token::text).transpose().ok()?;
        Some(token.map(str::to_owned))
    }

    fn header(value: &'static str) -> Option<Option<String>> {
        find_in(&[("authorization", value)])
    }

    fn token(text: &str) -> Option<Option<String>> {
        Some(Some(text.to_owned()))
    }

    #[test]
    fn the_scheme_has_any_case_and_the_token_its_characters() {
        for value in [
            "Bearer a.b-c_d~e+f/g==",
            "bearer a.b-c_d~e+f/g==",
            "BEARER a.b-c_d~e+f/g==",
        ] {
            assert_eq!(header(value), token("a.b-c_d~e+f/g=="), "{value}");
        }
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer  a",
            "Bearer\ta",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer =",
            "Bearer a=b",
            "Bearer \"a\"",
            "Bearer:a",
            "Bearer {}",
            "Bearer a\t",
        ] {
            assert_eq!(header(value), None, "{value:?}");
        }
    }

    #[test]
    fn every_byte_is_one_of_token68_or_is_not() {
        for byte in 0..=u8::MAX {
            let allowed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token68(&[byte]), allowed, "{byte:#x}");
            for at in [0, 15, 16, 40] {
                let mut token = [b'a'; 41];
                token[at] = byte;
                // At the end it may be padding.
                assert_eq!(
                    is_token68(&token),
                    allowed || (at == 40 && byte == b'='),
                    "{byte:#x} {at}"
                );
            }
        }
        assert!(!is_token68(b"") && !is_token68(b"=") && is_token68(b"a=="));
    }

    #[test]
    fn other_schemes_are_not_looked_at() {
        for value in [
            "",
            "Basic YTpi",
            "Bearers a",
            "DPoP a",
            "Bea rer a",
            " Bearer a",
        ] {
            assert_eq!(header(value), Some(None), "{value:?}");
        }
    }

    #[test]
    fn one_of_the_cookies_is_read() {
        for value in [
            "__Host-at=x",
            "a=b; __Host-at=x",
            "__Host-at=x;c=d",
            "__Host-at=; __Host-at=x",
            "a;;__Host-at=x",
        ] {
            assert_eq!(find_in(&[("cookie", value)]), token("x"), "{value}");
        }
        for value in [
            "",
            "__Host-at",
            "__Host-at=",
            "__Host-att=x",
            "x__Host-at=x",
            "__host-at=x",
            "a=__Host-at=x",
        ] {
            assert_eq!(find_in(&[("cookie", value)]), Some(None), "{value}");
        }
        assert_eq!(
            find_in(&[("cookie", "a=b"), ("cookie", "__Host-at=x")]),
            token("x")
        );
    }

    #[test]
    fn several_are_one_too_many() {
        let header = ("authorization", "Bearer a");
        let cookie = ("cookie", "__Host-at=x");
        assert_eq!(find_in(&[header, header]), None);
        assert_eq!(find_in(&[header, ("authorization", "Basic a")]), None);
        assert_eq!(find_in(&[header, cookie]), None);
        assert_eq!(find_in(&[cookie, cookie]), None);
        assert_eq!(find_in(&[("cookie", "__Host-at=x; __Host-at=x")]), None);
        assert_eq!(find_in(&[("authorization", "Basic a"), cookie]), token("x"));
    }
}
